"""The last hours of one figure, thinned to what a reader needs."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.host.metrics import Point
from bot.llm.arguments import Arguments
from bot.ports import CannotRead
from bot.text.redact import redact
from bot.text.words import amount
from bot.tools import Sources

_SHOWN: Final = 40


class Wanted(Arguments):
    """series: its name; leave it out for a list. minutes: how far back, 6 h at most."""

    series: Annotated[str, Field(max_length=200)] = ""
    minutes: Annotated[int, Field(ge=1, le=360)] = 60


class HostHistory:
    """Reads the figures that the detectors measured (`bot/host/metrics.py`)."""

    name = "host_history"
    description = (
        "The course of one measured figure of this host (for example cpu) over the "
        "last minutes: lowest, highest, last, and up to 40 points. Without a series "
        "it lists the names of all."
    )
    parameters: Mapping[str, object] = Wanted.model_json_schema()

    def __init__(self, sources: Sources) -> None:
        self._history = sources.history
        self._clock = sources.clock

    def read(self, arguments: Mapping[str, object]) -> str:
        """Return the points in words; raise `CannotRead` for an unknown series."""
        wanted = Wanted.of(arguments)
        names = self._history.names()
        if not wanted.series:
            return redact("Series: " + (", ".join(names) or "none yet"))
        if wanted.series not in names:
            raise CannotRead(
                redact(f"no such series; known: {', '.join(names)}", limit=2000)
            )
        since = self._clock.now().wall - timedelta(minutes=wanted.minutes)
        points = self._history.window(wanted.series, since)
        return redact(_course(points, self._history.unit(wanted.series)))


def _course(points: Sequence[Point], unit: str) -> str:
    if not points:
        return "No points in this window."
    values = [value for _, value in points]
    step = -(-len(points) // _SHOWN)
    lines = [
        f"{at:%H:%M:%S} {amount(value, unit)}" for at, value in points[::-1][::step]
    ]
    return "\n".join(
        (
            (
                f"{len(points)} points, UTC. Lowest {amount(min(values), unit)}, "
                f"highest {amount(max(values), unit)}, last {amount(values[-1], unit)}."
            ),
            *reversed(lines),
        )
    )


TOOL = HostHistory
