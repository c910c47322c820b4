"""How full file systems are, as df counts."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.detectors.filesystem import FilesystemDetector
from bot.measuring.fullness import MOST, FullnessSection
from bot.model import Level
from tests.detectors.pieces import (
    HandClock,
    PaperFacts,
    context,
    mounted,
    this_host,
)


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "a disk", "size=1M") as folder:
        yield folder


@pytest.fixture
def detector() -> FilesystemDetector:
    return FilesystemDetector(FullnessSection(), this_host())


def test_every_file_system_that_can_be_written_is_reported(
    detector: FilesystemDetector,
) -> None:
    found = {finding.subject: finding for finding in detector.check(())}

    assert found["/"].level is not Level.UNKNOWN
    assert found["/"].series == "filesystem//"


def test_a_filled_tmpfs_is_critical_and_clears_when_freed(
    detector: FilesystemDetector, tmpfs: Path
) -> None:
    (tmpfs / "log").write_bytes(b"x" * 1_000_000)
    (full,) = [f for f in detector.check(()) if f.subject == str(tmpfs)]
    (tmpfs / "log").unlink()
    time.sleep(0.15)  # what was read is shared for a tenth of a second
    (freed,) = [f for f in detector.check(()) if f.subject == str(tmpfs)]

    assert full.level is Level.CRITICAL
    assert full.value == pytest.approx(95.7, abs=1)
    assert "KB are free" in full.summary
    assert freed.level is Level.OK


def test_a_watched_file_system_that_is_gone_is_unknown(
    detector: FilesystemDetector,
) -> None:
    found = {f.subject: f for f in detector.check({"/not/mounted"})}

    assert found["/not/mounted"].level is Level.UNKNOWN
    # Nobody looks for files on what does not answer.
    assert (found["/not/mounted"].mount, found["/"].mount) == ("", "/")
    assert found["/not/mounted"].value is None


def test_it_clears_two_points_inside_its_limits_unless_told_otherwise() -> None:
    usual = FullnessSection().limits()
    told = FullnessSection(clear_warning=80, clear_critical=90).limits()

    assert (usual.clear_warning, usual.clear_critical) == (83, 93)
    assert (told.clear_warning, told.clear_critical) == (80, 90)


def test_what_cannot_be_written_counts_only_while_it_is_watched(
    tmp_path: Path,
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_text("1 0 8:1 / / ro - ext4 /dev/vda ro\n")
    clock = HandClock()
    host = context(tmp_path, clock, PaperFacts(tmp_path))
    detector = FilesystemDetector(FullnessSection(), host)

    assert detector.check(()) == []
    assert [f.subject for f in detector.check({"/"})] == ["/"]


NAMES = [f"/srv/{n:03}" for n in range(100)]


def hundred(
    folder: Path, error: int = 0, is_bad: Callable[[int], bool] = lambda _: False
) -> FilesystemDetector:
    """A hundred file systems, each fuller than the one before; the bad ones answer so."""
    lines = [
        f"{n} 0 8:{n} / {name} rw - ext4 /dev/vd{n} rw\n"
        for n, name in enumerate(NAMES)
    ]
    (folder / "self").mkdir()
    (folder / "self/mountinfo").write_text("".join(lines))

    def asked(point: bytes) -> os.statvfs_result:
        number = int(point[-3:])
        if is_bad(number):
            raise OSError(error, "no answer", point)
        free = 1000 - 5 * number
        return os.statvfs_result((4096, 4096, 1000, free, free, 9, 9, 9, 0, 255))

    host = context(folder, HandClock(), PaperFacts(folder))
    host.sampler._mounts._ask = asked
    return FilesystemDetector(FullnessSection(), host)


def test_of_very_many_the_fullest_are_told(tmp_path: Path) -> None:
    detector = hundred(tmp_path)

    found = [finding.subject for finding in detector.check({"/srv/000"})]

    assert found == ["/srv/000", *NAMES[-MOST:]]


def test_what_gives_no_answer_takes_no_place_of_what_is_full(tmp_path: Path) -> None:
    detector = hundred(tmp_path, errno.EIO, lambda number: number < 50)

    found = [finding.subject for finding in detector.check(())]

    assert found == [*NAMES[:MOST], *NAMES[-MOST:]]


def test_what_the_bot_may_not_look_at_counts_only_while_it_is_watched(
    tmp_path: Path,
) -> None:
    detector = hundred(tmp_path, errno.EACCES, lambda number: number < 50)

    found = [finding.subject for finding in detector.check({"/srv/007"})]

    assert found == ["/srv/007", *NAMES[-MOST:]]
