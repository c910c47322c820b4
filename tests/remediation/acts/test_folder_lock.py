"""Nothing goes while a program works in the folder, and our lock keeps it from starting."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remediation.acts.folder_lock import AtWork
from remediation.acts.sweep import sweeping
from remediation.outcome import Result
from tests.remediation.acts.litter import (
    action_on,
    area_of,
    cleaned,
    mounted,
    needs_root,
    old,
)


def test_nothing_goes_while_another_program_holds_its_lock(tmp_path: Path) -> None:
    file = old(tmp_path / "a.gz")
    area = area_of(tmp_path)
    action = action_on(area)
    locks = {str(tmp_path): "lock"}
    with held_by_another(tmp_path / "lock"):
        outcome = cleaned(area, action, locks=locks)
    assert outcome.result is Result.REFUSED
    assert f"another program holds {tmp_path}/lock" in outcome.summary
    assert file.exists()

    assert cleaned(area, action, locks=locks).result is Result.DONE


@contextmanager
def held_by_another(lock: Path) -> Iterator[None]:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(lock)], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        yield
    finally:
        holder.kill()
        holder.communicate()


_HOLDS = """
import fcntl, sys, time
lock = open(sys.argv[1], "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


def test_the_lock_is_held_while_files_go(tmp_path: Path) -> None:
    area = area_of(tmp_path / "logs")
    old(tmp_path / "logs" / "in" / "a.gz")
    locks = {str(tmp_path / "logs" / "in"): "lock", str(tmp_path / "none"): "lock"}
    with sweeping(area, locks):
        assert not is_free(tmp_path / "logs" / "in" / "lock")
    assert is_free(tmp_path / "logs" / "in" / "lock")


def is_free(lock: Path) -> bool:
    """Say whether another process gets the lock."""
    words = [sys.executable, "-c", _TRIES, str(lock)]
    done = subprocess.run(words, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0 or b"BlockingIOError" in done.stderr
    return done.returncode == 0


_TRIES = """
import fcntl, sys
fcntl.lockf(open(sys.argv[1], "w"), fcntl.LOCK_EX | fcntl.LOCK_NB)
"""


def test_an_area_below_the_locked_folder_waits_too(tmp_path: Path) -> None:
    """Such as apt's `archives/partial`, where it downloads."""
    file = old(tmp_path / "archives" / "partial" / "a.gz")
    area = area_of(file.parent)
    action = action_on(area)
    locks = {str(tmp_path / "archives"): "lock", str(tmp_path / "arch"): "lock"}
    with held_by_another(tmp_path / "archives" / "lock"):
        outcome = cleaned(area, action, locks=locks)
    assert outcome.result is Result.REFUSED
    assert f"another program holds {tmp_path}/archives/lock" in outcome.summary
    assert file.exists()
    assert not (tmp_path / "arch").exists()


def test_a_second_sweep_of_one_process_lets_go_of_no_lock(tmp_path: Path) -> None:
    area, locks = area_of(tmp_path), {str(tmp_path): "lock"}
    with sweeping(area, locks):
        with pytest.raises(AtWork), sweeping(area, locks):
            pass
        assert not is_free(tmp_path / "lock")
    assert is_free(tmp_path / "lock")


@needs_root
def test_a_disk_too_full_for_a_lock_is_cleaned_all_the_same(tmp_path: Path) -> None:
    small = ("-t", "tmpfs", "-o", "size=1m,nr_inodes=3", "tmpfs")
    with mounted(tmp_path / "small", *small) as disk:
        old(disk / "a.gz")
        old(disk / "b.gz")
        with pytest.raises(OSError, match="No space left"):
            (disk / "lock").touch()
        area = area_of(disk)
        outcome = cleaned(area, action_on(area), locks={str(disk): "lock"})
        assert outcome.result is Result.DONE
        assert list(disk.iterdir()) == []
