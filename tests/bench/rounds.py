"""What one full round of all detectors costs, beside one bare scan of /proc in the same run.

Once with nothing near its limits (the host's files are read and no process), and once with
limits that are always near: then processes are scanned, compared, and the largest read
closely. Milliseconds of this process's CPU time, the median of a few rounds with a scan
between them, since others share the machine.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

import psutil

from bot import detectors
from bot.host.host import HostSampler
from bot.ports import Detector, NotTold
from bot.runtime.clock import SystemClock
from tests.bench.result import Result
from tests.bench.sampling import sleepers
from tests.detectors.pieces import this_host

SIZE = 3000
ROUNDS = 9
APART = 1.1
"""Seconds between two rounds: longer than any scan is shared (`bot/host/host.py`)."""

Limits = Mapping[str, Mapping[str, object]]
FAR: Limits = {
    name: {"warning": 1e9, "critical": 1e9}
    for name in ("cpu", "load", "runaway_process")
}
NEAR: Limits = {
    "cpu": {"warning": 0.01},
    "load": {"warning": 0.001},
    "runaway_process": {"warning": 0.01},
    "memory": {"warning": 99},
}


def run() -> Iterator[Result]:
    """Measure with 3,000 processes."""
    with sleepers(SIZE - len(psutil.pids())):
        for name, limits, goal in (("nothing near", FAR, 1.5), ("all near", NEAR, 3.0)):
            found = _made(limits)
            scan, figure = _medians(found)
            yield Result(
                name=f"round of {len(found)} detectors, {SIZE} processes, {name}",
                figure=figure,
                unit="ms",
                floor_name="a bare scan of /proc",
                floor=scan,
                goal=goal,
            )


def _made(limits: Limits) -> Sequence[Detector]:
    """Return all that measure a host, on this one."""
    host = this_host()
    known = detectors.known()
    return [
        kind(kind.Section.model_validate(limits.get(name, {})), host)
        for name, kind in known.items()
        if kind.Section.needs_host
    ]


def _medians(found: Sequence[Detector]) -> tuple[float, float]:
    """Return the milliseconds of a scan and of a round; the first round only begins."""
    sampler = HostSampler(SystemClock(), max_age=timedelta(0))
    _round(found)
    scans, rounds = [], []
    for _ in range(ROUNDS):
        time.sleep(APART)
        scans.append(_spent(sampler.processes))
        rounds.append(_spent(lambda: _round(found)))
    return 1000 * statistics.median(scans), 1000 * statistics.median(rounds)


def _round(found: Sequence[Detector]) -> None:
    for detector in found:
        try:
            detector.check(())
        except NotTold:
            continue


def _spent(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin
