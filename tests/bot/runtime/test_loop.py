"""A thread that looks when it is told; a step that fails is tried again."""

import threading

import pytest

from bot.runtime.loop import Loop, attempt, one_by_one

LONG = 3600.0


def test_a_loop_looks_when_it_begins_and_when_it_is_woken() -> None:
    looked = threading.Semaphore(0)
    loop = Loop("x", looked.release, every=LONG, failed=lambda _: None)
    loop.start()
    assert looked.acquire(timeout=10)
    loop.wake()
    assert looked.acquire(timeout=10)
    loop.stop(10)
    assert not loop.is_alive()


def test_a_loop_looks_by_itself() -> None:
    looked = threading.Semaphore(0)
    loop = Loop("x", looked.release, every=0.01, failed=lambda _: None)
    loop.start()
    assert all(looked.acquire(timeout=10) for _ in range(3))
    loop.stop(10)


def test_a_step_that_raises_is_counted_and_tried_again() -> None:
    failed: list[str] = []
    done = threading.Event()

    def step() -> None:
        if not failed:
            raise OSError("no database")
        done.set()

    loop = Loop("poster", step, every=LONG, failed=failed.append)
    loop.start()
    assert done.wait(10)
    loop.stop(10)
    assert failed == ["poster"]


def test_a_stop_lets_the_step_finish() -> None:
    begun, goes_on, finished = threading.Event(), threading.Event(), threading.Event()

    def step() -> None:
        begun.set()
        goes_on.wait(10)
        finished.set()

    loop = Loop("x", step, every=LONG, failed=lambda _: None)
    loop.start()
    begun.wait(10)
    threading.Timer(0.1, goes_on.set).start()
    loop.stop(10)
    assert finished.is_set()


def test_a_loop_that_never_began_can_be_stopped() -> None:
    loop = Loop("x", lambda: None, every=LONG, failed=lambda _: None)
    loop.stop(1)
    assert not loop.is_alive()


# --- the border ----------------------------------------------------------------------


def broken(_: object = None) -> int:
    raise KeyError("nonsense")


def test_at_the_border_an_error_ends_counted_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed: list[str] = []
    assert attempt(broken, instead=0, name="sums", failed=failed.append) == 0
    assert failed == ["sums"]
    assert "work.failed name=sums" in caplog.text
    assert "KeyError" in caplog.text


def test_what_succeeds_is_returned_and_not_counted() -> None:
    assert attempt(lambda: 7, instead=0, name="sums", failed=pytest.fail) == 7


def test_what_concerns_more_than_the_work_passes_the_border() -> None:
    with pytest.raises(KeyError):
        attempt(broken, instead=0, name="sums", passing=(KeyError,))


def test_nobody_is_kept_from_ending_the_process() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(interrupted, instead=None, name="sums")


def test_one_that_fails_holds_up_no_other() -> None:
    failed: list[str] = []

    def half(number: int) -> None:
        if number == 2:
            broken()

    done = one_by_one([1, 2, 3], half, name="half", failed=failed.append)
    assert (done, failed) == ([1, 3], ["half"])
