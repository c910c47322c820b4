"""A thread that looks when it is told; a step that fails is tried again."""

import threading

from bot.loop import Loop

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
