"""What one look at the host costs, beside psutil's and top's in the same run.

Wall milliseconds, the best of a few: what is left is the work itself, not the noise of
other programs. `sleep` children fill the process table and are killed by their pids.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psutil

from bot.host.host import HostSampler
from bot.runtime.clock import SystemClock
from tests.bench.result import Result

SIZES = (300, 3000)
_ATTRIBUTES = [
    "pid",
    "name",
    "username",
    "cpu_times",
    "memory_info",
    "create_time",
    "cmdline",
]


def run() -> Iterator[Result]:
    """Measure with 300 and with 3,000 processes."""
    for size in SIZES:
        with sleepers(size - len(psutil.pids())):
            yield from _measured(size)


def _measured(size: int) -> Iterator[Result]:
    sampler = HostSampler(SystemClock(), max_age=timedelta(0))
    scan = _best(sampler.processes)
    yield Result(
        name=f"process scan, {size} processes",
        figure=scan,
        unit="ms",
        floor_name="psutil.process_iter with 7 attributes",
        floor=_best(_psutil_scan),
        goal=0.2,
    )
    yield Result(
        name=f"process scan, {size} processes",
        figure=scan,
        unit="ms",
        floor_name="top -b -n1",
        floor=_best(_top, rounds=3),
        goal=1.0,
    )
    yield Result(
        name=f"host sample, {size} processes",
        figure=_best(sampler.sample, rounds=50),
        unit="ms",
        floor_name="psutil's CPU times, core count, memory and swap",
        floor=_best(_psutil_host, rounds=50),
        goal=1.0,
    )


def _best(work: Callable[[], object], *, rounds: int = 7) -> float:
    work()
    spent = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begin)
    return 1000 * min(spent)


def _psutil_scan() -> None:
    for process in psutil.process_iter(_ATTRIBUTES):
        assert process.info


def _psutil_host() -> None:
    psutil.cpu_times()
    psutil.cpu_count()
    psutil.virtual_memory()
    psutil.swap_memory()


def _top() -> None:
    subprocess.run(["/usr/bin/top", "-b", "-n1"], capture_output=True, check=True)


def _sleeper() -> int:
    return os.posix_spawn("/bin/sleep", ["sleep", "120"], {})


@contextmanager
def sleepers(count: int) -> Iterator[None]:
    """Fill the process table with so many that sleep."""
    pids: list[int] = []
    try:
        pids.extend(_sleeper() for _ in range(count))
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)


if __name__ == "__main__":
    for result in run():
        print(result)
