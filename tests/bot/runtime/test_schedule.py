"""When things happen, also after the clock was moved."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.runtime.schedule import Schedule
from tests.fakes.clock import FakeClock

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(wall=datetime.now(UTC))


@pytest.fixture
def schedule(clock: FakeClock) -> Iterator[Schedule]:
    made = Schedule(clock, threads=4)
    yield made
    made.stop()


def test_a_job_runs_at_once_and_then_regularly(schedule: Schedule) -> None:
    ran = threading.Semaphore(0)
    schedule.every(timedelta(seconds=0.2), "x", ran.release)
    schedule.start()
    assert all(ran.acquire(timeout=10) for _ in range(3))


@pytest.mark.promise(33)
def test_a_job_that_hangs_stops_no_other(schedule: Schedule) -> None:
    goes_on, ran = threading.Event(), threading.Semaphore(0)
    schedule.every(timedelta(seconds=0.2), "hangs", lambda: goes_on.wait(20) and None)
    schedule.every(timedelta(seconds=0.2), "runs", ran.release)
    schedule.start()
    try:
        assert all(ran.acquire(timeout=10) for _ in range(4))
        print("promise 33: 1 job hangs: 4 rounds of another beside it")
    finally:
        goes_on.set()


def test_a_job_that_is_wanted_soon_runs_out_of_turn(schedule: Schedule) -> None:
    ran = threading.Semaphore(0)
    schedule.every(HOUR, "x", ran.release)
    schedule.start()
    assert ran.acquire(timeout=10)

    schedule.soon("x")

    assert ran.acquire(timeout=10)


def test_a_job_that_raises_runs_again(schedule: Schedule) -> None:
    ran = threading.Semaphore(0)

    def job() -> None:
        ran.release()
        raise ValueError("a fault in one round")

    schedule.every(timedelta(seconds=0.2), "x", job)
    schedule.start()
    assert all(ran.acquire(timeout=10) for _ in range(2))


@pytest.mark.parametrize("seconds", [-7200, 7200])
def test_a_moved_clock_plans_every_job_anew(
    schedule: Schedule, clock: FakeClock, seconds: int
) -> None:
    schedule._scheduler.start(paused=True)
    schedule.every(HOUR, "x", lambda: None)
    clock.set_wall_back(-seconds)
    schedule.guard_clock()
    (job,) = schedule._scheduler.get_jobs()
    assert job.next_run_time == clock.wall


def test_a_planned_job_that_is_due_runs_after_the_guard(
    schedule: Schedule, clock: FakeClock
) -> None:
    ran = threading.Semaphore(0)
    schedule.every(HOUR, "x", ran.release)
    schedule.start()
    ran.acquire(timeout=10)
    clock.boot -= 10
    schedule.guard_clock()
    assert ran.acquire(timeout=10)


def test_clocks_that_part_a_little_change_nothing(
    schedule: Schedule, clock: FakeClock
) -> None:
    schedule._scheduler.start(paused=True)
    schedule.every(HOUR, "x", lambda: None)
    clock.set_wall_back(4)
    schedule.guard_clock()
    (job,) = schedule._scheduler.get_jobs()
    assert job.next_run_time == clock.wall + timedelta(seconds=4)


def test_a_schedule_that_never_began_can_be_stopped(clock: FakeClock) -> None:
    Schedule(clock, threads=1).stop()


def test_stopping_waits_for_a_job_that_runs_and_not_for_one_that_hangs(
    clock: FakeClock,
) -> None:
    began, goes_on, ended = threading.Event(), threading.Event(), threading.Event()

    def job() -> None:
        began.set()
        goes_on.wait(20)
        ended.set()

    schedule = Schedule(clock, threads=1)
    schedule.every(HOUR, "x", job)
    schedule.start()
    assert began.wait(10)
    schedule.stop(0.1)
    assert not ended.is_set()
    goes_on.set()
    schedule = Schedule(clock, threads=1)
    schedule.every(HOUR, "x", job)
    ended.clear()
    began.clear()
    schedule.start()
    assert began.wait(10)
    schedule.stop(20)
    assert ended.is_set()
