"""What came of an action, measured and written down: while its window runs, and at its end.

Called by `respond.py` in each round; `effect.py` has the judgement.
"""

from collections.abc import Iterator, Mapping, Sequence

from bot.actions.effect import is_due, looked_at, verified
from bot.actions.give_up import escalate_if_spent
from bot.model import Check, Incident, Measured, Verification
from bot.storage import store
from bot.storage.record import Record
from remediation.ledger.audit import happened
from remediation.moment import Moment


class Verdicts:
    """Judges each action once, by the conditions that complained before it."""

    def __init__(self, record: Record) -> None:
        self._database = record.database
        self._ledger = record.ledger

    def due(
        self,
        open_: Sequence[Incident],
        latest: Mapping[str, Measured],
        now: Moment,
        *,
        started: Moment,
    ) -> Iterator[tuple[Incident, Verification]]:
        """Note what was measured since, and yield each verdict once it is written.

        started: when this bot began to measure.
        """
        for incident in open_:
            if incident.check is None:
                continue
            check = looked_at(incident.check, latest, now)
            if check != incident.check:
                self._note(incident, check)
            if is_due(check, latest, now, started=started):
                result = verified(check, latest)
                if self.conclude(incident, result, now):
                    yield incident, result

    def _note(self, incident: Incident, check: Check) -> None:
        with self._database.write() as tx:
            if _measures(store.get(tx, incident.number), check.proposal):
                store.bump(tx, incident.number, check=check)

    def conclude(self, incident: Incident, result: Verification, now: Moment) -> bool:
        """Write the verdict, unless something else is measured by now; say if written."""
        text = f"{result.verdict.capitalize()}: {result.figures}"
        with self._database.write() as tx:
            kept = store.get(tx, incident.number)
            if not _measures(kept, result.proposal):
                return False
            judged = (*kept.judged, result)
            store.bump(tx, kept.number, check=None, verification=result, judged=judged)
            happened(tx, f"verified.{result.verdict}", text, now, incident=kept.number)
            happened(tx, "chart.due", kept.lead.label, now, incident=kept.number)
            escalate_if_spent(tx, self._ledger, kept.number, now)
        return True


def _measures(kept: Incident, proposal: str) -> bool:
    """Say whether it is still this action: a person or another one may have come since."""
    return kept.check is not None and kept.check.proposal == proposal
