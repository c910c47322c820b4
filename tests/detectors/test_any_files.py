"""Whatever stands in the files of /proc and /sys, a detector gives sane figures or says why not."""

import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import detectors
from bot.host.host import HostSampler
from bot.model import Finding
from bot.ports import Detector, NotTold
from tests.detectors.pieces import HandClock, PaperFacts, context

NAMES = [
    *("blocked_processes", "fork_storm", "iowait", "load", "oom_kill", "pressure"),
    *("steal", "swap", "tasks", "temperature", "thrashing", "zombies"),
]
PSI = "some avg10={0}.00 avg60={1}.50 avg300=0.00 total=7\nfull avg10={2}.00 avg60={0}.00 avg300=0.00 total=7\n"
FILES = {
    "stat": "cpu  {0} 0 0 {1} {2} 0 0 {3} 0 0\ncpu0 1 2\nprocesses {4}\nprocs_blocked {2}\n",
    "loadavg": "{0}.50 {1}.00 0.10 {2}/{3} 4711\n",
    "vmstat": "oom_kill {0}\npswpin {1}\npswpout {2}\npgmajfault {3}\nworkingset_refault_file {4}\n",
    "meminfo": "MemTotal: {0} kB\nMemAvailable: {1} kB\nSwapTotal: {2} kB\nSwapFree: {3} kB\nKernelStack: {4} kB\n",
    "sys/kernel/pid_max": "{0}\n",
    "sys/kernel/threads-max": "{1}\n",
    "pressure/cpu": PSI,
    "pressure/memory": PSI,
    "pressure/io": PSI,
    "class/hwmon/hwmon0/temp1_input": "{0}\n",
    "class/hwmon/hwmon0/temp1_crit": "{1}\n",
    "7/stat": "7 (a b) D {0} 0 0 0 0 0 0 {1} 0 0 {2} {3} 0 0 0 0 {4} 0 50 0 10 0\n",
    "8/stat": "8 (a b) Z 7 0 0 0 0 0 0 {1} 0 0 {2} {3} 0 0 0 0 {4} 0 50 0 10 0\n",
}
figures = st.tuples(*[st.sampled_from([0, 1, 3, 50, 97, 10**5, 2**40, 2**63])] * 5)
contents = st.dictionaries(
    st.sampled_from(sorted(FILES)),
    st.one_of(figures, figures, st.binary(max_size=40), st.none()),
    min_size=len(FILES) // 2,
)
rounds = st.lists(
    st.tuples(contents, st.sampled_from([0.0, 0.1, 5.0, 60.0, 1e5, -3.0])),
    min_size=2,
    max_size=4,
)


def written(root: Path, texts: dict[str, tuple[int, ...] | bytes | None]) -> None:
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        elif text is not None:
            path.write_text(FILES[name].format(*text))


def checked(made: Detector) -> list[Finding]:
    """What the border around a detector would see of it; anything else is a fault."""
    try:
        return made.check({""})
    except (NotTold, OSError, ValueError):
        return []


@pytest.mark.parametrize("name", NAMES)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=25,
)
@given(story=rounds)
def test_no_files_make_a_figure_that_cannot_be(
    tmp_path: Path,
    name: str,
    story: list[tuple[dict[str, tuple[int, ...] | bytes | None], float]],
) -> None:
    clock = HandClock()
    sampler = HostSampler(clock, proc=tmp_path, sys=tmp_path)
    host = context(tmp_path, clock, PaperFacts(tmp_path), sampler=sampler)
    made = detectors.known()[name](detectors.known()[name].Section(), host)

    for texts, step in story:
        written(tmp_path, texts)
        clock.forward(step)
        found = checked(made)

        assert len(found) <= 21
        values = [f.value for f in found if f.value is not None]
        assert all(math.isfinite(value) for value in values)
        percents = [f.value for f in found if f.unit == "%" and f.value is not None]
        assert all(0 <= value <= 100 for value in percents)
        assert all(f.summary.isprintable() for f in found)
