"""Draws several series of one question, each named where it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from bot.charts.curve import pieces, thinned
from bot.charts.frame import Frame, cut, draw_limits, framed, halo, png_of
from bot.charts.request import SECOND, day, days, height_of
from bot.host.metrics import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST: Final = 8
"""Curves in one picture; more cannot be told apart."""
_NAME: Final = 20
_APART: Final = 0.075
"""Between two names, as a fraction of the axis' height."""
# Of Okabe and Ito's palette, which colour-blind people can tell apart; no yellow.
_COLORS: Final = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#a87900", "#555555", "#7a4fa3",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One series. name: printable. points: oldest first."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyRequest:
    """Up to eight curves. more: how many are not drawn. limits: as `limit_lines` gives."""

    title: str
    unit: str
    curves: tuple[Curve, ...]
    since: datetime
    until: datetime
    more: int = 0
    limits: tuple[tuple[float, str, str], ...] = ()


def chart_of_many(request: ManyRequest) -> bytes:
    """Return the PNG, 1200 by 540 pixels. Times are UTC."""
    values = [v for curve in request.curves for _, v in curve.points]
    limits = [value for value, _, _ in request.limits]
    start = day(request.since)
    frame = Frame(
        title=request.title,
        subtitle=_subtitle(request),
        unit=request.unit,
        # A single point has a width too.
        span=(start, max(day(request.until), start + 10 * SECOND)),
        height=height_of([*values, *limits], request.unit),
        width=0.7,
        tall=0.69,
    )
    with framed(frame) as (figure, axes):
        draw_limits(axes, request.limits, frame, is_inside=True)
        for curve, color in zip(request.curves, _COLORS, strict=False):
            _draw(axes, curve, color)
        _name(axes, request, frame)
        return png_of(figure)


def _draw(axes: "Axes", curve: Curve, color: str) -> None:
    for piece in pieces(curve.points):
        shown = thinned(piece)
        dot = "o" if len(piece) == 1 else ""
        xs, ys = [day(at) for at, _ in shown], [v for _, v in shown]
        axes.plot(xs, ys, color=color, lw=1.8, marker=dot, ms=3, zorder=3)


def _subtitle(request: ManyRequest) -> str:
    more = f"; and {request.more:,} more" if request.more else ""
    return f"{days(request.since, request.until)}, times in UTC{more}"


def _name(axes: "Axes", request: ManyRequest, frame: Frame) -> None:
    """Name each curve beside its end, the names far enough apart to be read."""
    low, high = frame.height
    ends = [(c.points[-1][1] - low) / (high - low) for c in request.curves]
    for place, curve, color, end in zip(
        apart(ends), request.curves, _COLORS, ends, strict=False
    ):
        axes.annotate(
            cut(curve.name, _NAME),
            (day(curve.points[-1][0]), curve.points[-1][1]),
            xytext=(1.03, place),
            textcoords="axes fraction",
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "lw": 0.8,
                "relpos": (0, 0.5),
            },
            size=10,
            color=color,
            va="center",
            annotation_clip=False,
            parse_math=False,
            path_effects=halo(),
            zorder=2 if end > 1 else 4,
        )


def apart(places: Sequence[float]) -> list[float]:
    """Return places between 0 and 1 in the same order, none too near to another.

    Those that would lie on each other stand around their middle.

    >>> [round(place, 4) for place in apart([0.5, 0.5])]
    [0.4625, 0.5375]
    """
    groups: list[list[int]] = []
    for n in sorted(range(len(places)), key=lambda n: places[n]):
        group = [n]
        while groups and _end(places, groups[-1]) > _start(places, group):
            group = groups.pop() + group
        groups.append(group)
    found = dict.fromkeys(range(len(places)), 0.0)
    for group in groups:
        start = _start(places, group)
        found |= {n: start + _APART * k for k, n in enumerate(group)}
    return list(found.values())


def _start(places: Sequence[float], group: Sequence[int]) -> float:
    height = _APART * (len(group) - 1)
    middle = sum(places[n] for n in group) / len(group)
    return max(0.0, min(middle - height / 2, 1.0 - height))


def _end(places: Sequence[float], group: Sequence[int]) -> float:
    return _start(places, group) + _APART * len(group)
