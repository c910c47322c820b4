"""What may go is listed exactly, without following, entering or opening anything."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from remediation.acts.clutter import MOST_FILES, clutter_of
from remediation.acts.sweep import standing
from remediation.target.area import (
    Spared,
    age_in_words,
    in_words,
    parts_of,
    wrong_folder,
    wrong_pattern,
)
from tests.remediation.acts.litter import area_of, listed, mounted, needs_root, old
from tests.remediation.gate.gates import PEER_UID, as_user, open_folder


def paths(folder: Path, **changes: object) -> list[str]:
    return [file.path for file in listed(area_of(folder, **changes))]


def test_the_largest_come_first_and_only_old_ones_that_match(tmp_path: Path) -> None:
    old(tmp_path / "small.gz", 10)
    old(tmp_path / "in" / "large.gz", 5000)
    old(tmp_path / "live.log")
    old(tmp_path / "new.gz", written=time.time())
    clutter = clutter_of(area_of(tmp_path))
    assert [file.path for file in clutter.files] == ["in/large.gz", "small.gz"]
    assert (clutter.size, clutter.spared) == (5010, (("too young", 1),))
    assert clutter.trouble == ""


def test_sub_folders_are_looked_into_as_deep_as_the_area_says(tmp_path: Path) -> None:
    old(tmp_path / "a.gz")
    old(tmp_path / "1" / "b.gz")
    old(tmp_path / "1" / "2" / "c.gz")
    assert paths(tmp_path, depth=0) == ["a.gz"]
    assert sorted(paths(tmp_path, depth=1)) == ["1/b.gz", "a.gz"]


def test_links_and_twins_are_left_and_counted(tmp_path: Path) -> None:
    old(tmp_path / "elsewhere" / "a.gz")
    logs = tmp_path / "logs"
    os.link(tmp_path / "elsewhere" / "a.gz", old(logs / "b.gz").with_name("twin.gz"))
    (logs / "link.gz").symlink_to(logs / "b.gz")
    (logs / "folder").symlink_to(tmp_path / "elsewhere")
    clutter = clutter_of(area_of(logs))
    assert [file.path for file in clutter.files] == ["b.gz"]
    assert dict(clutter.spared) == {
        "links and other things that are no files": 1,
        "with another name": 1,
    }


@needs_root
def test_what_is_mounted_inside_is_left_and_counted(tmp_path: Path) -> None:
    with mounted(tmp_path / "in") as inner:
        old(inner / "a.gz")
        clutter = clutter_of(area_of(tmp_path))
    assert (clutter.files, dict(clutter.spared)) == (
        (),
        {"on another mount": 1},
    )


@pytest.mark.parametrize(
    "name", [b"a\n.gz", b"\xff.gz", b"\x1b[31m.gz", b"gr\xc3\xb6.gz"]
)
def test_a_name_that_cannot_be_shown_is_left_and_counted(
    tmp_path: Path, name: bytes
) -> None:
    old(tmp_path / os.fsdecode(name))
    clutter = clutter_of(area_of(tmp_path))
    assert (clutter.files, clutter.spared) == ((), (("names that cannot be shown", 1),))


def test_more_than_an_action_takes_is_said(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 3):
        old(tmp_path / f"{number}.gz", 10 if number else 5)
    clutter = clutter_of(area_of(tmp_path))
    assert (len(clutter.files), clutter.beyond, clutter.beyond_bytes) == (500, 3, 25)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    clutter = clutter_of(area_of(tmp_path / "gone"))
    assert clutter.files == ()
    assert clutter.trouble.endswith("cannot be looked at (No such file or directory)")


def test_what_stands_as_it_was_is_told_from_what_does_not(tmp_path: Path) -> None:
    old(tmp_path / "a.gz")
    old(tmp_path / "b.gz", 10)
    same, gone = listed(area_of(tmp_path))
    (tmp_path / "b.gz").unlink()
    assert standing(str(tmp_path), (same, gone)) == {same: None, gone: Spared.GONE}


# --- what may be listed -----------------------------------------------------------


@pytest.mark.parametrize(
    "folder",
    [
        *("/", "/etc", "/etc/nginx", "/usr/lib", "/var", "/var/lib", "/home", "/boot"),
        *("/var/lib/postgresql/15", "/var/lib/mysql", "/proc/1", "/dev/shm", "/run/x"),
        *("/var/lib/kubelet/pods", "/var/lib/lxc", "/var/lib/lxd", "/var/lib/ceph"),
        *("/var/lib/machines/deb", "/var/lib/grafana"),
        *("var/log", "/var/log/", "/var/log/../lib", "//var/log", "/var/./log", ""),
        *("/srv/a\nb", "/srv/gr\u00f6", "/srv/\0"),
    ],
)
def test_folders_that_nothing_may_go_from(folder: str) -> None:
    assert wrong_folder(folder)


@pytest.mark.parametrize(
    "folder", ["/var/log", "/srv/app/log", "/var/libx", "/etcetera"]
)
def test_folders_that_may_be_listed(folder: str) -> None:
    assert wrong_folder(folder) is None


@pytest.mark.parametrize(
    "pattern", ["*", "?*", "*.*", "[!.]*", "", "a/*.gz", "*.db", "*1"]
)
def test_patterns_that_take_too_much(pattern: str) -> None:
    assert wrong_pattern(pattern)


@pytest.mark.parametrize("pattern", ["*.gz", "*.log", "*.[0-9]", "core.*", "*-20??-*"])
def test_patterns_that_may_be_listed(pattern: str) -> None:
    assert wrong_pattern(pattern) is None


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "../a", "a/../b", "a//b", "a/.", "\0"]
)
def test_paths_that_are_not_below_the_folder(path: str) -> None:
    with pytest.raises(ValueError, match="plain path"):
        parts_of(path)


def test_sizes_and_ages_in_words() -> None:
    assert [in_words(n) for n in (999, 1200, 12_345, 3_000_000_000)] == [
        *("999 B", "1.2 KB", "12 KB", "3.0 GB"),
    ]
    spans = (timedelta(days=1), timedelta(days=14), timedelta(hours=36))
    assert [age_in_words(s) for s in spans] == ["1 day", "14 days", "36 hours"]


def test_a_listing_ends_though_a_folder_does_not(tmp_path: Path) -> None:
    for number in range(50_001):
        os.close(os.open(tmp_path / f"{number}.gz", os.O_CREAT))
    began = time.perf_counter()
    clutter = clutter_of(area_of(tmp_path, older_than=timedelta(0)))
    print(f"50,000 files are listed in {time.perf_counter() - began:.2f} s")
    assert len(clutter.files) + clutter.beyond <= 50_000
    assert clutter.trouble == "there is more in it than was looked at"


@needs_root
def test_a_sub_folder_that_cannot_be_read_is_counted() -> None:
    with open_folder() as folder:
        old(folder / "a.gz")
        old(folder / "closed" / "b.gz")
        (folder / "closed").chmod(0o700)
        with as_user(PEER_UID):
            clutter = clutter_of(area_of(folder))
    assert [file.path for file in clutter.files] == ["a.gz"]
    assert clutter.spared == (("folders that cannot be read", 1),)
