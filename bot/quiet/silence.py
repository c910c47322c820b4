"""Who wants quiet: mutes and maintenance, begun and ended, on the cards too.

What begins or ends is a row with its event; the sweep brings the cards in line with the
rows, so that a script, a crash or a lost second of the database need no way of their own.
"""

import re
from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from bot.actions.ask import Ask
from bot.actions.target import Targets
from bot.model import Incident, NoAction
from bot.person import Person
from bot.ports import Wakeable
from bot.quiet.maintenance import (
    begin,
    check,
    end,
    row_name,
    target_of,
    tell_end,
)
from bot.runtime.loop import attempt
from bot.storage import quiet, store
from bot.storage.quiet import Quiet
from bot.storage.record import Record
from bot.text.words import seconds
from remediation.ledger.audit import happened
from remediation.ledger.decision import NotDecided
from remediation.moment import Moment

_PERSON = re.compile(r"[UW][A-Z0-9]{2,}")


class Silence:
    """Keeps targets quiet. host: this one. others: those that are acted on from here.

    ask: measures anew when maintenance ends.
    """

    def __init__(
        self,
        *,
        host: str,
        record: Record,
        ask: Ask,
        targets: Targets,
        poster: Wakeable,
        others: Collection[str] = (),
    ) -> None:
        self._hosts = (host, *others)
        self._ask = ask
        self._targets = targets
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._poster = poster

    def mute_incident(self, number: int, who: Person, span: timedelta) -> Incident:
        """Silence the incident's conditions for a while; approvers only."""
        who.must_approve("mute")
        now = self._clock.now()
        with self._database.write() as tx:
            incident = store.get(tx, number)
            if not incident.is_open:
                raise NotDecided(f"incident {number} is resolved already")
            for finding in incident.findings:
                quiet.mute(tx, finding.key, until=now.wall + span, by=who.id)
            text = f"muted this for {seconds(span)}"
            happened(tx, "incident.muted", text, now, incident=number, actor=who.id)
            _show(tx, now)
            incident = store.get(tx, number)
        self._poster.wake()
        return incident

    def mute(self, target: str, who: Person, span: timedelta) -> None:
        """Silence a host or a condition (HOST or HOST/DETECTOR/SUBJECT)."""
        who.must_approve("mute")
        now = self._clock.now()
        with self._database.write() as tx:
            quiet.mute(tx, target, until=now.wall + span, by=who.id)
            text = f"muted {target} for {seconds(span)}"
            happened(tx, "muted", text, now, actor=who.id)
            _show(tx, now)
        self._poster.wake()

    def unmute(self, target: str, who: Person) -> None:
        """Lift a mute; raise `NotDecided` if there is none."""
        who.must_approve("unmute")
        now = self._clock.now()
        with self._database.write() as tx:
            if (silenced := quiet.muted_elsewhere(tx, target)) is not None:
                raise NotDecided(f"{target} is kept quiet by {silenced}; end it there")
            if not quiet.unmute(tx, target):
                raise NotDecided(f"{target} is not muted")
            _show(tx, now)
            happened(tx, "unmuted", f"unmuted {target}", now, actor=who.id)
        self._poster.wake()

    def begin_maintenance(
        self, named: str, who: Person, span: timedelta, why: str
    ) -> Quiet:
        """Keep pages and proposals about a host or service quiet; approvers only."""
        who.must_approve("begin maintenance")
        check(span, why)
        target = target_of(named, self._hosts, self._targets.service)
        now = self._clock.now()
        begun = Quiet(target=target, until=now.wall + span, by=who.id, why=why)
        with self._database.write() as tx:
            begin(tx, begun, now, actor=who.id)
            self._withdraw(tx, now)
            _show(tx, now)
        self._poster.wake()
        return begun

    def end_maintenance(self, named: str, who: Person) -> str:
        """End it, whoever began it; return its target. Raise `NotDecided` without one.

        What is still wrong is measured anew by the next sweep.
        """
        who.must_approve("end maintenance")
        target = row_name(named, self._hosts)
        now = self._clock.now()
        with self._database.write() as tx:
            if not end(tx, target, now, actor=who.id):
                raise NotDecided(f"{target} is not in maintenance")
            _show(tx, now)
        self._poster.wake()
        return target

    def sweep(self) -> None:
        """Bring the cards in line with the rows: what began, and what is over."""
        now = self._clock.now()
        with self._database.read() as tx:
            if not _is_behind(tx, now):
                return
        with self._database.write() as tx:
            for over in quiet.kept_and_lapsed(tx, now)[1]:
                if over.is_maintenance:
                    quiet.forget(tx, over)
                    tell_end(tx, over, now)
                else:
                    quiet.unmute(tx, over.target)
            self._withdraw(tx, now)
            _show(tx, now)
            left = _left(tx, now)
        for incident in left:
            again = partial(self._measure, incident.number)
            attempt(again, instead=None, name="maintenance")
        self._poster.wake()

    def _withdraw(self, tx: Connection, now: Moment) -> None:
        """Take back what the bot proposes for whatever is in maintenance."""
        rows = quiet.kept(tx, now)
        for incident in store.opened(tx):
            over = _begun(rows, incident)
            if over is None:
                continue
            self._ledger.supersede(tx, incident.number, now=now, own_only=True)
            asked = [p for p in self._ledger.of(tx, incident.number) if p.is_pending]
            offered = asked[-1].id if asked else None
            none = quiet.no_action(over)
            store.bump(tx, incident.number, offered=offered, no_action=none)
            called = quiet.until(rows, incident) is None
            nobody = "" if called else " and nobody is called"
            # The thread draws the id of a person at the end of the text.
            by = f"@{over.by}" if _PERSON.fullmatch(over.by) else over.by
            text = f"{none.reason}. Nothing is proposed{nobody}. Begun by {by}"
            happened(tx, "maintenance.quiet", text, now, incident=incident.number)

    def _measure(self, number: int) -> None:
        """Propose anew for what a maintenance kept back."""
        try:
            self._ask.again(number, None)
        except NotDecided as already:
            # Resolved, under way or asked for by a person: there is nothing to propose.
            with self._database.write() as tx:
                if quiet.is_kept_back(store.get(tx, number)):
                    none = NoAction(rule=quiet.ENDED, reason=str(already))
                    store.bump(tx, number, no_action=none)


def _is_behind(tx: Connection, now: Moment) -> bool:
    """Say whether a row is over, or a card does not show yet what is quiet."""
    rows, over = quiet.kept_and_lapsed(tx, now)
    if over:
        return True
    return any(
        quiet.until(rows, incident) != incident.muted_until
        or _begun(rows, incident) is not None
        or _is_left(rows, incident)
        for incident in store.opened(tx)
    )


def _begun(rows: Sequence[Quiet], incident: Incident) -> Quiet | None:
    """Return the maintenance that the incident's card does not name yet."""
    over = quiet.maintenance_of(rows, incident)
    told = over is None or incident.no_action == quiet.no_action(over)
    return None if told else over


def _left(tx: Connection, now: Moment) -> list[Incident]:
    """Return the incidents whose card still names a maintenance that is over."""
    rows = quiet.kept(tx, now)
    return [incident for incident in store.opened(tx) if _is_left(rows, incident)]


def _is_left(rows: Sequence[Quiet], incident: Incident) -> bool:
    over = quiet.maintenance_of(rows, incident)
    return over is None and quiet.is_kept_back(incident)


def _show(tx: Connection, now: Moment) -> None:
    """Bring every open card's "muted until" in line with the rows there are."""
    rows = quiet.kept(tx, now)
    for incident in store.opened(tx):
        until = quiet.until(rows, incident)
        if until != incident.muted_until:
            heard = now.wall if until is None else incident.heard_at
            store.bump(tx, incident.number, muted_until=until, heard_at=heard)
