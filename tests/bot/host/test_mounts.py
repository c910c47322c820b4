"""Which file systems are measured, and what happens when one never answers."""

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from bot.host.mounts import Mounts, parse, real

MOUNTINFO = b"""\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 0:20 / /proc rw - proc proc rw
24 22 0:21 / /sys rw - sysfs sysfs rw
25 22 0:6 / /dev rw - devtmpfs udev rw
26 25 0:22 / /dev/shm rw - tmpfs tmpfs rw
27 22 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
28 22 254:2 / /srv/my\\040data rw - xfs /dev/vdb1 rw
29 22 254:2 /web /var/www rw - xfs /dev/vdb1 rw
30 22 0:50 / /var/lib/docker/overlay2/aa/merged rw - overlay overlay rw
31 22 0:60 / /mnt/nfs rw - nfs4 nas:/export rw
32 22 254:9 / /old rw - ext4 /dev/vdz rw
33 22 254:3 / /old ro - ext4 /dev/vdc ro
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_bytes(MOUNTINFO)
    return tmp_path


def test_only_real_storage_counts_each_device_once() -> None:
    names = [mount.name for mount in real(parse(MOUNTINFO))]

    assert names == ["/", "/dev/shm", "/mnt/nfs", "/old", "/var/www"]


def test_the_last_mount_on_a_point_hides_the_others() -> None:
    found = {mount.name: mount for mount in parse(MOUNTINFO)}

    assert found["/old"].device == b"254:3"
    assert found["/old"].read_only


def test_a_containers_own_root_counts_though_it_is_an_overlay() -> None:
    mounts = real(parse(b"1 0 0:9 / / rw - overlay overlay rw\n"))

    assert [mount.name for mount in mounts] == ["/"]


def test_the_root_of_this_host_is_as_full_as_df_says() -> None:
    found = {fs.name: fs for fs in Mounts().read()}

    seen = os.statvfs("/")
    used = seen.f_blocks - seen.f_bfree
    expected = 100 * used / (used + seen.f_bavail)
    assert found["/"].used_percent == pytest.approx(expected, abs=1)


def test_a_hanging_mount_is_unknown_and_delays_nobody_else(proc: Path) -> None:
    answers = threading.Event()
    asked: list[bytes] = []

    def ask(point: bytes) -> os.statvfs_result:
        asked.append(point)
        if point == b"/mnt/nfs":
            answers.wait(30)
        return os.statvfs("/")

    mounts = Mounts(proc, timedelta(seconds=0.3), ask)
    begin = time.monotonic()
    first = {fs.name: fs for fs in mounts.read()}
    second = {fs.name: fs for fs in mounts.read()}
    spent = time.monotonic() - begin

    assert first["/mnt/nfs"].used_percent is None
    assert second["/mnt/nfs"].used_percent is None
    assert first["/"].used_percent is not None
    assert second["/"].used_percent is not None
    # Waited for once, and not asked again while it hangs.
    assert asked.count(b"/mnt/nfs") == 1
    assert spent < 1.5

    answers.set()
    time.sleep(0.1)
    third = {fs.name: fs for fs in mounts.read()}
    assert third["/mnt/nfs"].used_percent is not None


def test_a_mount_that_refuses_is_unknown(proc: Path) -> None:
    def ask(point: bytes) -> os.statvfs_result:
        raise PermissionError(point)

    found = Mounts(proc, ask=ask).read()

    assert {(fs.used_percent, fs.is_refused) for fs in found} == {(None, True)}
