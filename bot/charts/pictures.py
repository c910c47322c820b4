"""The chart of an incident: its leading figure, the limits, onset and action."""

from datetime import datetime, timedelta

from bot.charts.one import chart
from bot.charts.request import ChartRequest
from bot.host.backdrop import Backdrops
from bot.host.metrics import History
from bot.model import Incident
from bot.storage.record import Record
from remediation.action import kind_of
from remediation.ledger.proposal import State

_BEFORE = timedelta(minutes=10)
_ACTED = (State.DONE, State.FAILED, State.INTERRUPTED)


class Pictures:
    """Draws PNGs from the history in memory."""

    def __init__(
        self, *, record: Record, history: History, backdrops: Backdrops
    ) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._history = history
        self._backdrops = backdrops
        self._clock = record.clock

    def of_incident(self, incident: Incident) -> bytes | None:
        """Return the chart from ten minutes before the onset; None without history."""
        lead = incident.lead
        start = incident.since - _BEFORE
        backdrop = self._backdrops.of(lead.series)
        marks = (*self._marks(incident), *backdrop.happened)
        points = self._history.window(lead.series, start)
        return self._drawn(
            ChartRequest(
                title=incident.title,
                unit=lead.unit,
                points=points,
                warning=lead.limits.warning,
                critical=lead.limits.critical,
                onset=incident.since,
                marks=marks,
                until=self._clock.now().wall,
                yesterday=backdrop.yesterday,
            )
        )

    def of_series(self, name: str, span: timedelta) -> bytes | None:
        """Return the chart of a series over the last `span`; None if unknown."""
        now = self._clock.now().wall
        points = self._history.window(name, now - span)
        unit = self._history.unit(name)
        return self._drawn(
            ChartRequest(title=name, unit=unit, points=points, until=now)
        )

    def series(self) -> list[str]:
        """Return the names that can be drawn."""
        return sorted(self._history.names())

    def _drawn(self, request: ChartRequest) -> bytes | None:
        return chart(request) if len(request.points) > 1 else None

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
