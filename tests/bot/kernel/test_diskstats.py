"""/proc/diskstats as it is here, and as it is nowhere."""

import math
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from bot.kernel import diskstats, process_io
from bot.kernel.diskstats import DiskCounters
from bot.kernel.roots import Roots

FIGURES = st.builds(
    DiskCounters,
    requests=st.integers(0, 2**64),
    waited_ms=st.integers(0, 2**32),
    busy_ms=st.integers(0, 2**32),
    under_way=st.integers(0, 2**32),
    sectors=st.integers(0, 2**64),
)


def test_the_disks_of_this_host_are_whole_ones() -> None:
    found = diskstats.read(Roots())

    listed = {place.name.replace("!", "/") for place in Path("/sys/block").iterdir()}
    assert set(found) <= listed
    assert not [name for name in found if name.startswith(("loop", "ram", "zram"))]
    assert diskstats.rotational(Roots()) <= listed


def test_what_a_process_writes_is_counted(tmp_path: Path) -> None:
    before = process_io.read(Roots())
    write = (
        "import os; f = open('x', 'wb', 0); f.write(bytes(5_000_000)); os.fsync(f);"
        "print('written', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-S", "-c", write],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        after = process_io.read(Roots())
        child.communicate(b"\n")

    assert child.pid not in before
    assert after[child.pid] >= 5_000_000


def test_a_counter_of_32_bits_that_begins_anew_is_followed() -> None:
    before = DiskCounters(
        requests=10, waited_ms=2**32 - 50, busy_ms=2**32 - 10, under_way=0, sectors=8
    )
    now = DiskCounters(requests=20, waited_ms=50, busy_ms=90, under_way=0, sectors=16)

    found = diskstats.work(before, now, 1.0)

    assert found is not None
    assert (found.wait_ms, found.busy, found.bytes_moved) == (10, 10, 8 * 512)


@given(FIGURES, FIGURES, st.floats(-1, 1e6, allow_nan=False))
def test_whatever_is_counted_the_figures_make_sense(
    before: DiskCounters, now: DiskCounters, seconds: float
) -> None:
    found = diskstats.work(before, now, seconds)

    if found is not None:
        assert 0 <= found.busy <= 100
        assert found.wait_ms >= 0 and math.isfinite(found.wait_ms)


@given(st.binary(max_size=400))
def test_lines_of_any_bytes_are_left_out(text: bytes) -> None:
    disk = b"8 0 sda 1 0 8 4 2 0 16 6 0 5 10\n"
    with TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "block/sda").mkdir(parents=True)
        (root / "diskstats").write_bytes(disk + text)

        assert set(diskstats.read(Roots(proc=root, sys=root))) == {"sda"}
