"""Files that can still be made, on a real file system with few inodes."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.detectors.inodes import Inodes
from bot.measuring.fullness import FullnessSection
from bot.model import Finding, Level
from tests.detectors.pieces import (
    HandClock,
    PaperFacts,
    context,
    mounted,
    this_host,
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "size=1M,nr_inodes=100") as folder:
        yield folder


def seen(detector: Inodes, disk: Path) -> Finding:
    time.sleep(0.15)  # what was read is shared for a tenth of a second
    (finding,) = [f for f in detector.check(()) if f.subject == str(disk)]
    return finding


def test_a_disk_without_inodes_is_critical_and_clears(disk: Path) -> None:
    detector = Inodes(FullnessSection(), this_host())
    before = seen(detector, disk)
    for number in range(97):
        (disk / str(number)).touch()
    full = seen(detector, disk)
    for number in range(20):
        (disk / str(number)).unlink()
    freed = seen(detector, disk)

    assert (before.level, full.level, freed.level) == (
        Level.OK,
        Level.CRITICAL,
        Level.OK,
    )
    assert full.summary.startswith(f"{disk} has used 98 % of its inodes")
    # Old files may be deleted there, which gives inodes back.
    assert full.mount == str(disk)


def test_the_root_has_used_what_df_says() -> None:
    detector = Inodes(FullnessSection(), this_host())

    found = {finding.subject: finding for finding in detector.check(())}

    there = os.statvfs("/")
    if not there.f_files:
        pytest.skip("the root here makes inodes as it needs them")
    used = there.f_files - there.f_ffree
    assert found["/"].value == pytest.approx(
        100 * used / (used + there.f_favail), abs=0.5
    )


def test_what_makes_inodes_as_needed_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_text("1 0 0:9 / /data rw - btrfs /dev/vdb rw\n")
    host = context(tmp_path, HandClock(), PaperFacts(tmp_path))
    host.sampler._mounts._ask = lambda _: os.statvfs_result(
        (4096, 4096, 1000, 500, 500, 0, 0, 0, 0, 255)
    )
    detector = Inodes(FullnessSection(), host)

    assert detector.check(()) == []
    assert [f.level for f in detector.check({"/data"})] == [Level.UNKNOWN]


def test_one_that_hangs_is_told_by_its_space_only(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_text("1 0 8:1 / /data rw - ext4 /dev/vdb rw\n")
    host = context(tmp_path, HandClock(), PaperFacts(tmp_path))

    def broken(_: bytes) -> os.statvfs_result:
        raise OSError(5, "Input/output error")

    host.sampler._mounts._ask = broken

    assert Inodes(FullnessSection(), host).check(()) == []
