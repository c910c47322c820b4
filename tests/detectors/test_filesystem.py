"""How full file systems are, as df counts."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.detectors.filesystem import FilesystemDetector, FilesystemSection
from bot.model import Level
from tests.detectors.pieces import (
    HandClock,
    PaperFacts,
    as_root,
    context,
    this_host,
)


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    if not as_root:
        pytest.skip("mounting a tmpfs needs root")
    folder = tmp_path / "a disk"
    folder.mkdir()
    mount = ["/usr/bin/mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("this container may not mount")
    yield folder
    subprocess.run(["/usr/bin/umount", str(folder)], check=True)


@pytest.fixture
def detector() -> FilesystemDetector:
    return FilesystemDetector(FilesystemSection(), this_host())


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
    usual = FilesystemSection().limits()
    told = FilesystemSection(clear_warning=80, clear_critical=90).limits()

    assert (usual.clear_warning, usual.clear_critical) == (83, 93)
    assert (told.clear_warning, told.clear_critical) == (80, 90)


def test_what_cannot_be_written_counts_only_while_it_is_watched(
    tmp_path: Path,
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_text("1 0 8:1 / / ro - ext4 /dev/vda ro\n")
    clock = HandClock()
    host = context(tmp_path, clock, PaperFacts(tmp_path))
    detector = FilesystemDetector(FilesystemSection(), host)

    assert detector.check(()) == []
    assert [f.subject for f in detector.check({"/"})] == ["/"]
