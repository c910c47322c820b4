"""The words of the configuration that would make an incident's work expected. Pure.

Nothing is changed by them: a person commits the file, and the team sees who allowed what.
"""

import glob
import math
from datetime import UTC, timedelta
from typing import Final

import yaml

from bot.config.expected import figure_of
from bot.model import Incident
from remediation.ledger.decision import NotDecided
from remediation.target.unit import is_login

_DELETED: Final = " (deleted)"
"""What the kernel puts behind the path of a file that was replaced or removed."""
_MARGIN: Final = 1.25
"""A work is allowed a quarter more than was seen of it."""


def declaration(incident: Incident, *, cores: int) -> str:
    """Return an entry of `expected:` in YAML; raise `NotDecided` where there is none.

    cores: of the host that the incident is about.
    """
    if figure_of(incident.lead.detector, incident.lead.subject) is None:
        raise NotDecided(
            "only conditions of the CPU and of memory can be declared; mute this one, or "
            "change the limits of its detector"
        )
    subject = _subject(incident)
    if subject is None:
        raise NotDecided(
            "this incident blames no process and no service, so there is no work to "
            "declare; mute it, or change the limits of its detector"
        )
    begins = incident.since.astimezone(UTC).replace(minute=0)
    ends = begins + timedelta(hours=2)
    entry = {
        **subject,
        "schedule": {"from": f"{begins:%H:%M}", "to": f"{ends:%H:%M}", "zone": "UTC"},
        "max": _max(incident, cores),
    }
    return yaml.safe_dump({"expected": [entry]}, sort_keys=False, allow_unicode=True)


def _subject(incident: Incident) -> dict[str, str] | None:
    culprit = incident.culprit
    if incident.unit_name is not None:
        return {"unit": _lasting(incident.unit_name)}
    if culprit is None or incident.is_storm:
        return None
    return {"exe": _pattern(culprit.identity.exe), "user": culprit.process.user}


def _lasting(unit: str) -> str:
    if is_login(unit):
        raise NotDecided(
            f"{unit} holds whatever somebody runs in it, so it is no work to declare; "
            "run the work as a service of its own, or declare its executable by hand"
        )
    return unit


def _pattern(exe: str) -> str:
    if not exe or exe.endswith(_DELETED):
        raise NotDecided(
            "the bot cannot name the program that runs: its file was replaced or is hidden; "
            "declare it by hand, or as a unit"
        )
    return glob.escape(exe)


def _max(incident: Incident, cores: int) -> dict[str, float]:
    culprit, lead = incident.culprit, incident.lead
    if figure_of(lead.detector, lead.subject) == "cores":
        # Percent of one core for a process, of all cores for the host.
        share = culprit.amount if culprit else lead.value or 0
        whole = 1 if lead.detector == "runaway_process" else cores
        used = share / 100 * whole
        if lead.detector in ("load", "pressure"):
            used = cores if culprit is None else culprit.share * cores
        return {"cores": _up(used, step=0.5)}
    rss_bytes = culprit.process.rss_bytes if culprit else 0
    return {"memory_gb": _up(rss_bytes / 1e9, step=0.1)}


def _up(used: float, *, step: float) -> float:
    return round(max(math.ceil(used * _MARGIN / step), 1) * step, 1)
