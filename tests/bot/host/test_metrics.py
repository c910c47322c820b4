"""The history never grows without bound and never tells points of the future."""

import threading
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.host.metrics import History

START = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_window_begins_where_it_is_asked_to() -> None:
    history = History()
    for second in range(10):
        history.append("cpu", at(second), float(second), "%")

    points = history.window("cpu", at(7))

    assert points == ((at(7), 7.0), (at(8), 8.0), (at(9), 9.0))
    assert history.unit("cpu") == "%"


def test_an_unknown_series_is_empty() -> None:
    assert History().window("nothing", START) == ()
    assert History().unit("nothing") == ""


def test_the_oldest_points_and_the_stalest_series_go_first() -> None:
    history = History(max_points=3, max_series=2)
    for second in range(5):
        history.append("cpu", at(second), 1.0)
    history.append("memory", at(5), 1.0)
    history.append("cpu", at(6), 1.0)
    history.append("disk", at(7), 1.0)

    assert [when for when, _ in history.window("cpu", START)] == [at(3), at(4), at(6)]
    assert history.names() == ("cpu", "disk")


def test_a_wall_clock_set_back_leaves_time_in_order() -> None:
    history = History()
    for second in (0, 10, 20, 5):
        history.append("cpu", at(second), float(second))

    assert history.window("cpu", START) == ((at(0), 0.0), (at(5), 5.0))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(-100, 100)), max_size=80))
def test_points_are_always_in_order_and_bounded(steps: list[tuple[int, int]]) -> None:
    history = History(max_points=20, max_series=7)
    now = 0
    for series, step in steps:
        now += step
        history.append(str(series), at(now), 1.0)

    assert len(history.names()) <= 7
    for name in history.names():
        times = [when for when, _ in history.window(name, at(-1e6))]
        assert times == sorted(set(times))
        assert len(times) <= 20


def test_threads_append_and_read_together() -> None:
    history = History(max_points=100)

    def work(name: str) -> None:
        for second in range(500):
            history.append(name, at(second), 1.0)
            history.window("0", START)

    threads = [threading.Thread(target=work, args=(str(n % 2),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(history.window("1", START)) <= 100
