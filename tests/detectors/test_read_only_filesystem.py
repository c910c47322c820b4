"""A disk that the kernel stopped writing to, for real; and those that are meant so."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.detectors.read_only_filesystem import (
    ReadOnlyFilesystem,
    ReadOnlySection,
    by_fstab,
)
from bot.host.mounts import parse
from bot.model import Finding, Level
from tests.detectors.pieces import (
    HandClock,
    PaperFacts,
    as_root,
    context,
    mounted,
    this_host,
)

WRITABLE = "30 1 8:1 / /srv rw - ext4 /dev/vdb rw\n"
TURNED = "30 1 8:1 / /srv ro - ext4 /dev/vdb ro\n"
GAVE_UP = "30 1 8:1 / /srv rw - ext4 /dev/vdb rw,errors=remount-ro,emergency_ro\n"


class Paper:
    """A list of mounts and an fstab that are written by hand."""

    def __init__(self, folder: Path) -> None:
        (folder / "self").mkdir()
        self.list = folder / "self/mountinfo"
        self.fstab = folder / "fstab"
        self.clock = HandClock()
        host = context(folder, self.clock, PaperFacts(folder))
        self.detector = ReadOnlyFilesystem(ReadOnlySection(fstab=self.fstab), host)

    def check(self, text: str, watched: str = "") -> list[Finding]:
        self.list.write_text(text)
        self.clock.forward(15)
        return self.detector.check({watched} if watched else ())


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    return Paper(tmp_path)


def test_what_was_writable_and_is_not_any_more_is_critical(paper: Paper) -> None:
    assert paper.check(WRITABLE) == []
    (found,) = paper.check(TURNED)

    assert (found.subject, found.level, found.shown) == (
        "/srv",
        Level.CRITICAL,
        "read-only",
    )
    assert found.no_action is not None
    assert found.no_action.by_hand.startswith("findmnt /srv")
    assert [f.level for f in paper.check(WRITABLE, "/srv")] == [Level.OK]


def test_after_a_restart_a_watched_one_is_still_bad(paper: Paper) -> None:
    assert [f.level for f in paper.check(TURNED, "/srv")] == [Level.CRITICAL]


def test_one_that_was_never_anything_else_is_left_alone(paper: Paper) -> None:
    assert paper.check(TURNED) == []


def test_fstab_says_what_should_be_writable(paper: Paper) -> None:
    paper.fstab.write_text("# a list\n/dev/vdb /srv ext4 defaults 0 2\n")
    assert [f.level for f in paper.check(TURNED)] == [Level.CRITICAL]

    paper.fstab.write_text("/dev/vdb /srv ext4 ro,noatime 0 2\n")
    assert paper.check(TURNED) == []


def test_what_fstab_mounts_read_only_may_go_back_to_it(paper: Paper) -> None:
    paper.fstab.write_text("/dev/vdb /srv ext4 ro,noatime 0 2\n")
    paper.check(WRITABLE)  # somebody writes to it for a while

    assert paper.check(TURNED) == []
    assert [f.shown for f in paper.check(TURNED, "/srv")] == ["read-only"]
    assert [f.level for f in paper.check(GAVE_UP)] == [Level.CRITICAL]


def test_the_kernels_own_word_is_enough(paper: Paper) -> None:
    (found,) = paper.check(GAVE_UP)

    assert "the kernel met an error" in found.summary


def test_a_mount_that_only_we_see_read_only_is_none(paper: Paper) -> None:
    paper.check(WRITABLE)

    assert paper.check("30 1 8:1 / /srv ro - ext4 /dev/vdb rw\n") == []


def test_an_image_is_none(paper: Paper) -> None:
    assert paper.check("30 1 7:1 / /snap/x ro - squashfs /dev/loop1 ro\n") == []


def test_one_that_is_gone_is_unknown(paper: Paper) -> None:
    assert [f.level for f in paper.check("", "/srv")] == [Level.UNKNOWN]


def test_an_fstab_of_any_bytes_is_read(tmp_path: Path) -> None:
    (tmp_path / "fstab").write_bytes(b"\xff\n/dev/x /my\\040data xfs rw\nshort\n")

    assert by_fstab(tmp_path / "fstab") == {b"/my data": "rw"}
    assert by_fstab(tmp_path / "none") == {}


@given(st.binary(max_size=300))
def test_a_list_of_mounts_of_any_bytes_is_read_or_refused(text: bytes) -> None:
    try:
        parse(text)
    except ValueError:
        return


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A real ext4, and the file through which the kernel is told of an error in it."""
    if not as_root:
        pytest.skip("a loop device needs root")
    image, folder = tmp_path / "image", tmp_path / "disk"
    image.write_bytes(bytes(8 << 20))
    folder.mkdir()
    make = ["/usr/sbin/mkfs.ext4", "-q", "-F", str(image)]
    mount = ["/usr/bin/mount", "-o", "loop,errors=remount-ro", str(image), str(folder)]
    for command in (make, mount):
        if subprocess.run(command, check=False).returncode:
            pytest.skip("this container has no loop devices")
    source = ["/usr/bin/findmnt", "-no", "SOURCE", str(folder)]
    device = subprocess.run(source, check=True, capture_output=True, text=True).stdout
    try:
        yield (
            folder,
            Path("/sys/fs/ext4", Path(device.strip()).name, "trigger_fs_error"),
        )
    finally:
        subprocess.run(["/usr/bin/umount", str(folder)], check=True)


def test_a_real_error_in_a_real_file_system(disk: tuple[Path, Path]) -> None:
    folder, error = disk
    detector = ReadOnlyFilesystem(ReadOnlySection(), this_host())
    before = [f for f in detector.check(()) if f.subject == str(folder)]
    error.write_text("1")
    time.sleep(0.15)
    after = [f for f in detector.check(()) if f.subject == str(folder)]
    with pytest.raises(OSError, match="Read-only"):
        (folder / "x").touch()

    assert before == []
    assert [f.level for f in after] == [Level.CRITICAL]


def test_a_real_disk_remounted_and_back(tmp_path: Path) -> None:
    detector = ReadOnlyFilesystem(ReadOnlySection(), this_host())
    seen = []
    with mounted(tmp_path / "disk", "size=1M") as folder:
        for mode in ("rw", "ro", "rw"):
            remount = ["/usr/bin/mount", "-o", f"remount,{mode}", str(folder)]
            subprocess.run(remount, check=True)
            time.sleep(0.15)
            found = {f.subject: f for f in detector.check({str(folder)})}
            seen.append(found[str(folder)].level)

    assert seen == [Level.OK, Level.CRITICAL, Level.OK]
