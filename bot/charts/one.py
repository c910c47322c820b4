"""Draws a figure's last while as a PNG that can be read on a phone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bot.charts.curve import pieces, thinned
from bot.charts.events import Event, named
from bot.charts.frame import (
    INK,
    LINE,
    PALE,
    Frame,
    cut,
    draw_limits,
    framed,
    halo,
    png_of,
)
from bot.charts.request import (
    RED,
    ChartRequest,
    before_of,
    day,
    days,
    is_above,
    limit_lines,
    range_of,
    said,
    span_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARK: Final = 24
_MARKS: Final = 4
"""More of them would lie on each other; the latest are drawn."""


def chart(request: ChartRequest) -> bytes:
    """Return the PNG, 1200 by 540 pixels. Times are UTC. No points: an empty chart."""
    frame = Frame(
        title=request.title,
        subtitle=_subtitle(request),
        unit=request.unit,
        span=span_of(request),
        height=range_of(request),
        is_empty=not request.points,
    )
    with framed(frame) as (figure, axes):
        draw_limits(axes, limit_lines(request), frame)
        _before(axes, request)
        _curve(axes, request)
        _events(axes, request)
        return png_of(figure)


def _subtitle(request: ChartRequest) -> str:
    if not request.points:
        return "no data"
    told = days(request.points[0][0], request.until or request.points[-1][0])
    # A unit of several words does not fit on the axis.
    unit = f"{request.unit}, " if " " in request.unit else ""
    grey = "; grey: yesterday at the same time" if before_of(request) else ""
    return f"{unit}{told}, times in UTC{grey}"


def _before(axes: "Axes", request: ChartRequest) -> None:
    for piece in pieces(before_of(request)):
        times = [day(at) for at, _ in piece]
        values = [value for _, value in piece]
        axes.plot(times, values, color=PALE, lw=1.4, zorder=1.5)


def _curve(axes: "Axes", request: ChartRequest) -> None:
    for piece in pieces(request.points):
        shown = thinned(piece)
        times = [day(at) for at, _ in shown]
        values = [value for _, value in shown]
        dot = "o" if len(piece) == 1 else ""
        axes.plot(times, values, color=LINE, lw=2, marker=dot, ms=3, zorder=3)
        _shade(axes, request, times, values)
    if request.points:
        at, value = request.points[-1]
        _label_last(axes, request, (day(at), value))


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
    low, high = range_of(request)
    if last[1] > high:
        return
    axes.plot([last[0]], [last[1]], "o", color=LINE, ms=5, zorder=4, clip_on=False)
    limits = [value for value, _, _ in limit_lines(request)]
    crowded = any(abs(last[1] - value) < 0.07 * (high - low) for value in limits)
    above = last[1] < low + 0.85 * (high - low)
    axes.annotate(
        said(last[1], request.unit),
        last,
        xytext=(-6, 8 if above else -16) if crowded else (7, -4),
        textcoords="offset points",
        ha="right" if crowded else "left",
        size=11,
        weight="bold",
        color=LINE,
        zorder=5,
        path_effects=halo(),
    )


def _events(axes: "Axes", request: ChartRequest) -> None:
    """Draw the onset and the marks as vertical lines, named above the chart."""
    start, end = span_of(request)
    events = [
        Event(place=(day(at) - start) / (end - start), text=_timed(text, at), color=INK)
        for at, text in sorted(request.marks)
        if start <= day(at) <= end
    ][-_MARKS:]
    if request.onset is not None and start <= day(request.onset) <= end:
        place = (day(request.onset) - start) / (end - start)
        text = _timed("onset", request.onset)
        events.append(Event(place=place, text=text, color=RED))
    for event in events:
        at = start + event.place * (end - start)
        axes.axvline(at, color=event.color, linewidth=1.2, zorder=2)
    # Of names that leave each other no room, the onset's and the latest are there.
    for name in named(list(reversed(events))):
        axes.annotate(
            name.event.text,
            (name.event.place, 1),
            xycoords="axes fraction",
            xytext=(3 if name.is_left else -3, 5 + 12 * name.row),
            textcoords="offset points",
            ha="right" if name.is_left else "left",
            size=9,
            color=name.event.color,
            parse_math=False,
        )


def _timed(text: str, at: datetime) -> str:
    return f"{cut(text, _MARK)} {at.astimezone(UTC):%H:%M}"
