"""How a service's state is said to people: as the facts of a card and of a rehearsal."""

from datetime import datetime, timedelta

from bot.model import Fact
from bot.text.words import seconds
from remediation.target.unit import UnitFacts, state_in_words

_LISTED = 5


def facts_of(service: UnitFacts, now: datetime) -> tuple[Fact, ...]:
    """Return the lines that tell how a service stands; at most seven."""
    return (
        Fact(label="Service", value=service.name),
        Fact(label="State", value=_state(service, now)),
        Fact(label="Started again by itself", value=_restarts(service)),
        *_only("Needed by", _some(service.needed_by)),
        *_only("Start limit", _limit(service)),
        *_only("Unit file", _file(service)),
    )


def _state(service: UnitFacts, now: datetime) -> str:
    since = ""
    if service.changed_at is not None:
        age = max(now - service.changed_at, timedelta(0))
        since = f", for {seconds(age)}"
    return f"{state_in_words(service)}{since}"


def _restarts(service: UnitFacts) -> str:
    if service.restart in ("", "no"):
        return "never" if service.restart else "not known"
    return f"{service.restart}; {service.restarts} times so far"


def _limit(service: UnitFacts) -> str:
    if not service.burst or not service.interval:
        return ""
    return f"{service.burst} starts in {service.interval.total_seconds():g} s"


def _file(service: UnitFacts) -> str:
    stale = " (changed on disk since it was read)" if service.stale else ""
    return f"{service.file}{stale}" if service.file else ""


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _LISTED} more" if names[_LISTED:] else ""
    return ", ".join(names[:_LISTED]) + more


def _only(label: str, value: str) -> list[Fact]:
    return [Fact(label=label, value=value)] if value else []
