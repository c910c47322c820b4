"""Draws a figure's last while as a PNG that can be read on a phone.

matplotlib is imported when the first chart is drawn (1 s, 40 MB), through its object
interface: pyplot keeps global state and is not safe in threads.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bot.curve import pieces, thinned
from bot.metrics import Point
from bot.words import amount

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patheffects import AbstractPathEffect

_SIZE: Final = (8.0, 3.6)
_DPI: Final = 150
_LEFT: Final = 0.022
_TITLE: Final = 68
_AXES: Final = (0.075, 0.11, 0.79, 0.62)
_INK: Final = "#1d2b3a"
_QUIET: Final = "#6b7885"
_GRID: Final = "#e9edf1"
_AXIS: Final = "#b8c2cc"
_LINE: Final = "#2563a8"
_AMBER: Final = "#b7791f"
_RED: Final = "#c0392b"
_SECOND: Final = 1 / 86400
"""The time axis counts days since 1970, as matplotlib does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRequest:
    """One figure over time. Every text in it is printable already.

    points: oldest first, in `unit`. warning, critical: limits in `unit`, if any.
    onset: when the trouble began. marks: what was done and when. until: right edge.
    """

    title: str
    unit: str
    points: tuple[Point, ...]
    warning: float | None = None
    critical: float | None = None
    onset: datetime | None = None
    marks: tuple[tuple[datetime, str], ...] = ()
    until: datetime | None = None


def chart(request: ChartRequest) -> bytes:
    """Return the PNG, 1200 by 540 pixels. Times are UTC. No points: an empty chart."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    _draw(figure, request)
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


def _draw(figure: "Figure", request: ChartRequest) -> None:
    axes = figure.add_axes(_AXES)
    # A `$` in a name is no formula.
    figure.text(
        _LEFT,
        0.925,
        request.title,
        size=13,
        weight="bold",
        color=_INK,
        parse_math=False,
    )
    figure.text(
        _LEFT, 0.855, _subtitle(request), size=9.5, color=_QUIET, parse_math=False
    )
    _frame(axes, request)
    _limits(axes, request)
    _curve(axes, request)
    _events(axes, request)


def _cut(title: str) -> str:
    return title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"


def _subtitle(request: ChartRequest) -> str:
    if not request.points:
        return "no data"
    first, last = request.points[0][0], request.until or request.points[-1][0]
    days = f"{first.astimezone(UTC):%Y-%m-%d}"
    if first.astimezone(UTC).date() != last.astimezone(UTC).date():
        days += f" to {last.astimezone(UTC):%Y-%m-%d}"
    # A unit of several words does not fit on the axis.
    unit = f"{request.unit}, " if " " in request.unit else ""
    return f"{unit}{days}, times in UTC"


def _frame(axes: "Axes", request: ChartRequest) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_AXIS)
    axes.tick_params(length=0, pad=6, labelsize=9.5, colors=_QUIET)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    start, end = _span(request)
    axes.set_xlim(start, end)
    axes.set_ylim(*_range(request))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: _said(v, request.unit)))
    if not request.points:
        axes.set_xticks([])
        axes.text(
            0.5,
            0.5,
            "no data",
            transform=axes.transAxes,
            ha="center",
            size=14,
            color=_QUIET,
        )
        return
    axes.xaxis.set_major_locator(AutoDateLocator(tz=UTC, minticks=3, maxticks=7))  # type: ignore[no-untyped-call]
    text = "%H:%M:%S" if end - start < 300 * _SECOND else "%H:%M"
    axes.xaxis.set_major_formatter(DateFormatter(text, tz=UTC))  # type: ignore[no-untyped-call]


def _limits(axes: "Axes", request: ChartRequest) -> None:
    low, high = _range(request)
    lines = limit_lines(request)
    tight = len(lines) == 2 and abs(lines[0][0] - lines[1][0]) < 0.07 * (high - low)
    upper = max(value for value, _, _ in lines) if lines else 0.0
    for value, name, color in lines:
        axes.axhline(value, color=color, linewidth=1, linestyle=(0, (5, 3)), zorder=2)
        nudge = (6 if value == upper else -6) if tight else 0
        axes.annotate(
            f"{name} {_said(value, request.unit)}",
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(6, nudge),
            textcoords="offset points",
            size=9,
            color=color,
            va="center",
        )


def _curve(axes: "Axes", request: ChartRequest) -> None:
    for piece in pieces(request.points):
        shown = thinned(piece)
        times = [_day(at) for at, _ in shown]
        values = [value for _, value in shown]
        dot = "o" if len(piece) == 1 else ""
        axes.plot(times, values, color=_LINE, lw=2, marker=dot, ms=3, zorder=3)
        _shade(axes, request, times, values)
    if request.points:
        at, value = request.points[-1]
        _label_last(axes, request, (_day(at), value))


def _shade(
    axes: "Axes",
    request: ChartRequest,
    times: Sequence[float],
    values: Sequence[float],
) -> None:
    """Fill between the curve and the limits that it has passed."""
    for limit, _, color in limit_lines(request):
        bad = [v >= limit if is_above(request) else v <= limit for v in values]
        axes.fill_between(
            times,
            values,
            limit,
            where=bad,
            interpolate=True,
            color=color,
            alpha=0.22,
            linewidth=0,
            zorder=1,
        )


def _label_last(axes: "Axes", request: ChartRequest, last: tuple[float, float]) -> None:
    low, high = _range(request)
    if last[1] > high:
        return
    axes.plot([last[0]], [last[1]], "o", color=_LINE, ms=5, zorder=4, clip_on=False)
    limits = [value for value, _, _ in limit_lines(request)]
    crowded = any(abs(last[1] - value) < 0.07 * (high - low) for value in limits)
    above = last[1] < low + 0.85 * (high - low)
    axes.annotate(
        _said(last[1], request.unit),
        last,
        xytext=(-6, 8 if above else -16) if crowded else (7, -4),
        textcoords="offset points",
        ha="right" if crowded else "left",
        size=11,
        weight="bold",
        color=_LINE,
        zorder=5,
        path_effects=_halo(),
    )


def _events(axes: "Axes", request: ChartRequest) -> None:
    """Draw the onset and the marks as vertical lines, named above the chart."""
    events = [
        (_day(at), f"{text} {at.astimezone(UTC):%H:%M}", _INK)
        for at, text in request.marks
    ]
    if request.onset is not None:
        text = f"onset {request.onset.astimezone(UTC):%H:%M}"
        events.append((_day(request.onset), text, _RED))
    start, end = _span(request)
    shown = sorted(event for event in events if start <= event[0] <= end)
    row, before = 0, start - end
    for day, text, color in shown:
        axes.axvline(day, color=color, linewidth=1.2, zorder=2)
        # Neighbours are named in two rows.
        row = 1 - row if day - before < 0.22 * (end - start) else 0
        before = day
        late = day > start + 0.8 * (end - start)
        axes.annotate(
            text,
            (day, 1),
            xycoords=("data", "axes fraction"),
            xytext=(3 if late else -3, 5 + 12 * row),
            textcoords="offset points",
            ha="right" if late else "left",
            size=9,
            color=color,
            parse_math=False,
        )


def _halo() -> "list[AbstractPathEffect]":
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=3, foreground="white")]


def limit_lines(request: ChartRequest) -> list[tuple[float, str, str]]:
    """Return value, name and colour of the limits there are; one where both are equal."""
    named = [
        (request.warning, "warning", _AMBER),
        (request.critical, "critical", _RED),
    ]
    found = [(value, name, color) for value, name, color in named if value is not None]
    return found[-1:] if request.warning == request.critical else found


def is_above(request: ChartRequest) -> bool:
    """Say whether high values are bad: critical is the higher limit."""
    if request.warning is None or request.critical is None:
        return True
    return request.critical >= request.warning


def _day(at: datetime) -> float:
    return at.timestamp() * _SECOND


def _span(request: ChartRequest) -> tuple[float, float]:
    if not request.points:
        return 0.0, 1.0
    start, end = _day(request.points[0][0]), _day(request.points[-1][0])
    end = max(end, _day(request.until) if request.until else end)
    return start, max(end, start + 10 * _SECOND)


def _range(request: ChartRequest) -> tuple[float, float]:
    """Choose the vertical axis: percents are seen whole, others from zero on."""
    limits = [value for value, _, _ in limit_lines(request)]
    values = [value for _, value in request.points] + limits
    low, high = min([0.0, *values]), max(values, default=1.0)
    if request.unit == "%" and high <= 100 and low == 0:
        return 0.0, 102.0
    if request.warning and not is_above(request):
        # What is far from trouble may leave the chart at the top.
        high = min(high, 3 * request.warning)
    return low, low + 1.15 * ((high - low) or 1.0)


def _said(value: float, unit: str) -> str:
    """Say a value in the room of an axis: the unit's first word only."""
    return amount(value, unit.partition(" ")[0])
