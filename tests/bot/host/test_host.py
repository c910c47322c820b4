"""The shared look at the host: what is read, what is shared, which windows count."""

import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.host import procfs
from bot.host.host import HostSample, HostSampler, Previous
from bot.host.procfs import ProcessRow
from bot.runtime.clock import SystemClock
from remediation.moment import Moment
from tests.detectors.pieces import HandClock, PaperProc, child

INTERVAL = timedelta(seconds=5)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def proc(tmp_path: Path, clock: HandClock) -> PaperProc:
    paper = PaperProc(tmp_path, clock)
    paper.write()
    return paper


def sample_at(at: Moment) -> HostSample:
    return HostSample(at=at, cpu=None, memory=None, pressure={})


def test_a_sample_says_what_this_host_does() -> None:
    sample = HostSampler(SystemClock()).sample()

    assert sample.cpu is not None
    assert sample.memory is not None
    assert sample.cpu.cores == os.cpu_count()
    assert 0 < sample.memory.available_bytes < sample.memory.total_bytes


def test_what_cannot_be_read_is_none_and_not_zero(
    tmp_path: Path, clock: HandClock
) -> None:
    sample = HostSampler(clock, proc=tmp_path).sample()

    assert (sample.cpu, sample.memory, sample.pressure) == (None, None, {})


@pytest.mark.parametrize("text", ["", "cpu\n", "cpu 1 2\n", "nothing at all"])
def test_a_stat_file_without_figures_is_no_sample(proc: PaperProc, text: str) -> None:
    (proc.root / "stat").write_text(text)

    assert HostSampler(proc.clock, proc=proc.root).sample().cpu is None


def test_memory_that_the_kernel_does_not_estimate_is_none(proc: PaperProc) -> None:
    (proc.root / "meminfo").write_text("MemTotal: 100 kB\nMemFree: 90 kB\n")

    assert HostSampler(proc.clock, proc=proc.root).sample().memory is None


def test_detectors_of_the_same_instant_share_one_sample(proc: PaperProc) -> None:
    sampler = HostSampler(proc.clock, proc=proc.root)
    first = sampler.sample()

    proc.clock.forward(0.05)
    shared = sampler.sample()
    proc.clock.forward(0.2)
    later = sampler.sample()

    assert shared is first
    assert later is not first


def test_a_clock_that_was_set_back_shares_nothing(proc: PaperProc) -> None:
    sampler = HostSampler(proc.clock, proc=proc.root)
    first = sampler.sample()

    proc.clock.boot -= 3600

    assert sampler.sample() is not first


def test_threads_that_ask_together_cause_one_scan(proc: PaperProc) -> None:
    sampler = HostSampler(proc.clock, proc=proc.root)
    scans = []
    threads = [
        threading.Thread(target=lambda: scans.append(sampler.processes()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(scan) for scan in scans}) == 1


class PassingClock(HandClock):
    """A clock on which each look takes a while."""

    each = 0.0

    def now(self) -> Moment:
        self.boot += self.each
        return super().now()


@pytest.mark.parametrize(
    ("each", "later", "is_shared"),
    [(0.0, 0.2, False), (0.05, 0.2, True), (0.05, 0.6, False), (5, 1.1, False)],
)
def test_a_scan_is_shared_for_as_long_as_it_is_dear(
    tmp_path: Path, each: float, later: float, *, is_shared: bool
) -> None:
    clock = PassingClock()
    PaperProc(tmp_path, clock).spend(10, busy=0.1)
    sampler = HostSampler(clock, proc=tmp_path)
    clock.each = each
    first = sampler.processes()
    clock.each = 0.0
    clock.forward(later)

    assert (sampler.processes() is first) is is_shared


def rows_of(pid: int) -> list[ProcessRow]:
    rows = HostSampler(SystemClock()).processes().rows
    return [row for row in rows.values() if row.pid == pid]


def test_a_scan_finds_a_real_child_by_pid_and_start() -> None:
    with child("import time; time.sleep(60)") as pid:
        end = time.monotonic() + 20
        found = rows_of(pid)
        # Right after its start it has not grown yet.
        while found[0].rss_bytes < 1_000_000 and time.monotonic() < end:
            found = rows_of(pid)

    assert len(found) == 1
    assert found[0].ppid == os.getpid()
    assert found[0].rss_bytes > 1_000_000


def test_a_child_that_ended_is_not_in_the_scan() -> None:
    with child("pass") as pid:
        pass

    rows = HostSampler(SystemClock()).processes().rows

    assert pid not in {row.pid for row in rows.values()}


@given(
    comm=st.binary(min_size=0, max_size=15),
    ticks=st.integers(0, 2**40),
    start=st.integers(0, 2**40),
    pages=st.integers(0, 2**40),
)
def test_a_name_of_any_bytes_is_read_as_a_name(
    comm: bytes, ticks: int, start: int, pages: int
) -> None:
    rest = f"R 7 0 0 0 0 0 0 0 0 0 {ticks} 0 0 0 0 0 0 0 {start} 0 {pages} 0 0"
    row = procfs.parse_process(42, b"42 (" + comm + b") " + rest.encode())

    assert (row.comm, row.ppid, row.state) == (comm, 7, b"R")
    assert (row.cpu_ticks, row.start_ticks, row.rss_pages) == (ticks, start, pages)
    assert row.name.isascii()
    assert row.name.isprintable()


def test_a_scan_without_file_descriptors_fails_instead_of_looking_empty() -> None:
    code = (
        "import os, resource\n"
        "from bot.host import procfs\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "held = [os.open('/', os.O_RDONLY) for _ in range(50)]\n"
        "try:\n"
        "    while True: held.append(os.open('/', os.O_RDONLY))\n"
        "except OSError: os.close(held.pop())\n"
        "try:\n"
        "    print(len(procfs.processes()))\n"
        "except OSError as error:\n"
        "    print(error.strerror)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "Too many open files\n"


def test_the_first_reading_has_no_window(clock: HandClock) -> None:
    assert Previous[HostSample](INTERVAL).exchange(sample_at(clock.now())) is None


def test_a_window_of_one_round_is_judged(clock: HandClock) -> None:
    previous = Previous[HostSample](INTERVAL)
    first = sample_at(clock.now())
    previous.exchange(first)
    clock.forward(5)

    assert previous.exchange(sample_at(clock.now())) is first


@pytest.mark.parametrize("jump", [-7200.0, -0.01, 0.0, 50.1, 28800.0])
def test_a_window_of_a_jumping_clock_is_not_judged(
    clock: HandClock, jump: float
) -> None:
    previous = Previous[HostSample](INTERVAL)
    previous.exchange(sample_at(clock.now()))
    clock.boot += jump

    assert previous.exchange(sample_at(clock.now())) is None


def test_after_a_suspended_machine_the_next_round_is_judged_again(
    clock: HandClock,
) -> None:
    previous = Previous[HostSample](INTERVAL)
    previous.exchange(sample_at(clock.now()))
    clock.boot += 28800
    awake = sample_at(clock.now())
    previous.exchange(awake)
    clock.forward(5)

    assert previous.exchange(sample_at(clock.now())) is awake


def test_two_boots_are_never_compared(clock: HandClock) -> None:
    previous = Previous[HostSample](INTERVAL)
    previous.exchange(sample_at(clock.now()))
    clock.forward(5)
    clock.boot_id = "boot-2"

    assert previous.exchange(sample_at(clock.now())) is None


def test_a_wall_clock_set_back_changes_no_window(clock: HandClock) -> None:
    previous = Previous[HostSample](INTERVAL)
    first = sample_at(clock.now())
    previous.exchange(first)
    clock.forward(5)
    clock.wall -= timedelta(hours=2)

    assert previous.exchange(sample_at(clock.now())) is first


@given(st.lists(st.floats(-100, 100), max_size=30))
def test_a_judged_window_is_always_forward_and_of_one_round(
    steps: list[float],
) -> None:
    clock, previous = HandClock(), Previous[HostSample](INTERVAL)
    for step in steps:
        clock.boot += step
        before = previous.exchange(sample_at(clock.now()))
        if before is not None:
            assert 0.15 <= clock.boot - before.at.boot <= 50


def limited(folder: Path, limit: str, current: int, droppable: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{current}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {droppable}\n")


def test_the_nearest_memory_limit_above_a_process_counts(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory\n")
    limited(tmp_path / "app.slice", "1000", 400, 100)
    limited(tmp_path / "app.slice/web.service", "max", 300, 0)
    limited(tmp_path / "app.slice/job.service", "500", 450, 10)

    def left(cgroup: str) -> int | None:
        return procfs.cgroup_left_bytes(cgroup, [tmp_path / "missing", tmp_path])

    assert left("/app.slice/web.service") == 700
    assert left("/app.slice/job.service") == 60
    assert left("/") is None
    assert left("/elsewhere") is None


def test_without_version_2_there_is_no_memory_limit(tmp_path: Path) -> None:
    assert procfs.cgroup_left_bytes("/app", [tmp_path]) is None
