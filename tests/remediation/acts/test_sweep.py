"""Nothing goes that somebody uses, or while a program works in its folder."""

import fcntl
import mmap
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from remediation.outcome import Result
from remediation.target.area import Spared
from tests.remediation.acts.litter import action_on, area_of, cleaned, mounted, old

# --- who uses it ------------------------------------------------------------------


def _mapped(file: Path) -> mmap.mmap:
    with file.open("rb") as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


@pytest.mark.parametrize("disk", ["disk", "tmpfs"])
@pytest.mark.parametrize(
    "use",
    [lambda file: file.open("rb"), lambda file: file.open("ab"), _mapped],
    ids=["read", "written", "mapped"],
)
def test_what_somebody_uses_stays_until_it_is_free(
    tmp_path: Path, disk: str, use: Callable[[Path], mmap.mmap]
) -> None:
    if disk == "tmpfs" and os.geteuid() != 0:
        pytest.skip("only root mounts")
    (tmp_path / "logs").mkdir()
    if disk == "disk":
        _used_and_then_free(tmp_path / "logs", use)
        return
    with mounted(tmp_path / "logs") as small:
        _used_and_then_free(small, use)


def _used_and_then_free(folder: Path, use: Callable[[Path], mmap.mmap]) -> None:
    file = old(folder / "a.gz")
    area = area_of(folder)
    action = action_on(area)
    user = use(file)
    try:
        outcome = cleaned(area, action)
    finally:
        user.close()
    assert f"Left: 1 {Spared.IN_USE}" in outcome.summary
    assert file.exists()

    assert cleaned(area, action).result is Result.DONE
    assert not file.exists()


def test_what_another_program_has_leased_is_in_use(tmp_path: Path) -> None:
    file = old(tmp_path / "a.gz")
    area = area_of(tmp_path)
    action = action_on(area)
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDS_A_LEASE, str(file)], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        outcome = cleaned(area, action)
    finally:
        holder.kill()
        holder.communicate()
    assert f"Left: 1 {Spared.IN_USE}" in outcome.summary
    assert file.exists()


_HOLDS_A_LEASE = """
import fcntl, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
held = open(sys.argv[1], "r+")
fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
time.sleep(600)
"""


def test_whoever_opens_a_leased_file_does_not_end_us(tmp_path: Path) -> None:
    """By default the kernel's word that a lease is asked back ends the process."""
    file = old(tmp_path / "a.gz")
    done = subprocess.run(
        [sys.executable, "-c", _LEASES, str(file)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


_LEASES = """
import os, subprocess, sys
from remediation.acts.sweep import _READ, _leased

held = os.open(sys.argv[1], _READ)
assert _leased(held) is None
# It asks without waiting, which breaks the lease all the same.
opens = "import os, sys; os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK)"
there = subprocess.run(
    [sys.executable, "-c", opens, sys.argv[1]], stderr=subprocess.PIPE
)
assert b"BlockingIOError" in there.stderr
print("alive")
"""


def test_the_write_lock_of_a_lease_is_what_the_kernel_promises(tmp_path: Path) -> None:
    """The measurement that this rests on: nobody else has it open, or no lease."""
    file = old(tmp_path / "a.gz")
    with file.open("rb") as ours:
        fcntl.fcntl(ours, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        fcntl.fcntl(ours, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        with file.open("rb"), pytest.raises(BlockingIOError):
            fcntl.fcntl(ours, fcntl.F_SETLEASE, fcntl.F_WRLCK)
