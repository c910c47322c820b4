"""How things are: status, what is open, the largest processes, a figure with its chart."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from bot.actions.told import lettered, named
from bot.charts.plots import LONGEST
from bot.converse.asked import Asked
from bot.converse.periods import span_in
from bot.converse.question import Answer, Chart
from bot.host.enclosure import not_watched
from bot.measuring.series import Subject
from bot.model import Finding, Incident
from bot.status import Board, HostHealth
from bot.storage.quiet import Quiet
from bot.text.words import amount, level_word, measured, seconds
from remediation.ledger.proposal import Proposal
from remediation.rules.rulebook import OBSERVES

_LISTED: Final = 10
_KEPT: Final = timedelta(hours=6)
"""How far back the history of a figure reaches."""
_SAME: Final = {
    "ram": "memory",
    "disk": "filesystem",
    "disks": "filesystem",
    "processor": "cpu",
    "mem": "memory",
}
_IN_FLEET: Final = {**_SAME, "disk": "disk", "disks": "disk", "traffic": "network"}
_HOST: Final = re.compile(r"\b(?:of|on|for)\s([a-z0-9][a-z0-9.-]*[0-9.-][a-z0-9.-]*)")
_SPAN: Final = re.compile(r"\d+\.?\d*[smhdw]?")


def status(asked: Asked) -> Answer:
    """Say how the hosts are, what is open and what holds the bot back."""
    board = asked.sources.status.board()
    lines = [_health(board), *map(_host, board.hosts), *_open(asked, _found(board))]
    lines += _restrictions(board)
    return Answer(text="\n".join(lines), card=_only(_found(board)))


def opened(asked: Asked) -> Answer:
    """List the open incidents and what waits for a decision."""
    found = asked.open()
    lines = _open(asked, found) or ["No incident is open."]
    about = _only(found)
    return Answer(text="\n".join(lines), card=about, about=about)


def top(asked: Asked) -> Answer:
    """Show the largest processes as they are this second."""
    items = asked.sources.processes()
    by_memory = re.search(r"\b(?:memory|ram|mem|rss)\b", asked.words)
    wanted = "memory" if by_memory else "cpu"
    ordered = sorted(items, key=lambda item: wanted not in item.title.lower())
    if not ordered:
        return Answer(text="The processes of this host cannot be read here.")
    host = asked.sources.settings.host
    text = f"{ordered[0].title} on {host}, read this second:"
    return Answer(text=text, table=ordered[0].table)


def figure(asked: Asked) -> Answer | None:
    """Say a measured figure and have it drawn; None where none is named."""
    names = asked.sources.plots.pictures.series()
    name = _series(asked.words, names)
    host = asked.sources.settings.host
    elsewhere = _other_host(asked.words, host, name or "")
    told = _of_fleet(asked, elsewhere) if elsewhere else None
    if told is not None:
        return told
    if name is None:
        return _drawable(asked, names)
    if elsewhere is not None:
        return Answer(text=f"I measure {host} only, not {elsewhere}.")
    span = min(span_in(asked.words) or timedelta(hours=1), _KEPT)
    current = next((f for f in _current(asked) if f.series == name), None)
    its_host = Subject.of(name).host or host
    text = f"{name} of {its_host} over the last {seconds(span)}."
    return Answer(
        text=f"{_now(current)} {text}" if current else text,
        chart=Chart(series=name, span=span),
    )


def _of_fleet(asked: Asked, host: str) -> Answer | None:
    """Return what Prometheus can draw of another host; None where it is not asked."""
    said = (_IN_FLEET.get(word, word) for word in re.findall(r"[a-z_]+", asked.words))
    name = next(filter(asked.sources.plots.knows, said), None)
    if name is None:
        return None
    span = min(span_in(asked.words) or timedelta(hours=1), LONGEST)
    return Answer(
        text=f"{name} of {host} over the last {seconds(span)}, by Prometheus.",
        chart=Chart(series=name, span=span, host=host),
    )


def _other_host(words: str, host: str, series: str) -> str | None:
    """Return what looks like the name of another machine, if one is named."""
    found = _HOST.search(words)
    if found is None or _SPAN.fullmatch(found[1]):
        return None
    named_it = found[1].rstrip(".")
    return None if named_it == host.lower() or named_it in series else named_it


def _drawable(asked: Asked, names: Sequence[str]) -> Answer | None:
    if not re.search(r"\b(?:chart|graph|plot|draw|picture)\b", asked.words):
        return None
    return Answer(text=f"I can draw: {', '.join(names[:30]) or 'nothing yet'}.")


def _series(words: str, names: Sequence[str]) -> str | None:
    """Return the series that is named: wholly, or by the first word of its name."""
    whole = [name for name in names if name.lower() in words]
    if whole:
        return max(whole, key=len)
    said = {_SAME.get(word, word) for word in re.findall(r"[a-z_]+", words)}
    kinds = (name for name in names if name.partition("/")[0] in said)
    return min(kinds, key=len, default=None)


def _current(asked: Asked) -> list[Finding]:
    board = asked.sources.status.board()
    return [finding for health in board.hosts for finding in health.findings]


def _now(finding: Finding) -> str:
    unit, limits = finding.unit, finding.limits
    return (
        f"{finding.label} is {measured(finding)} now (warning "
        f"{amount(limits.warning, unit)}, critical {amount(limits.critical, unit)})."
    )


def _health(board: Board) -> str:
    if not board.hosts:
        return "Nothing was measured yet."
    count = len(board.open)
    if not count:
        return "No incident is open."
    return f"{count} {'incident is' if count == 1 else 'incidents are'} open."


def _host(health: HostHealth) -> str:
    figures = ", ".join(f"{f.label} {measured(f)}" for f in health.figures)
    return f"{health.host}: {level_word(health.level)}; {figures}"


def _found(board: Board) -> list[Incident]:
    return [item.incident for item in board.open]


def _only(found: Sequence[Incident]) -> int | None:
    return found[0].number if len(found) == 1 else None


def _open(asked: Asked, found: Sequence[Incident]) -> list[str]:
    lines = [_incident(asked, incident) for incident in found[:_LISTED]]
    more = len(found) - _LISTED
    return [*lines, f"and {more} more"] if more > 0 else lines


def _incident(asked: Asked, incident: Incident) -> str:
    waits = waiting(asked.waiting(incident))
    return (
        f"Incident {incident.number}: {incident.title}, {level_word(incident.level)}, "
        f"since {incident.since:%H:%M:%S} UTC. {waits}"
    ).rstrip()


def waiting(proposals: Sequence[Proposal]) -> str:
    """Say what waits for a click: the first in words, the others by their names."""
    if not proposals:
        return ""
    others = ", ".join(lettered(proposal) for proposal in proposals[1:])
    instead = f" (or {others})" if others else ""
    return f"Waiting for a decision: {named(proposals[0])}{instead}."


def _restrictions(board: Board) -> list[str]:
    idle = [OBSERVES.reason.capitalize()] if board.observes else []
    blind = [not_watched(board.unseen)] if board.unseen else []
    lock = [f"I am locked: {board.lock.why}"] if board.lock else []
    return [
        *idle,
        *blind,
        *lock,
        *(f"{_quiet(one)} until {one.until:%H:%M} UTC" for one in board.quiet[:5]),
    ]


def _quiet(one: Quiet) -> str:
    if not one.is_maintenance:
        return f"{one.target} is muted"
    return f"{one.target} is in maintenance ({one.why})"
