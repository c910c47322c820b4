"""The chart of an incident: its leading figure, the limits, onset and action."""

from datetime import datetime, timedelta

from bot.charts import ChartRequest, chart
from bot.metrics import History
from bot.model import Incident
from bot.record import Record
from remediation.action import kind_of
from remediation.proposal import State

_BEFORE = timedelta(minutes=10)
_ACTED = (State.DONE, State.FAILED, State.INTERRUPTED)


class Pictures:
    """Draws PNGs from the history in memory."""

    def __init__(self, *, record: Record, history: History) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._history = history
        self._clock = record.clock

    def of_incident(self, incident: Incident) -> bytes | None:
        """Return the chart from ten minutes before the onset; None without history."""
        lead = incident.lead
        start = incident.since - _BEFORE
        marks = self._marks(incident)
        return self._draw(lead.series, incident.title, start, incident, marks)

    def of_series(self, name: str, span: timedelta) -> bytes | None:
        """Return the chart of a series over the last `span`; None if unknown."""
        return self._draw(name, name, self._clock.now().wall - span, None, ())

    def series(self) -> list[str]:
        """Return the names that can be drawn."""
        return sorted(self._history.names())

    def _draw(
        self,
        series: str,
        title: str,
        start: datetime,
        incident: Incident | None,
        marks: tuple[tuple[datetime, str], ...],
    ) -> bytes | None:
        points = self._history.window(series, start)
        if len(points) < 2:
            return None
        lead = incident.lead if incident else None
        return chart(
            ChartRequest(
                title=title,
                unit=lead.unit if lead else self._history.unit(series),
                points=tuple(points),
                warning=lead.limits.warning if lead else None,
                critical=lead.limits.critical if lead else None,
                onset=incident.since if incident else None,
                marks=marks,
                until=self._clock.now().wall,
            )
        )

    def _marks(self, incident: Incident) -> tuple[tuple[datetime, str], ...]:
        with self._database.read() as tx:
            proposals = self._ledger.of(tx, incident.number)
        return tuple(
            (
                p.outcome.steps[0].at
                if p.outcome and p.outcome.steps
                else p.decided_at,
                kind_of(p.action).replace("_", " "),
            )
            for p in proposals
            if p.state in _ACTED and p.decided_at is not None
        )
