"""Who wants quiet: mutes and maintenance, begun and ended, on the cards too.

Each is one transaction with its event. What begins by `countersign maintenance` is a
row only; the running bot's sweep does the rest.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import Connection

from bot import quiet, store
from bot.ask import Ask
from bot.model import Incident, Person
from bot.ports import Wakeable
from bot.quiet import Quiet
from bot.record import Record
from bot.target import Targets
from bot.words import seconds
from remediation.audit import Event, append
from remediation.decision import NotDecided
from remediation.moment import Moment
from remediation.unit import UnitFacts, is_service_name, unit_name

LONGEST = timedelta(days=7)
"""Of a maintenance: what is quiet for longer is forgotten by everybody."""


class Silence:
    """Keeps targets quiet. host: this one. ask: measures anew when maintenance ends."""

    def __init__(
        self, *, host: str, record: Record, ask: Ask, targets: Targets, poster: Wakeable
    ) -> None:
        self._host = host
        self._ask = ask
        self._targets = targets
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._poster = poster

    def target(self, named: str) -> str:
        """Return the host or service that somebody named; raise `NotDecided`.

        `HOST`, `SERVICE` and `HOST/SERVICE` name this host or one of its services.
        """
        return target_of(named, self._host, self._targets.service)

    def mute_incident(self, number: int, who: Person, span: timedelta) -> Incident:
        """Silence the incident's conditions for a while; approvers only."""
        _may(who, "mute")
        now = self._clock.now()
        with self._database.write() as tx:
            incident = store.get(tx, number)
            if not incident.is_open:
                raise NotDecided(f"incident {number} is resolved already")
            for finding in incident.findings:
                end = now.wall + span
                quiet.keep(tx, Quiet(target=finding.key, until=end, by=who.id))
            text = f"muted this for {seconds(span)}"
            _event(tx, "incident.muted", text, now, who.id, number)
            _show(tx, now)
            incident = store.get(tx, number)
        self._poster.wake()
        return incident

    def mute(self, target: str, who: Person, span: timedelta) -> None:
        """Silence a host or a condition (HOST or HOST/DETECTOR/SUBJECT)."""
        _may(who, "mute")
        now = self._clock.now()
        with self._database.write() as tx:
            over = quiet.kept(tx, now.wall).get(target)
            if over is not None and over.is_maintenance:
                raise NotDecided(f"{target} is in maintenance; that is quiet already")
            quiet.keep(tx, Quiet(target=target, until=now.wall + span, by=who.id))
            _event(tx, "muted", f"muted {target} for {seconds(span)}", now, who.id)
            _show(tx, now)
        self._poster.wake()

    def unmute(self, target: str, who: Person) -> None:
        """Lift a mute; raise `NotDecided` if there is none."""
        _may(who, "unmute")
        now = self._clock.now()
        with self._database.write() as tx:
            over = quiet.lift(tx, target)
            if over is None:
                raise NotDecided(f"{target} is not muted")
            if over.is_maintenance:
                raise NotDecided(f"{target} is in maintenance; end that instead")
            _show(tx, now)
            _event(tx, "unmuted", f"unmuted {target}", now, who.id)
        self._poster.wake()

    def begin_maintenance(
        self, target: str, who: Person, span: timedelta, why: str
    ) -> Quiet:
        """Keep pages and proposals about a host or service quiet; approvers only."""
        _may(who, "begin maintenance")
        check(span, why)
        now = self._clock.now()
        begun = Quiet(target=target, until=now.wall + span, by=who.id, why=why)
        with self._database.write() as tx:
            begin(tx, begun, now, actor=who.id)
            self._withdraw(tx, now)
            _show(tx, now)
        self._poster.wake()
        return begun

    def end_maintenance(self, target: str, who: Person) -> None:
        """End it, and measure anew what is still wrong; raise `NotDecided` without one."""
        _may(who, "end maintenance")
        now = self._clock.now()
        with self._database.write() as tx:
            over = quiet.kept(tx, now.wall).get(target)
            if over is None or not over.is_maintenance:
                raise NotDecided(f"{target} is not in maintenance")
            left = self._end(tx, over, now, actor=who.id)
            _show(tx, now)
        self._propose(left)
        self._poster.wake()

    def sweep(self) -> None:
        """Bring the cards in line with the rows: what began, and what is over."""
        now = self._clock.now()
        with self._database.read() as tx:
            is_idle = not quiet.lapsed(tx, now.wall) and not _stale(tx, now)
        if is_idle:
            return
        left: list[int] = []
        with self._database.write() as tx:
            for over in quiet.lapsed(tx, now.wall):
                left += self._end(tx, over, now)
            self._withdraw(tx, now)
            _show(tx, now)
        self._propose(left)
        self._poster.wake()

    def _withdraw(self, tx: Connection, now: Moment) -> None:
        """Take back what is proposed for whatever is in maintenance."""
        rows = quiet.kept(tx, now.wall)
        for incident in store.opened(tx):
            over = _begun(rows, incident)
            if over is None:
                continue
            self._ledger.supersede(tx, incident.number, now=now)
            none = quiet.no_action(over)
            store.bump(tx, incident.number, offered=None, no_action=none)
            text = f"{none.reason}. Nothing is proposed and nobody is called"
            _event(tx, "maintenance.quiet", text, now, None, incident.number)

    def _end(
        self, tx: Connection, over: Quiet, now: Moment, actor: str | None = None
    ) -> list[int]:
        """Forget it; return the open incidents that it kept from being acted on."""
        quiet.lift(tx, over.target)
        if not over.is_maintenance:
            return []
        kept = [i.number for i in store.opened(tx) if _is_kept(i, over)]
        by_itself = f"The maintenance of {over.target} has ended"
        text = f"ended the maintenance of {over.target}" if actor else by_itself
        for number in kept:
            _event(tx, "maintenance.ended", text, now, actor, number)
        if not kept:
            _event(tx, "maintenance.ended", text, now, actor)
        return kept

    def _propose(self, numbers: list[int]) -> None:
        for number in numbers:
            # Resolved or decided meanwhile: then there is nothing to propose.
            with suppress(NotDecided):
                self._ask.again(number, None)


def target_of(named: str, here: str, service: Callable[[str], UnitFacts | None]) -> str:
    """Return the target by a host's or service's name; raise `NotDecided`.

    here: this host. service: reads one by its canonical name; None where there is none.
    """
    host, slash, bare = named.rpartition("/")
    if slash and host != here:
        raise NotDecided(f"this Countersign watches {here}, not {host}")
    if named == here:
        return named
    name = unit_name(bare)
    if not is_service_name(name) or service(name) is None:
        raise NotDecided(f"{here} is not called {bare} and has no such service")
    return f"{here}/{name}"


def check(span: timedelta, why: str) -> None:
    """Raise `NotDecided` unless a maintenance may last so long, for this."""
    if not timedelta(0) < span <= LONGEST:
        asked = seconds(span)
        raise NotDecided(f"maintenance lasts at most {seconds(LONGEST)}, not {asked}")
    if not why:
        raise NotDecided("say what is done, in a few words")


def begin(tx: Connection, begun: Quiet, now: Moment, actor: str | None) -> None:
    """Write the row and its event."""
    span = seconds(begun.until - now.wall)
    by = "" if actor else f" ({begun.by})"
    text = f"put {begun.target} in maintenance for {span}: {begun.why}{by}"
    quiet.keep(tx, begun)
    _event(tx, "maintenance.began", text, now, actor)


def _stale(tx: Connection, now: Moment) -> bool:
    """Say whether a card does not show yet what is quiet."""
    rows = quiet.kept(tx, now.wall)
    return any(
        quiet.until(rows, incident) != incident.muted_until
        or _begun(rows, incident) is not None
        for incident in (store.opened(tx) if rows else ())
    )


def _is_kept(incident: Incident, over: Quiet) -> bool:
    """Say whether this maintenance keeps the incident from being acted on."""
    none = incident.no_action
    said = none is not None and none.rule == quiet.RULE
    return said and quiet.maintenance_of({over.target: over}, incident) is not None


def _begun(rows: Mapping[str, Quiet], incident: Incident) -> Quiet | None:
    """Return the maintenance that the incident's card does not name yet."""
    over = quiet.maintenance_of(rows, incident)
    told = over is None or incident.no_action == quiet.no_action(over)
    return None if told else over


def _show(tx: Connection, now: Moment) -> None:
    """Bring every open card's "muted until" in line with the rows there are."""
    rows = quiet.kept(tx, now.wall)
    for incident in store.opened(tx):
        until = quiet.until(rows, incident)
        if until != incident.muted_until:
            store.bump(tx, incident.number, muted_until=until)


def _event(
    tx: Connection,
    kind: str,
    text: str,
    now: Moment,
    actor: str | None,
    incident: int | None = None,
) -> None:
    append(tx, Event(kind=kind, text=text, at=now.wall, incident=incident, actor=actor))


def _may(who: Person, verb: str) -> None:
    if not who.is_approver:
        raise NotDecided(f"only approvers may {verb}")
