"""The kernel's small files as they are here, and whatever else may stand in them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.kernel import loadavg, pressure, stacks, stat, tasklimits, vmstat
from bot.kernel.roots import Roots

READERS: dict[str, Callable[[Roots], object]] = {
    "loadavg": loadavg.read,
    "meminfo": stacks.read,
    "pressure/cpu": pressure.read,
    "stat": stat.read,
    "vmstat": vmstat.read,
    "sys/kernel/pid_max": tasklimits.read,
}


def test_the_kernels_own_figures() -> None:
    here = stat.read(Roots())
    limits = tasklimits.read(Roots())

    assert here.forks > 100
    assert stacks.read(Roots()) >= 4
    assert 0 <= here.blocked < limits.tighter[0]


@pytest.mark.parametrize("name", READERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.binary(max_size=300))
def test_no_text_makes_a_reader_raise_anything_else(
    tmp_path: Path, name: str, text: bytes
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "threads-max").write_bytes(b"1000\n")
    path.write_bytes(text)

    try:
        READERS[name](Roots(proc=tmp_path, sys=tmp_path))
    except (OSError, ValueError):
        return
