"""What one full round of all detectors costs, beside one bare scan of /proc in the same run.

Once as the host is (whoever finds nothing near a limit reads the host's files only), and
once with everything that can look at processes made to: limits that are always near.
Milliseconds of this process's CPU time, the median of a few, since others share the machine.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

import psutil

from bot import detectors
from bot.clock import SystemClock
from bot.host import HostSampler
from bot.ports import Detector, NotTold
from tests.bench.result import Result
from tests.bench.sampling import sleepers
from tests.detectors.pieces import this_host

SIZE = 3000
ROUNDS = 9
APART = 0.25
"""Seconds between two rounds, as the fastest interval is."""


def run() -> Iterator[Result]:
    """Measure with 3,000 processes."""
    with sleepers(SIZE - len(psutil.pids())):
        sampler = HostSampler(SystemClock(), max_age=timedelta(0))
        floor = _median(sampler.processes)
        for name, limits in (("as it is", {}), ("all near their limits", NEAR)):
            found = _made(limits)
            yield Result(
                name=f"round of {len(found)} detectors, {SIZE} processes, {name}",
                figure=_median(lambda found=found: _round(found), apart=APART),
                unit="ms",
                floor_name="a bare scan of /proc",
                floor=floor,
                goal=1.5,
            )


def _made(limits: Mapping[str, Mapping[str, object]]) -> Sequence[Detector]:
    """Return all that measure a host, on this one; after them one scan is shared."""
    host = this_host()
    known = detectors.known()
    return [
        kind(kind.Section.model_validate(limits.get(name, {})), host)
        for name, kind in known.items()
        if kind.Section.needs_host
    ]


NEAR: Mapping[str, Mapping[str, object]] = {
    "cpu": {"warning": 0.01},
    "load": {"warning": 0.001},
    "runaway_process": {"warning": 0.01},
    "memory": {"warning": 99},
    "process_descriptors": {"margin": 1},
    "leaking_descriptors": {"margin": 1},
}


def _round(found: Sequence[Detector]) -> None:
    for detector in found:
        try:
            detector.check(())
        except NotTold:
            continue


def _median(work: Callable[[], object], *, apart: float = 0.0) -> float:
    work()
    spent = []
    for _ in range(ROUNDS):
        time.sleep(apart)
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return 1000 * statistics.median(spent)
