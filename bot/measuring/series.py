"""One series of a rule's answer as a condition: its host, its name, its words. Pure.

Labels are written by whoever is scraped: they become clean words, and names of hosts
that are shaped like names. What of them goes back into a question goes through
`prometheus/selector.py`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from bot.config.prometheus import Rule
from bot.measuring.levels import with_limit
from bot.model import Fact, Finding, Level, Limits
from bot.pointed import Pointed
from bot.prometheus.answer import Sample
from bot.text.redact import fit_to_keep
from bot.text.words import amount
from remediation.target.unit import is_service_name, unit_name

DETECTOR: Final = "prometheus"
_HOST: Final = 63
_WORD: Final = 80
_LABELS: Final = 12
_FACT: Final = 300
_PLACE: Final = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*)\}")
_LOOPBACK: Final = re.compile(r"localhost|127(\.\d+){3}|::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a condition is about, as it is kept: `cpu@web-7#1a2b3c4d5e`.

    name: of the rule; `rule:NAME` and `server:NAME` are about those themselves. host:
    stands in it so that a restarted bot knows whose condition it was. digest: of all
    labels, which tells the series of one host apart.
    """

    name: str
    host: str
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.host}" + (f"#{self.digest}" if self.digest else "")

    @classmethod
    def of(cls, text: str) -> "Subject":
        """Read one back."""
        name, _, rest = text.partition("@")
        host, _, digest = rest.partition("#")
        return cls(name=name, host=host, digest=digest)


def subject_of(rule: Rule, labels: Mapping[str, str], *, otherwise: str) -> Subject:
    """Return the subject of a series; `otherwise`: the host where no label names one."""
    told = json.dumps(sorted(labels.items())).encode()
    return Subject(
        name=rule.name,
        host=host_named(labels.get(rule.host, "")) or otherwise,
        digest=hashlib.sha256(told).hexdigest()[:10],
    )


def host_named(label: str) -> str:
    """Return the host in `web-7:9100`, `[fd00::7]:9100` or `https://web-7/x`, or "".

    >>> host_named("web-7:9100"), host_named("https://shop.example/health")
    ('web-7', 'shop.example')
    """
    try:
        parts = urlsplit(label if "://" in label else f"//{label}")
        bare = parts.hostname or ""
    except ValueError:
        bare = label
    # A URL's host is lower case; people's names for hosts are as they wrote them.
    place = label.lower().find(bare)
    kept = label[place : place + len(bare)] if place >= 0 else bare
    # No configured host has an underscore: what had to be changed is none of them.
    return re.sub(r"[^A-Za-z0-9.-]", "_", kept)[:_HOST].strip(".-")


def host_of_server(address: str, *, here: str) -> str:
    """Return what people call the host of a server; on loopback it is this one."""
    if _LOOPBACK.fullmatch(address):
        return here
    return host_named(f"[{address}]" if ":" in address else address) or here


def judged(rule: Rule, value: float, before: Level) -> Level:
    """Return the level of a value; a rule without critical limit has no critical."""
    level = rule.limits.judge(value, before)
    no_critical = rule.critical is None and level is Level.CRITICAL
    return Level.WARNING if no_critical else level


def measured_finding(
    rule: Rule, sample: Sample, subject: Subject, level: Level, *, at: datetime
) -> Finding:
    """Return the finding of a series that was measured."""
    label = _label(rule, sample)
    said = amount(sample.value, rule.unit)
    summary = f"{label} of {subject.host} is {said}."
    return replace(
        bare_finding(rule, subject, at=at),
        label=label,
        value=sample.value,
        level=level,
        summary=_filled(rule.summary, sample, said) if rule.summary else summary,
        series=f"{rule.name}@{subject.host}#{subject.digest}",
        facts=_facts(rule, sample, label, level),
        points_at=_pointed(rule, sample),
    )


def _pointed(rule: Rule, sample: Sample) -> Pointed | None:
    """Return the service that a label names, if what it says can be one's name."""
    said = sample.labels.get(rule.service, "") if rule.service else ""
    name = unit_name(said)
    # A host that no label names is a guess, and nobody acts on one.
    is_placed = bool(host_named(sample.labels.get(rule.host, "")))
    if not said or not is_service_name(name) or not is_placed:
        return None
    return Pointed(
        service=name, rule=f"prometheus.rules.{rule.name}", actions=rule.actions
    )


def bare_finding(rule: Rule, subject: Subject, *, at: datetime) -> Finding:
    """Return what can be said of a series that was never measured since the start."""
    # A label's name in braces has no value here.
    label = _PLACE.sub("?", rule.label or rule.name)
    return Finding(
        detector=DETECTOR,
        host=subject.host,
        subject=str(subject),
        label=label,
        unit=rule.unit,
        value=None,
        limits=rule.limits,
        level=Level.UNKNOWN,
        summary=f"{label} of {subject.host}: no data.",
        at=at,
        series="",
        facts=(Fact(label="Rule", value=rule.name),),
        hold_for=rule.for_,
        keep_for=rule.keep_firing_for,
        is_passing=True,
        runbook=rule.runbook or "",
    )


def unconfigured(subject: Subject, at: datetime) -> Finding:
    """Return the end of a condition that no rule asks for any more."""
    return Finding(
        detector=DETECTOR,
        host=subject.host,
        subject=str(subject),
        label=subject.name,
        unit="",
        value=None,
        limits=only(0),
        level=Level.OK,
        summary=f"Nobody asks for {subject.name} any more; how it stands is not known.",
        at=at,
        series="",
        keep_for=timedelta(0),
        is_passing=True,
    )


def only(limit: float) -> Limits:
    """Return one limit as all four."""
    return Limits(
        warning=limit, critical=limit, clear_warning=limit, clear_critical=limit
    )


def _label(rule: Rule, sample: Sample) -> str:
    template = rule.label or rule.name
    return _filled(template, sample, amount(sample.value, rule.unit))[:100]


def _filled(template: str, sample: Sample, value: str) -> str:
    def word(found: re.Match[str]) -> str:
        return (
            value if found[1] == "value" else _clean(sample.labels.get(found[1], "?"))
        )

    return _PLACE.sub(word, template)


def _facts(rule: Rule, sample: Sample, label: str, level: Level) -> tuple[Fact, ...]:
    figure = with_limit(sample.value, rule.unit, rule.limits, level)
    service = sample.labels.get(rule.service, "") if rule.service else ""
    told = sorted(sample.labels.items())
    shown = ", ".join(f"{_clean(k)}={_clean(v)}" for k, v in told[:_LABELS])
    more = f" and {len(told) - _LABELS} more" if told[_LABELS:] else ""
    return (
        Fact(label=label, value=figure),
        *([Fact(label="Service", value=_clean(service))] if service else []),
        Fact(label="Rule", value=rule.name),
        Fact(label="Asked", value=fit_to_keep(rule.expr, limit=_FACT)),
        *([Fact(label="Labels", value=shown[:_FACT] + more)] if told else []),
    )


def _clean(text: str) -> str:
    return fit_to_keep(text, limit=_WORD)
