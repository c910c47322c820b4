"""What a told alert means here: which host, how bad, in which words. Pure.

Labels and annotations come from whoever is scraped: they become clean words, and names
of hosts that are shaped like names.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from bot.config.alerts import AlertsSection
from bot.inbound.told import ToldAlert, digest_of
from bot.measuring.series import Subject, host_named, only
from bot.model import Fact, Finding, Level
from bot.pointed import Pointed
from bot.text.redact import fit_to_keep
from remediation.target.unit import is_service_name, unit_name

DETECTOR: Final = "alert"
FLEET: Final = "fleet"
"""The host of what names none."""

_NAME: Final = 60
_WORD: Final = 80
_TEXT: Final = 300
_LABELS: Final = 12


def is_news(alert: ToldAlert, section: AlertsSection) -> bool:
    """Say whether people should hear of it: a watchdog fires always, and is none."""
    return alert.labels.get(section.severity, "").lower() not in section.ignored


def subject_of(alert: ToldAlert, section: AlertsSection) -> Subject:
    """Return the condition, the same for every firing of the same labels."""
    return Subject(
        name=plain_name(alert.name),
        host=host_named(alert.labels.get(host_label(alert, section), "")) or FLEET,
        digest=digest_of(alert.source, alert.fingerprint),
    )


def host_label(alert: ToldAlert, section: AlertsSection) -> str:
    """Return the label that names the alert's host; "" where none does."""
    return next((name for name in section.host if alert.labels.get(name)), "")


def key_of(alert: ToldAlert, section: AlertsSection) -> str:
    """Return the name of its condition, under which it can be muted."""
    subject = subject_of(alert, section)
    return f"{subject.host}/{DETECTOR}/{subject}"


def finding_of(
    alert: ToldAlert | None, subject: Subject, section: AlertsSection, *, at: datetime
) -> Finding:
    """Return the finding of an alert that fires; None: of which only the subject is known."""
    level = Level.WARNING if alert is None else _level(alert, section)
    return Finding(
        detector=DETECTOR,
        host=subject.host,
        subject=str(subject),
        label=subject.name,
        unit="",
        value=1.0,
        limits=only(1),
        level=level,
        summary=f"{subject.name} of {subject.host} fires."
        if alert is None
        else _summary(alert, subject),
        at=at,
        series="",
        facts=() if alert is None else _facts(alert, section),
        shown="firing",
        is_passing=True,
        runbook=subject.name,
        began=None if alert is None else alert.starts_at,
        group="" if alert is None else alert.group,
        points_at=None if alert is None else _pointed(alert, section),
    )


def rest_of(
    name: str, alerts: Sequence[ToldAlert], section: AlertsSection, *, at: datetime
) -> Finding:
    """Return the finding that stands for many alerts of one name."""
    subject = Subject(name=plain_name(name), host=FLEET, digest="rest")
    count = len(alerts)
    levels = {_level(alert, section) for alert in alerts}
    said = f"{count:,} more alerts {subject.name} fire."
    return replace(
        finding_of(None, subject, section, at=at),
        level=Level.CRITICAL if Level.CRITICAL in levels else Level.WARNING,
        value=float(count),
        shown=f"{count:,} more",
        summary=said,
        group=alerts[0].group,
        stands_for=count,
    )


def plain_name(name: str) -> str:
    """Return a name that does not look like the parts of a subject."""
    plain = re.sub(r"[^A-Za-z0-9_.:-]+", "-", name)[:_NAME].strip("-")
    return plain or "alert"


def _level(alert: ToldAlert, section: AlertsSection) -> Level:
    severity = alert.labels.get(section.severity, "").lower()
    return Level.CRITICAL if severity in section.critical else Level.WARNING


def _pointed(alert: ToldAlert, section: AlertsSection) -> Pointed | None:
    """Return the service that a label names, if what it says can be one's name."""
    unit = unit_name(_first(alert.labels, section.service))
    if not is_service_name(unit):
        return None
    return Pointed(service=unit, rule="alerts.actions", actions=section.actions)


def _summary(alert: ToldAlert, subject: Subject) -> str:
    said = alert.annotations
    words = said.get("summary") or said.get("description") or said.get("message") or ""
    clean = fit_to_keep(words, limit=_TEXT)
    return clean or f"{subject.name} of {subject.host} fires."


def _facts(alert: ToldAlert, section: AlertsSection) -> tuple[Fact, ...]:
    severity = alert.labels.get(section.severity, "")
    service = _first(alert.labels, section.service)
    more = alert.annotations.get("description", "")
    said = fit_to_keep(more, limit=_TEXT) if alert.annotations.get("summary") else ""
    rest = sorted(set(alert.labels) - {"alertname", section.severity})
    shown = ", ".join(f"{_word(k)}={_word(alert.labels[k])}" for k in rest[:_LABELS])
    cut = f" and {len(rest) - _LABELS} more" if rest[_LABELS:] else ""
    left_out = f"{alert.left_out} more alerts of this group were not sent"
    return (
        Fact(label="Told by", value=alert.source.capitalize()),
        *([Fact(label="Severity", value=_word(severity))] if severity else []),
        *([Fact(label="Service", value=_word(service))] if service else []),
        *([Fact(label="Description", value=said)] if said else []),
        *([Fact(label="Labels", value=shown[:_TEXT] + cut)] if shown else []),
        *([Fact(label="Left out", value=left_out)] if alert.left_out else []),
    )


def _first(labels: Mapping[str, str], names: Sequence[str]) -> str:
    return next((labels[name] for name in names if labels.get(name)), "")


def _word(text: str) -> str:
    return fit_to_keep(text, limit=_WORD)
