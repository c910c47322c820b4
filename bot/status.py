"""The state of things at a glance, for `/sre status` and App Home."""

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.alerts.triage import worst
from bot.blame.declare import declaration
from bot.model import Finding, Incident, Level
from bot.respond import Respond
from bot.storage import quiet, store
from bot.storage.lead import Standing
from bot.storage.quiet import Quiet
from bot.storage.record import Record
from remediation.ledger.decision import NotDecided
from remediation.ledger.lock import Locked, locked
from remediation.ledger.proposal import Proposal, State

WORST_FIRST = (Level.CRITICAL, Level.WARNING, Level.UNKNOWN, Level.OK)
_MAIN = ("cpu", "memory", "load", "filesystem", "prometheus")
_MOST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class HostHealth:
    """One host: its worst level and the latest figure of each condition."""

    host: str
    level: Level
    findings: tuple[Finding, ...]

    @property
    def figures(self) -> tuple[Finding, ...]:
        """What a glance needs: what is not well, the worst first, then the main figures.

        Processes have incidents of their own, and many conditions that are well say
        nothing one by one.
        """
        own = [f for f in self.findings if not f.subject.startswith("process:")]
        bad = [f for f in own if not f.is_well]
        bad.sort(key=lambda finding: WORST_FIRST.index(finding.level))
        main = [f for name in _MAIN for f in own if f.detector == name and f.is_well]
        return (*bad[:_MOST], *main[: max(_MOST - len(bad), 0)])


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """An open incident with the link to its card and what waits on it."""

    incident: Incident
    permalink: str
    waiting: tuple[Proposal, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Everything the live board shows.

    unseen: why the bot's own host is not watched, "" where it is. untold: why a detector
    can measure nothing there, by its name. expected: declared work that is at it.
    observes: whether it does nothing (`mode: observe`).
    learning: how far it is with what was usual before it came, "" when it is done.
    standing: how this bot stands among several on its database; None where it is alone.
    """

    at: datetime
    hosts: tuple[HostHealth, ...]
    open: tuple[OpenIncident, ...]
    lock: Locked | None
    quiet: tuple[Quiet, ...]
    unseen: str = ""
    untold: Mapping[str, str] = field(default_factory=dict)
    expected: tuple[str, ...] = ()
    observes: bool = False
    learning: str = ""
    standing: Standing | None = None

    def only(self, host: str) -> "Board":
        """Return the part that concerns one host."""
        return replace(
            self,
            hosts=tuple(health for health in self.hosts if health.host == host),
            open=tuple(item for item in self.open if item.incident.host == host),
        )


class Status:
    """Reads the board. unseen, untold, expected, learning, standing: as it has them."""

    def __init__(
        self,
        *,
        record: Record,
        respond: Respond,
        untold: Mapping[str, str],
        expected: Callable[[], Mapping[str, str]],
        unseen: str = "",
        learning: Callable[[], str] = str,
        standing: Callable[[], Standing | None] = lambda: None,
    ) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._respond = respond
        self._clock = record.clock
        self.unseen = unseen
        self._untold = untold
        self._expected = expected
        self._learning = learning
        self._standing = standing

    def board(self) -> Board:
        """Return the state of this instant."""
        moment = self._clock.now()
        now = moment.wall
        with self._database.read() as tx:
            open_ = [
                OpenIncident(
                    incident=incident,
                    permalink=_permalink(store.posting(tx, incident.number)),
                    waiting=tuple(
                        p
                        for p in self._ledger.of(tx, incident.number)
                        if p.state is State.PENDING
                    ),
                )
                for incident in store.opened(tx)
            ]
            return Board(
                at=now,
                hosts=_hosts(self._respond.current()),
                open=tuple(open_),
                lock=locked(tx),
                quiet=quiet.kept(tx, moment),
                unseen=self.unseen,
                untold=dict(self._untold),
                expected=tuple(sorted(set(self._expected().values()))),
                observes=self._ledger.book.observes,
                learning=self._learning(),
                standing=self._standing(),
            )

    def mutable(self, named: str) -> str:
        """Return the host or condition that somebody named; raise `NotDecided`.

        `HOST`, `HOST/DETECTOR` and `HOST/DETECTOR/SUBJECT` name one that was measured
        or stands in an open incident.
        """
        with self._database.read() as tx:
            open_ = [f for incident in store.opened(tx) for f in incident.findings]
        known = [*open_, *self._respond.current().values()]
        names = {f.key for f in known} | {f.host for f in known}
        for name in (named, f"{named}/"):
            if name in names:
                return name
        close = difflib.get_close_matches(named, sorted(names), n=3, cutoff=0.4)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise NotDecided(f"nothing here is called {named}{hint}")

    def declaration(self, number: int) -> str:
        """Return what would declare an incident's work as expected, in YAML."""
        with self._database.read() as tx:
            incident = store.get(tx, number)
        return declaration(incident, cores=os.cpu_count() or 1)

    def incidents(self, span: timedelta) -> list[Incident]:
        """Return the incidents opened within the span, the newest first."""
        with self._database.read() as tx:
            return store.since(tx, self._clock.now().wall - span)


def _permalink(posting: store.Posting | None) -> str:
    return posting.permalink if posting else ""


def _hosts(current: Mapping[str, Finding]) -> tuple[HostHealth, ...]:
    by_host: dict[str, list[Finding]] = {}
    for finding in current.values():
        by_host.setdefault(finding.host, []).append(finding)
    return tuple(
        HostHealth(host=host, level=worst(found), findings=tuple(found))
        for host, found in sorted(by_host.items())
    )
