"""Mutes here and silences in Alertmanager go together; what it has no more is over.

Every few seconds both sides are looked at and brought in line: a crash in between, a
silence that somebody ended there and a mute that was lifted here need no code of their
own. A mute of an alert, or of a host, is a silence that says so in its comment; a silence
of somebody else, or an inhibition, mutes the card for as long as it lasts.
"""

import logging
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.alertmanager.server import AlertmanagerServer
from bot.alertmanager.standing import (
    Matcher,
    NotSaid,
    ServerAlert,
    SilenceRefused,
    Standing,
)
from bot.alerts.alert_findings import FLEET, host_label, key_of, subject_of
from bot.config.alerts import AlertsSection
from bot.inbound.inbox import Inbox, KeptAlert
from bot.inbound.told import Source
from bot.prometheus.selector import host_pattern
from bot.storage import quiet, store
from bot.storage.quiet import Quiet
from bot.storage.record import Record
from bot.text.redact import fit_to_keep
from remediation.ledger.audit import happened
from remediation.moment import Moment

log = logging.getLogger(__name__)

COMMENT: Final = "Muted in Slack: "
BY: Final = quiet.ALERTMANAGER
_INHIBITED: Final = "inhibited by another alert"
_INHIBITED_FOR: Final = timedelta(minutes=10)
"""An inhibition does not tell its end; it is looked at again long before this."""
_SHORT: Final = timedelta(seconds=10)
"""What is left of a mute that nobody begins a silence for."""
_FRESH: Final = timedelta(hours=1)
_ALIKE: Final = timedelta(seconds=5)


class InStep:
    """Brings the two in line. trouble: why it cannot, "" where it can."""

    def __init__(
        self,
        *,
        host: str,
        record: Record,
        inbox: Inbox,
        section: AlertsSection,
        server: AlertmanagerServer,
    ) -> None:
        self._host = host
        self._record = record
        self._inbox = inbox
        self._section = section
        self._server = server
        self._refused: dict[str, datetime] = {}
        self.trouble = ""

    def step(self) -> None:
        """Look at both sides once."""
        try:
            self._step()
        except NotSaid as silent:
            if not self.trouble:
                log.warning("alertmanager.silent why=%r", str(silent))
            self.trouble = str(silent)
        else:
            self.trouble = ""

    def _step(self) -> None:
        # Read first: what is told while it answers may not be in the answer.
        known = self._inbox.told(Source.ALERTMANAGER)
        now = self._record.clock.now()
        standing = self._server.standing()
        self._follow(known, standing, now)
        firing = [kept for kept in known if kept.alert.is_firing]
        with self._record.database.read() as tx:
            mutes = [q for q in quiet.kept(tx, now) if not q.is_maintenance]
        self._mute(firing, mutes, standing, now)
        self._silence(firing, mutes, standing, now)

    def _follow(
        self, known: Sequence[KeptAlert], standing: Standing, now: Moment
    ) -> None:
        """End what it has no more, and begin anew what fires there again.

        It tells nobody the end of a silenced alert, nor of one that was over for less
        than its own interval. It must have been this very run of it that had the alert:
        an empty memory is no proof that all is well.
        """
        run = standing.started.isoformat()
        gone, there = [], []
        for kept in known:
            if kept.alert.fingerprint not in standing.alerts:
                if kept.alert.is_firing and kept.polled == run:
                    gone.append(kept.alert)
            elif kept.polled != run or _is_behind(kept, now):
                there.append(kept.alert)
        self._inbox.end(gone)
        self._inbox.heard(there, run)

    # --- mutes here, silences there ---------------------------------------------

    @property
    def _author(self) -> str:
        # To its end, so that no bot takes another's for its own.
        return f"Countersign on {self._host} for "

    def _silence(
        self,
        firing: Sequence[KeptAlert],
        mutes: Sequence[Quiet],
        standing: Standing,
        now: Moment,
    ) -> None:
        wanted = {q.target: q for q in mutes if not q.by.startswith(BY)}
        standing_for: set[str] = set()
        for silence in standing.silences.values():
            if not silence.created_by.startswith(self._author):
                continue
            target = silence.comment.removeprefix(COMMENT)
            mute = wanted.get(target)
            if mute is None or abs(mute.until - silence.ends_at) > _ALIKE:
                self._server.expire(silence.id)
            else:
                standing_for.add(target)
        self._refused = {k: u for k, u in self._refused.items() if k in wanted}
        for target, matchers in self._matchers(firing, wanted):
            mute = wanted[target]
            is_known = self._refused.get(target) == mute.until
            if target in standing_for or is_known or mute.until - now.wall < _SHORT:
                continue
            try:
                self._begin(mute, matchers, now)
            except SilenceRefused as refused:
                # One that it does not want keeps no other from its silence.
                self._refused[target] = mute.until
                self._tell_refused(target, str(refused), now)

    def _tell_refused(self, target: str, why: str, now: Moment) -> None:
        """Say in the thread of what is muted that it is muted here only."""
        log.warning("silence.refused target=%s why=%r", target, why)
        text = f"Muted here, and not silenced in Alertmanager: {why}"
        with self._record.database.write() as tx:
            for incident in store.opened(tx):
                if any(finding.key == target for finding in incident.findings):
                    happened(tx, "silence.refused", text, now, incident=incident.number)

    def _begin(self, mute: Quiet, matchers: Sequence[Matcher], now: Moment) -> None:
        if not matchers:
            raise SilenceRefused("its labels are too long to ask for")
        self._server.silence(
            matchers,
            since=now.wall,
            until=mute.until,
            by=f"{self._author}{mute.by}",
            comment=COMMENT + mute.target,
        )

    def _matchers(
        self, firing: Sequence[KeptAlert], wanted: Mapping[str, Quiet]
    ) -> Iterator[tuple[str, Sequence[Matcher]]]:
        """Yield what a silence must match for each mute of an alert or a host.

        Nothing for an alert whose labels were cut: what is left matches others.
        """
        alerts = {key_of(k.alert, self._section): k.alert for k in firing}
        labels = {
            subject_of(alert, self._section).host: host_label(alert, self._section)
            for alert in alerts.values()
        }
        for target in wanted:
            if target == FLEET:
                continue  # no label names it
            if "/" not in target:
                name = labels.get(target) or self._section.host[0]
                yield (
                    target,
                    [Matcher(name=name, value=host_pattern(target), is_regex=True)],
                )
            elif target in alerts:
                told = sorted(alerts[target].labels.items())
                whole = alerts[target].is_whole
                yield target, [Matcher(name=k, value=v) for k, v in told if whole]

    # --- silences there, mutes here ---------------------------------------------

    def _mute(
        self,
        firing: Sequence[KeptAlert],
        mutes: Sequence[Quiet],
        standing: Standing,
        now: Moment,
    ) -> None:
        rows = {row.target: row for row in mutes}
        begun: list[Quiet] = []
        quiet_there: set[str] = set()
        for kept in firing:
            target = key_of(kept.alert, self._section)
            row = rows.get(target)
            if row is not None and not row.by.startswith(BY):
                continue  # a person's own
            there = standing.alerts.get(kept.alert.fingerprint)
            wanted = self._kept_quiet(target, there, standing, now)
            if wanted is not None:
                quiet_there.add(target)
                if _is_news(row, wanted):
                    begun.append(wanted)
        over = [
            row
            for row in mutes
            if row.by.startswith(BY) and row.target not in quiet_there
        ]
        if begun or over:
            self._write(begun, over, {row.target for row in mutes}, now)

    def _write(
        self,
        begun: Sequence[Quiet],
        over: Sequence[Quiet],
        known: Container[str],
        now: Moment,
    ) -> None:
        """Mute what is quiet there, unmute what is not; a line for each incident at most."""
        news = {q.target: q for q in begun if q.target not in known}
        with self._record.database.write() as tx:
            for row in over:
                quiet.unmute(tx, row.target)
            for row in begun:
                quiet.mute(tx, row.target, until=row.until, by=row.by)
            for incident in store.opened(tx) if news else ():
                told = [news[f.key] for f in incident.findings if f.key in news]
                if told and not told[0].by.endswith(_INHIBITED):
                    who = told[0].by.removeprefix(f"{BY}: ")
                    what = "this" if len(told) == 1 else f"{len(told)} of these"
                    text = f"Alertmanager keeps {what} quiet: silenced by {who}"
                    number = incident.number
                    happened(tx, "incident.muted", text, now, incident=number)

    def _kept_quiet(
        self,
        target: str,
        alert: ServerAlert | None,
        standing: Standing,
        now: Moment,
    ) -> Quiet | None:
        """Return the mute that stands for what keeps an alert quiet there, if any does."""
        if alert is None:
            return None
        known = (standing.silences.get(name) for name in alert.status.silenced_by)
        others = [s for s in known if s and not s.created_by.startswith(self._author)]
        if others:
            last = max(others, key=lambda silence: silence.ends_at)
            return Quiet(
                target=target,
                until=last.ends_at,
                by=fit_to_keep(f"{BY}: {last.created_by}", limit=40),
            )
        if not alert.status.inhibited_by:
            return None
        until = now.wall + _INHIBITED_FOR
        return Quiet(target=target, until=until, by=f"{BY}: {_INHIBITED}")


def _is_behind(kept: KeptAlert, now: Moment) -> bool:
    """Say whether a row must learn that its alert fires: it says no, or for long nothing."""
    return not kept.alert.is_firing or now.wall - kept.heard_at > _FRESH


def _is_news(row: Quiet | None, wanted: Quiet) -> bool:
    """Say whether the row must be written: a new one, another end, nearly over."""
    if row is None or row.by != wanted.by:
        return True
    shifted = abs(row.until - wanted.until)
    return shifted > (_INHIBITED_FOR / 2 if wanted.by.endswith(_INHIBITED) else _ALIKE)
