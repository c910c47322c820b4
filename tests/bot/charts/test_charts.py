"""A chart is a PNG of one size, whatever it is asked to draw."""

import gc
import itertools
import struct
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.charts.curve import MOST_POINTS, pieces, thinned
from bot.charts.events import Event, named
from bot.charts.frame import headed
from bot.charts.many import MOST, Curve, ManyRequest, apart, chart_of_many
from bot.charts.one import chart
from bot.charts.request import ChartRequest, is_above, limit_lines

START = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
TEXT = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=90)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_a_chart_has_the_size_that_slack_shows_well() -> None:
    points = tuple((at(5 * n), float(n % 100)) for n in range(120))
    request = ChartRequest(
        title="CPU 98 % on web-1",
        unit="%",
        points=points,
        warning=85,
        critical=95,
        onset=at(300),
        marks=((at(500), "terminate"), (at(510), "pause")),
        until=at(700),
        yesterday=tuple((at(60 * n), 50.0) for n in range(-5, 40)),
    )

    assert size_of(chart(request)) == (1200, 540)


def of_load(times: int) -> ChartRequest:
    points = tuple((at(5 * n), float(times * n % 100)) for n in range(60))
    return ChartRequest(title=f"load {times}", unit="%", points=points, warning=85)


def test_drawing_leaves_no_pixels_behind() -> None:
    from matplotlib.backends.backend_agg import RendererAgg

    def held() -> int:
        return sum(type(each) is RendererAgg for each in gc.get_objects())

    chart(of_load(1))
    gc.collect()
    before = held()
    gc.disable()
    try:
        for times in range(5):
            chart(of_load(times))
        after = held()
    finally:
        gc.enable()

    assert before == after == 1


def test_charts_that_are_drawn_together_are_as_if_alone() -> None:
    requests = [of_load(times) for times in range(1, 7)]
    alone = [chart(request) for request in requests]

    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(chart, requests))

    assert len(set(alone)) == len(alone)
    assert together == alone


def test_a_chart_that_fails_leaves_nothing_on_the_next() -> None:
    expected = chart(of_load(1))

    with pytest.raises(ZeroDivisionError), headed("lost", "in the middle"):
        raise ZeroDivisionError

    assert chart(of_load(1)) == expected


def test_without_points_the_chart_says_so_and_does_not_fail() -> None:
    request = ChartRequest(title="CPU", unit="%", points=(), onset=START, until=START)

    assert size_of(chart(request)) == (1200, 540)


@settings(max_examples=15)
@given(
    title=TEXT,
    mark=TEXT,
    values=st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=5),
    warning=st.none() | st.floats(-1e6, 1e6),
    critical=st.none() | st.floats(-1e6, 1e6),
    unit=st.sampled_from(["%", "B", "h", "", "% of one core"]),
)
def test_any_figures_and_names_can_be_drawn(
    title: str,
    mark: str,
    values: list[float],
    warning: float | None,
    critical: float | None,
    unit: str,
) -> None:
    request = ChartRequest(
        title=title,
        unit=unit,
        points=tuple((at(n), value) for n, value in enumerate(values)),
        warning=warning,
        critical=critical,
        onset=START,
        marks=((START, mark),),
    )

    assert size_of(chart(request)) == (1200, 540)


@pytest.mark.parametrize("title", ["$\\frac{", "a_b^c $x$", "100 % \\n"])
def test_a_name_is_never_read_as_a_formula(title: str) -> None:
    request = ChartRequest(title=title, unit="%", points=((START, 1.0),))

    assert size_of(chart(request)) == (1200, 540)


def test_low_is_bad_where_critical_is_the_lower_limit() -> None:
    memory = ChartRequest(title="", unit="%", points=(), warning=10, critical=5)
    cpu = ChartRequest(title="", unit="%", points=(), warning=85, critical=95)

    assert not is_above(memory)
    assert is_above(cpu)
    assert [name for _, name, _ in limit_lines(cpu)] == ["warning", "critical"]


@given(st.lists(st.floats(0, 100), max_size=4000))
def test_thinning_keeps_the_extremes_and_the_order(values: list[float]) -> None:
    points = tuple((at(n), value) for n, value in enumerate(values))

    kept = thinned(points)

    assert len(kept) <= MOST_POINTS
    assert list(kept) == sorted(kept)
    assert set(kept) <= set(points)
    if values:
        assert max(v for _, v in kept) == max(values)
        assert min(v for _, v in kept) == min(values)


def test_six_hours_of_points_are_thinned_without_losing_a_spike() -> None:
    spiky = [50.0] * 4320
    spiky[1234], spiky[4000] = 99.0, 1.0

    kept = thinned([(at(5 * n), value) for n, value in enumerate(spiky)])

    assert len(kept) <= MOST_POINTS
    assert list(kept) == sorted(kept)
    assert (at(5 * 1234), 99.0) in kept
    assert (at(5 * 4000), 1.0) in kept


def test_a_change_of_pace_is_no_gap() -> None:
    """A course from Prometheus, a point a minute, and then rounds of every 15 s."""
    points = tuple((at(s), 1.0) for s in (*range(0, 600, 60), *range(600, 3000, 15)))

    assert [len(piece) for piece in pieces(points)] == [len(points)]


def test_a_pause_in_the_measurements_is_a_gap_in_the_curve() -> None:
    points = tuple((at(n), 1.0) for n in (*range(10), *range(60, 70)))

    assert [len(piece) for piece in pieces(points)] == [10, 10]


@given(st.lists(st.integers(0, 10_000), unique=True, max_size=60))
def test_pieces_hold_every_point_once(seconds: list[int]) -> None:
    points = tuple((at(n), 1.0) for n in sorted(seconds))

    assert tuple(point for piece in pieces(points) for point in piece) == points


# --- events -----------------------------------------------------------------------------


def event(place: float, text: str = "reboot 14:00") -> Event:
    return Event(place=place, text=text, color="#000000")


@given(
    st.lists(
        st.builds(event, st.floats(0, 1), st.text(min_size=1, max_size=30)), max_size=6
    )
)
def test_no_name_of_an_event_lies_on_another(events: list[Event]) -> None:
    names = named(events)

    for one, other in itertools.combinations(names, 2):
        apart_ = one.ends[1] <= other.ends[0] or other.ends[1] <= one.ends[0]
        assert one.row != other.row or apart_
    if events:
        assert names[0].event == events[0]


def test_events_side_by_side_are_all_named() -> None:
    assert len(named([event(0.69), event(0.65), event(0.5), event(0.38)])) == 4


# --- several ----------------------------------------------------------------------------


@given(st.lists(st.floats(-0.2, 1.3), max_size=MOST))
def test_names_of_curves_keep_their_order_and_their_distance(
    places: list[float],
) -> None:
    found = apart(places)

    assert sorted(range(len(found)), key=lambda n: found[n]) == sorted(
        range(len(places)), key=lambda n: places[n]
    )
    for low, high in itertools.pairwise(sorted(found)):
        assert high - low > 0.07
    assert all(-0.01 <= place <= 1.01 for place in found)


@settings(max_examples=10)
@given(
    values=st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=MOST),
    name=TEXT,
    more=st.integers(0, 10**6),
)
def test_any_series_can_be_drawn_together(
    values: list[float], name: str, more: int
) -> None:
    curves = tuple(Curve(name=name, points=((at(60), v), (at(90), v))) for v in values)
    request = ManyRequest(
        title=name, unit="", curves=curves, since=START, until=at(600), more=more
    )

    assert size_of(chart_of_many(request)) == (1200, 540)
