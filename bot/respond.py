"""The story of an incident: from a round of findings to a card with buttons, to the end.

Called by `watch.py` after every detector round. Each step is one transaction that
changes the incident, adds its event to the chain and moves its version on; the
poster renders whatever Slack has not seen yet.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from bot import opening, quiet, store
from bot.alerts import Alert, Stage, Timing
from bot.blamed import (
    blame_in_words,
    blame_is_outdated,
    late_culprit,
    present_culprit,
)
from bot.candidates import Candidates
from bot.conditions import Conditions
from bot.effect import is_due, looked_at, verified
from bot.give_up import escalate_if_spent
from bot.inquiry import Inquiry
from bot.model import Finding, Incident, Phase, Verification
from bot.ports import Wakeable
from bot.quiet import Quiet
from bot.record import Record
from bot.target import Hidden, Live
from bot.triage import Change, Opened, Resolved, Updated, triage
from bot.unpaged import Unpaged, Why
from bot.words import joined_in_words, level_word, seconds, title_of
from remediation.audit import Event, append
from remediation.moment import Moment
from remediation.proposal import State
from remediation.unit import UnitFacts
from remediation.verify import Verdict

log = logging.getLogger(__name__)

REFRESH = timedelta(minutes=1)
"""An open card's figures are redrawn at most this often while nothing happens."""
LOOK = timedelta(seconds=2)
"""While all is well it is asked this often whether a person has opened an incident."""


class Respond:
    """Owns the conditions in memory and the incidents in the database."""

    def __init__(
        self,
        *,
        record: Record,
        candidates: Candidates,
        inquiry: Inquiry,
        unpaged: Unpaged,
        poster: Wakeable,
    ) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._candidates = candidates
        self._inquiry = inquiry
        self._clock = record.clock
        self._poster = poster
        self._unpaged = unpaged
        self._redrawn: dict[int, Moment] = {}
        self._resolved: set[int] = set()  # in this round
        # Detectors run in threads of their own; their rounds are absorbed in turn.
        self._turn = threading.Lock()
        self.take_up()

    def take_up(self) -> None:
        """Begin with the open incidents of whoever detected before, and nothing else."""
        with self._turn:
            self._conditions = Conditions(lambda f: self._unpaged.add(f, Why.BRIEF))
            self._redrawn.clear()
            self._started = self._clock.now()
            self._looked, self._is_calm = self._started, False
            with self._database.read() as tx:
                self._conditions.take_up(store.opened(tx), self._started)

    def watched(self, detector: str) -> frozenset[str]:
        """Return the subjects this detector must report on, whatever it measures."""
        return self._conditions.watched(detector)

    def current(self) -> Mapping[str, Finding]:
        """Return the latest finding of every condition, for status."""
        return self._conditions.current()

    def absorb(self, findings: Sequence[Finding], timing: Timing) -> None:
        """Take in one detector's round."""
        with self._turn, self._conditions.unless_it_fails():
            now = self._clock.now()
            self._resolved.clear()
            touched = [self._conditions.advance(f, timing, now) for f in findings]
            alerts = [alert for alert in touched if alert is not None]
            if not alerts and self._is_calm and now.since(self._looked) < LOOK:
                return
            with self._database.read() as tx:
                open_ = store.opened(tx)
                rows = quiet.kept(tx, now) if alerts else ()
            self._looked, self._is_calm = now, not open_
            changes = triage(open_, self._heard(alerts, rows), now.wall)
            for change in changes:
                self._apply(change, now)
            self._resolve_quiet(open_, now)
            self._verify_due(open_, now)
            left = [i for i in open_ if i.number not in self._resolved]
            held = {f.key for i in left for f in (*i.findings, *_complained(i))}
            self._conditions.forget_over(held, now.boot)
        # While all is well a round has nothing to tell, and there are many of them.
        if changes or open_:
            self._poster.wake()

    def _heard(self, alerts: Sequence[Alert], rows: Sequence[Quiet]) -> list[Alert]:
        """Return what is not kept quiet; the rest is for the digest."""
        heard = []
        for alert in alerts:
            # What is over is heard in any case: nothing would tell it later.
            if alert.stage is Stage.OVER or not quiet.silences(rows, alert.finding):
                heard.append(alert)
            elif self._conditions.has_just_fired(alert):
                self._unpaged.add(alert.finding, Why.MUTED)
        return heard

    def _apply(self, change: Change, now: Moment) -> None:
        match change:
            case Opened():
                self._open(change, now)
            case Updated():
                self._update(change, now)
            case Resolved(incident=incident) if self._is_left_alone(incident):
                self._resolve(incident, _how_it_ended(incident), now)
            case Resolved():
                pass  # an action or its verification is under way: it has the last word

    # --- opening ---------------------------------------------------------------

    def _open(self, change: Opened, now: Moment) -> None:
        draft = opening.draft_of(change, now)
        live = self._candidates.targets.of(draft)
        if isinstance(live, UnitFacts) and draft.service is None:
            draft = replace(draft, service=live)
        is_here = self._candidates.covers(draft)
        draft = self._inquiry.of(draft, is_here=is_here)
        earlier = self._earlier(draft, now)
        with self._database.write() as tx:
            incident = self._begun(tx, draft, earlier, now)
            if draft.evidence:
                titles = ", ".join(item.title for item in draft.evidence)
                text = f"Evidence: {titles}"
                _log_event(tx, incident, "evidence.gathered", text, now)
            _log_event(tx, incident, "chart.due", incident.lead.label, now)
            self._offer(tx, incident, live, now)
        self._redrawn[incident.number] = now
        log.warning(
            "incident.opened number=%s returns=%s title=%s",
            incident.number,
            len(incident.returned),
            draft.title,
        )

    def _earlier(self, draft: Incident, now: Moment) -> int | None:
        """Return the number of the last incident that was the same trouble."""
        with self._database.read() as tx:
            lately = store.resolved(tx, draft.host, now.wall - opening.AT_MOST)
            same = (each for each in lately if opening.is_same(each, draft))
            return next((each.number for each in same), None)

    def _begun(
        self, tx: Connection, draft: Incident, number: int | None, now: Moment
    ) -> Incident:
        """Write it: as a new incident, or as this one that has come back."""
        earlier = None if number is None else store.get(tx, number)
        if earlier and opening.goes_on(
            earlier, self._ledger.of(tx, earlier.number), now
        ):
            incident = opening.taken_up(earlier, draft, now)
            store.reopen(tx, incident)
            text = opening.return_in_words(earlier, draft, now)
            _log_event(tx, incident, opening.REOPENED, text, now)
            return incident
        incident = store.create(tx, lambda number: replace(draft, number=number))
        _log_event(tx, incident, "incident.opened", f"{incident.title}", now)
        return incident

    def _offer(
        self,
        tx: Connection,
        incident: Incident,
        live: Live | Hidden | None,
        now: Moment,
    ) -> None:
        drafts, none = self._candidates.judge(tx, incident, live, now)
        made = [self._ledger.propose(tx, draft, now=now) for draft in drafts]
        offered = made[0].id if made else None
        store.bump(tx, incident.number, offered=offered, no_action=none)
        if not made:
            escalate_if_spent(tx, self._ledger, incident.number, now)

    # --- changing --------------------------------------------------------------

    def _update(self, change: Updated, now: Moment) -> None:
        incident = change.incident
        last = self._redrawn.setdefault(incident.number, now)
        is_outdated = blame_is_outdated(incident) and self._is_left_alone(incident)
        news = change.joined or change.worsened or change.ended or is_outdated
        is_many = incident.is_storm and not change.worsened
        # Of a storm each round has news, and what is not written now is news again.
        if (is_many or not news) and now.since(last) < REFRESH:
            return
        self._redrawn[incident.number] = now
        late = None if is_outdated else late_culprit(incident)
        about = replace(incident, culprit=late) if late else None
        if is_outdated:
            about = replace(incident, culprit=present_culprit(incident), offered=None)
        # Read before the transaction: nobody's click waits for /proc.
        live = self._candidates.targets.of(about) if about else None
        with self._database.write() as tx:
            kept = store.get(tx, incident.number)
            if not kept.is_open:
                return
            store.bump(
                tx,
                incident.number,
                findings=incident.findings,
                title=title_of(incident.findings, storm=incident.is_storm)
                if incident.is_storm or incident.lead.key != kept.lead.key
                else incident.title,
                level=incident.level,
                flapping=incident.flapping,
                culprit=about.culprit if about else kept.culprit,
            )
            joined = [f for f in incident.findings if f.key in set(change.joined)]
            for text in joined_in_words(joined):
                _log_event(tx, incident, "incident.joined", text, now)
            if change.worsened:
                worse = next(f for f in incident.findings if f.level is incident.level)
                text = f"It got worse: {level_word(worse.level)}. {worse.summary}"
                _log_event(tx, incident, "incident.worsened", text, now)
            if is_outdated and about is not None:
                self._ledger.supersede(tx, incident.number, now=now, own_only=True)
                _log_event(tx, about, "culprit.changed", blame_in_words(about), now)
            first = not self._ledger.of(tx, incident.number)
            if about is not None and (is_outdated or first):
                self._offer(tx, about, live, now)

    def _resolve(self, incident: Incident, how: str, now: Moment) -> None:
        with self._database.write() as tx:
            if not store.get(tx, incident.number).is_open:
                return
            self._ledger.supersede(tx, incident.number, now=now)
            text = f"Resolved after {seconds(now.wall - incident.since)}: {how}"
            _log_event(tx, incident, "incident.resolved", text, now)
            store.bump(
                tx,
                incident.number,
                phase=Phase.RESOLVED,
                resolved_at=now.wall,
                resolution=how,
                findings=incident.findings,
                offered=None,
                check=None,
            )
        self._resolved.add(incident.number)
        log.warning("incident.resolved number=%s", incident.number)

    def _is_left_alone(self, incident: Incident) -> bool:
        """Say whether nobody acts on it, nor measures what an action did."""
        if incident.check is not None:
            return False
        with self._database.read() as tx:
            return not any(
                p.state is State.EXECUTING for p in self._ledger.of(tx, incident.number)
            )

    def _resolve_quiet(self, open_: Sequence[Incident], now: Moment) -> None:
        """Resolve what became clear while an action was under way that did not end well."""
        for incident in open_:
            is_clear = all(map(self._conditions.is_clear, incident.findings))
            if is_clear and self._is_left_alone(incident):
                fresh = self._conditions.fresh(incident.findings)
                ended = replace(incident, findings=fresh)
                self._resolve(ended, _how_it_ended(ended), now)

    # --- did the action help? --------------------------------------------------

    def _verify_due(self, open_: Sequence[Incident], now: Moment) -> None:
        latest = self._conditions.latest
        for incident in open_:
            if incident.check is None:
                continue
            check = looked_at(incident.check, latest, now)
            if check != incident.check:
                with self._database.write() as tx:
                    store.bump(tx, incident.number, check=check)
            if is_due(check, latest, now, started=self._started):
                self._conclude(incident, verified(check, latest), now)

    def _conclude(self, incident: Incident, result: Verification, now: Moment) -> None:
        measured = f"{result.verdict.capitalize()}: {result.figures}"
        with self._database.write() as tx:
            judged = (*store.get(tx, incident.number).judged, result)
            found = {"check": None, "verification": result, "judged": judged}
            store.bump(tx, incident.number, **found)
            _log_event(tx, incident, f"verified.{result.verdict}", measured, now)
            _log_event(tx, incident, "chart.due", incident.lead.label, now)
            escalate_if_spent(tx, self._ledger, incident.number, now)
        if result.verdict is not Verdict.RECOVERED:
            return
        took = f" in {seconds(result.took)}" if result.took else ""
        self._conditions.end(incident.check.before if incident.check else ())
        fresh = self._conditions.fresh(incident.findings)
        done = replace(incident, findings=fresh)
        self._resolve(done, f"recovered{took}: {result.figures}", now)


def _complained(incident: Incident) -> tuple[Finding, ...]:
    """Return what an action is judged by, where one is."""
    return incident.check.before if incident.check else ()


def _how_it_ended(incident: Incident) -> str:
    """Say how it went away, in the words of what is told in words and not in figures."""
    told = (f.summary for f in incident.findings if f.value is None or f.shown)
    said = next(told, "")
    if not said:
        return "it is clear again by itself"
    return f"{said[0].lower()}{said[1:].rstrip('.')}"


def _log_event(
    tx: Connection, incident: Incident, kind: str, text: str, now: Moment
) -> None:
    append(tx, Event(kind=kind, text=text, at=now.wall, incident=incident.number))
