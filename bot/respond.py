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

from bot import opening
from bot.actions.candidates import Candidates
from bot.actions.give_up import escalate_if_spent
from bot.actions.settle import take_back
from bot.actions.target import Hidden, Live
from bot.actions.verdicts import Verdicts
from bot.alerts.alert import Alert, Stage, Timing
from bot.alerts.conditions import Conditions
from bot.alerts.joined import Joined
from bot.alerts.triage import Change, Opened, Resolved, Updated, triage
from bot.blame.blamed import (
    blame_in_words,
    blame_is_outdated,
    late_culprit,
    present_culprit,
)
from bot.inquiry import Inquiry
from bot.model import Finding, Incident, Phase
from bot.ports import Wakeable
from bot.quiet.unpaged import Unpaged, Why
from bot.storage import quiet, store
from bot.storage.quiet import Quiet
from bot.storage.record import Record
from bot.text.words import end_in_words, level_word, seconds, title_of
from remediation.ledger.audit import happened
from remediation.ledger.proposal import State
from remediation.moment import Moment
from remediation.target.unit import UnitFacts
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
        self._verdicts = Verdicts(record)
        self._redrawn: dict[int, Moment] = {}
        self._joined = Joined(record.database)
        self._resolved: set[int] = set()  # in this round
        # Detectors run in threads of their own; their rounds are absorbed in turn.
        self._turn = threading.Lock()
        self.take_up()

    def take_up(self) -> None:
        """Begin with the open incidents of whoever detected before, and nothing else."""
        with self._turn:
            self._conditions = Conditions(lambda f: self._unpaged.add(f, Why.BRIEF))
            self._redrawn.clear()
            self._joined.forget()
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
            self._conditions.mend(open_, now)
            self._looked, self._is_calm = now, not open_
            changes = triage(open_, self._heard(alerts, rows), now.wall)
            for change in changes:
                self._apply(change, now)
            self._resolve_quiet(open_, now)
            self._judge(open_, now)
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
                self._resolve(incident, end_in_words(incident), now)
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
                happened(tx, "evidence.gathered", text, now, incident=incident.number)
            label = incident.lead.label
            happened(tx, "chart.due", label, now, incident=incident.number)
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
            happened(tx, store.REOPENED, text, now, incident=incident.number)
            return incident
        incident = store.create(tx, lambda number: replace(draft, number=number))
        title, number = incident.title, incident.number
        happened(tx, "incident.opened", title, now, incident=number)
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
            self._joined.keep(change)
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
            # An action that began since the look goes on; the next round looks again.
            if not kept.is_open or (is_outdated and self._is_acted_on(tx, kept)):
                return
            culprit = about.culprit if about else kept.culprit
            self._rewrite(tx, change, replace(kept, culprit=culprit), now)
            if is_outdated and about is not None:
                take_back(tx, self._ledger, incident.number, now)
                text = blame_in_words(about)
                happened(tx, "culprit.changed", text, now, incident=about.number)
            first = not self._ledger.of(tx, incident.number)
            if about is not None and (is_outdated or first):
                self._offer(tx, about, live, now)
        self._joined.is_told(incident.number)

    def _rewrite(
        self, tx: Connection, change: Updated, kept: Incident, now: Moment
    ) -> None:
        """Write what was measured, and tell what joined and what got worse."""
        incident, number = change.incident, change.incident.number
        is_renamed = incident.is_storm or incident.lead.key != kept.lead.key
        store.bump(
            tx,
            number,
            findings=incident.findings,
            title=title_of(incident.findings, storm=incident.is_storm)
            if is_renamed
            else incident.title,
            level=incident.level,
            flapping=incident.flapping,
            culprit=kept.culprit,
        )
        self._joined.tell(tx, incident, now, change.joined)
        if change.worsened:
            worse = next(f for f in incident.findings if f.level is incident.level)
            text = f"It got worse: {level_word(worse.level)}. {worse.summary}"
            happened(tx, "incident.worsened", text, now, incident=number)

    def _resolve(self, incident: Incident, how: str, now: Moment) -> bool:
        """Resolve it, unless somebody acts on it by now; say whether it was."""
        with self._database.write() as tx:
            kept = store.get(tx, incident.number)
            # Asked again within the transaction: an action may have ended since.
            if not kept.is_open or self._is_acted_on(tx, kept):
                return False
            self._ledger.supersede(tx, incident.number, now=now)
            self._joined.tell(tx, incident, now)
            text = f"Resolved after {seconds(now.wall - incident.since)}: {how}"
            happened(tx, "incident.resolved", text, now, incident=incident.number)
            store.bump(
                tx,
                incident.number,
                phase=Phase.RESOLVED,
                resolved_at=now.wall,
                resolution=how,
                findings=incident.findings,
                offered=None,
            )
        self._joined.is_told(incident.number)
        self._resolved.add(incident.number)
        log.warning("incident.resolved number=%s", incident.number)
        return True

    def _is_left_alone(self, incident: Incident) -> bool:
        """Say whether nobody acts on it, nor measures what an action did."""
        with self._database.read() as tx:
            return not self._is_acted_on(tx, incident)

    def _is_acted_on(self, tx: Connection, incident: Incident) -> bool:
        states = (p.state for p in self._ledger.of(tx, incident.number))
        return incident.check is not None or State.EXECUTING in states

    def _resolve_quiet(self, open_: Sequence[Incident], now: Moment) -> None:
        """Resolve what became clear while an action was under way that did not end well."""
        for incident in open_:
            is_clear = all(map(self._conditions.is_clear, incident.findings))
            if is_clear and self._is_left_alone(incident):
                fresh = self._conditions.fresh(incident.findings)
                ended = replace(incident, findings=fresh)
                self._resolve(ended, end_in_words(ended), now)

    def _judge(self, open_: Sequence[Incident], now: Moment) -> None:
        """Say of each action whether it helped, once it has been measured for long enough."""
        latest = self._conditions.latest
        due = self._verdicts.due(open_, latest, now, started=self._started)
        for incident, result in due:
            if result.verdict is not Verdict.RECOVERED:
                continue
            took = f" in {seconds(result.took)}" if result.took else ""
            fresh = self._conditions.fresh(incident.findings)
            done = replace(incident, findings=fresh)
            if self._resolve(done, f"recovered{took}: {result.figures}", now):
                self._conditions.end(_complained(incident))


def _complained(incident: Incident) -> tuple[Finding, ...]:
    """Return what an action is judged by, where one is."""
    return incident.check.before if incident.check else ()
