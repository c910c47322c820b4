"""Draws what happened day by day: stacked columns, and below them how long it took."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from bot.charts.frame import INK, LEFT, LINE, bare, headed, png_of
from bot.text.words import seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMED: Final = 8
"""Days that are named below the columns."""
_WIDE: Final = 14
"""Up to so many columns have their numbers written on them."""
_LETTER: Final = 0.0098
_ROUND: Final = (
    1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800,
)  # fmt: skip
"""Seconds that make a readable axis; beyond them whole days do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One part of all columns, with its colour. values: a number for each column."""

    name: str
    color: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnsRequest:
    """What is drawn. stacks: from below. took: beneath each column, None for nothing."""

    title: str
    subtitle: str
    starts: tuple[date, ...]
    stacks: tuple[Stack, ...]
    took: tuple[timedelta | None, ...]
    took_name: str


def chart_of_columns(request: ColumnsRequest) -> bytes:
    """Return the PNG, 1200 by 540 pixels. Days are UTC."""
    with headed(request.title, request.subtitle) as figure:
        _legend(figure, request.stacks)
        above = figure.add_axes((0.075, 0.43, 0.9, 0.32))
        below = figure.add_axes((0.075, 0.05, 0.9, 0.21))
        figure.text(LEFT, 0.305, request.took_name, size=9.5, color=LINE)
        for axes in (above, below):
            bare(axes)
            axes.set_xlim(-0.6, len(request.starts) - 0.4)
        _columns(above, request)
        _dots(below, request)
        return png_of(figure)


def _legend(figure: "Figure", stacks: Sequence[Stack]) -> None:
    """Name the parts in their colours, in a line below the head."""
    place = LEFT
    for stack in stacks:
        if any(stack.values):
            name = f"■ {stack.name} {sum(stack.values)}"
            figure.text(place, 0.785, name, size=10, color=stack.color)
            place += _LETTER * (len(name) + 3)


def _columns(axes: "Axes", request: ColumnsRequest) -> None:
    from matplotlib.ticker import MaxNLocator

    places = range(len(request.starts))
    floor = [0] * len(request.starts)
    for stack in request.stacks:
        axes.bar(places, stack.values, 0.72, bottom=floor, color=stack.color, zorder=2)
        floor = [low + more for low, more in zip(floor, stack.values, strict=True)]
    axes.set_ylim(0, 1.18 * max(*floor, 1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    if len(floor) <= _WIDE:
        for place, count in zip(places, floor, strict=True):
            if count:
                _write(axes, (place, count), f"{count:,}", INK)
    step = -(-len(floor) // _NAMED)
    axes.set_xticks(list(places[::step]))
    axes.set_xticklabels([f"{start:%m-%d}" for start in request.starts[::step]])


def _dots(axes: "Axes", request: ColumnsRequest) -> None:
    told = [
        (place, max(took.total_seconds(), 1.0))
        for place, took in enumerate(request.took)
        if took is not None
    ]
    axes.set_xticks([])
    top = max((took for _, took in told), default=1.0)
    axes.set_ylim(0, 1.45 * top)
    tick = _round(top)
    axes.set_yticks([0, tick], ["", seconds(timedelta(seconds=tick)) if told else ""])
    axes.vlines([p for p, _ in told], 0, [t for _, t in told], color=LINE, lw=1.5)
    axes.plot([p for p, _ in told], [t for _, t in told], "o", color=LINE, ms=5)
    if len(request.took) <= _WIDE:
        for place, took in told:
            _write(axes, (place, took), _brief(took), LINE)


def _brief(took: float) -> str:
    """Say a time in its largest unit only, so that neighbours leave each other room."""
    return " ".join(seconds(timedelta(seconds=took)).split()[:2])


def _round(top: float) -> float:
    """Return the largest readable time that is not above the highest."""
    days = top // _ROUND[-1] * _ROUND[-1]
    return days or max((size for size in _ROUND if size <= top), default=1)


def _write(axes: "Axes", place: tuple[float, float], text: str, color: str) -> None:
    axes.annotate(
        text,
        place,
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        size=9.5,
        color=color,
    )
