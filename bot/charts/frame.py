"""What every picture shares: its size, its head, its axes, and how it becomes a PNG."""

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from typing import TYPE_CHECKING, Final

from bot.charts.request import SECOND, said

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patheffects import AbstractPathEffect

INK: Final = "#1d2b3a"
QUIET: Final = "#6b7885"
PALE: Final = "#aab4be"
LINE: Final = "#2563a8"
_GRID: Final = "#e9edf1"
_AXIS: Final = "#b8c2cc"
_SIZE: Final = (8.0, 3.6)
_DPI: Final = 150
LEFT: Final = 0.022
"""Where the head begins, as a part of the picture's width."""
_TITLE: Final = 68


_CHARACTER: Final = 0.0085
"""The width of a letter beside the axes, as a part of the picture's."""
_FIT_LEFT: Final = 5
_FIT_RIGHT: Final = 13


_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The words around a picture and the measures of its axes.

    span, height: their ends, in days and in `unit`. width, tall: the axes' part of the
    picture.
    """

    title: str
    subtitle: str
    unit: str
    span: tuple[float, float]
    height: tuple[float, float]
    width: float = 0.79
    tall: float = 0.62
    is_empty: bool = False


@contextmanager
def framed(frame: Frame) -> "Iterator[tuple[Figure, Axes]]":
    """Give a figure with its head and empty axes."""
    with headed(frame.title, frame.subtitle) as figure:
        axes = figure.add_axes((0.075, 0.11, frame.width, frame.tall))
        bare(axes)
        axes.set_xlim(*frame.span)
        axes.set_ylim(*frame.height)
        _scale(axes, frame)
        _make_room(axes, frame)
        yield figure, axes


@contextmanager
def headed(title: str, subtitle: str) -> "Iterator[Figure]":
    """Give a figure with its head only, to one at a time; never within another."""
    with _one_at_a_time:
        figure = _sheet()
        try:
            _write_head(figure, title, subtitle)
            yield figure
        finally:
            figure.clear()


def _write_head(figure: "Figure", title: str, subtitle: str) -> None:
    # A `$` in a name is no formula.
    figure.text(
        LEFT,
        0.925,
        cut(title, _TITLE),
        size=13,
        weight="bold",
        color=INK,
        parse_math=False,
    )
    figure.text(LEFT, 0.855, subtitle, size=9.5, color=QUIET, parse_math=False)


@cache
def _sheet() -> "Figure":
    """Return the figure that all are drawn on.

    A figure of its own for each leaves 3 MB behind until Python looks for garbage:
    parts of a figure know each other, and its texts the pixels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def png_of(figure: "Figure") -> bytes:
    """Return the figure as a PNG of 1200 by 540 pixels."""
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


def cut(text: str, most: int) -> str:
    """Return at most so many characters of a text."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def draw_limits(
    axes: "Axes",
    lines: Sequence[tuple[float, str, str]],
    frame: Frame,
    *,
    is_inside: bool = False,
) -> None:
    """Draw limits as dashed lines, named right of the axes, or above the line in them."""
    low, high = frame.height
    tight = len(lines) == 2 and abs(lines[0][0] - lines[1][0]) < 0.07 * (high - low)
    upper = max(value for value, _, _ in lines) if lines else 0.0
    if not is_inside:
        longest = max(
            (len(f"{n} {said(v, frame.unit)}") for v, n, _ in lines), default=0
        )
        place = axes.get_position()
        extra = _CHARACTER * max(0, longest - _FIT_RIGHT)
        axes.set_position((place.x0, place.y0, place.width - extra, place.height))
    for value, name, color in lines:
        axes.axhline(value, color=color, linewidth=1, linestyle=(0, (5, 3)), zorder=2)
        nudge = (6 if value == upper else -6) if tight else 0
        axes.annotate(
            f"{name} {said(value, frame.unit)}",
            (0 if is_inside else 1, value),
            xycoords=("axes fraction", "data"),
            xytext=(3, nudge + 7) if is_inside else (6, nudge),
            textcoords="offset points",
            size=9,
            color=color,
            va="center",
            path_effects=halo(),
        )


def halo() -> "list[AbstractPathEffect]":
    """Return what keeps text readable on top of lines."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=3, foreground="white")]


def _make_room(axes: "Axes", frame: Frame) -> None:
    """Move the left edge so that the longest figure beside it stands whole."""
    low, high = frame.height
    shown = [said(v, frame.unit) for v in axes.get_yticks() if low <= v <= high]
    extra = _CHARACTER * max(0, max(map(len, shown), default=0) - _FIT_LEFT)
    axes.set_position((0.075 + extra, 0.11, frame.width - extra, frame.tall))


def bare(axes: "Axes") -> None:
    """Take away what is no figure, and draw faint lines across."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_AXIS)
    axes.tick_params(length=0, pad=6, labelsize=9.5, colors=QUIET)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _scale(axes: "Axes", frame: Frame) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: said(v, frame.unit)))
    if frame.is_empty:
        axes.set_xticks([])
        middle = axes.transAxes
        axes.text(
            0.5, 0.5, "no data", size=14, color=QUIET, ha="center", transform=middle
        )
        return
    start, end = frame.span
    axes.xaxis.set_major_locator(AutoDateLocator(tz=UTC, minticks=3, maxticks=7))
    text = "%H:%M"
    if end - start < 300 * SECOND:
        text = "%H:%M:%S"
    elif end - start > 2:
        text = "%m-%d"
    axes.xaxis.set_major_formatter(DateFormatter(text, tz=UTC))
