"""The mounted file systems and how full they are; one that hangs stops nobody.

statvfs(2) on a dead NFS server never returns, so it runs in threads of its own: one
for all local file systems, one for each remote one. A thread that hangs is waited for
no longer than the deadline, is not started again while it hangs, and ends no program
later (it is a daemon).
"""

import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Final

from bot.kernel.roots import PROC
from remediation.printable import printable

DEADLINE: Final = timedelta(seconds=2)

# Real storage that has no device file; every other type without one is the kernel's.
_DEVICELESS: Final = frozenset({"tmpfs", "zfs", "btrfs", "bcachefs", "9p", "virtiofs"})
_REMOTE: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "lustre", "afs", "ocfs2"}
)
# Full by nature: images that cannot be written.
_IMAGES: Final = frozenset({"squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"})
# Since Linux 6.15 ext4 says so beside `rw`; before, an error turned it `ro`.
_GAVE_UP: Final = frozenset({b"emergency_ro", b"shutdown"})
_NOT_WRITABLE: Final = _GAVE_UP | {b"ro"}
_KERNEL: Final = ("/proc", "/sys", "/dev")
_OCTAL: Final = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One mount of mountinfo, see proc_pid_mountinfo(5). point: raw bytes.

    read_only: nothing can be written to the file system. gave_up: because the kernel
    stopped writing to it after an error.
    """

    point: bytes
    device: bytes
    kind: str
    source: bytes
    read_only: bool
    gave_up: bool = False

    @property
    def name(self) -> str:
        """The mount point, printable."""
        return printable(self.point)

    @property
    def remote(self) -> bool:
        """Whether another machine or a program answers for it."""
        return self.kind in _REMOTE or self.kind.startswith("fuse")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filesystem:
    """A file system in bytes as df(1) counts them: free is what users may still take.

    None everywhere: it did not answer in time or refused. is_refused: the bot may not look
    at it. inodes: none where it makes them as needed (btrfs), and then there is no
    percentage of them.
    """

    name: str
    kind: str
    read_only: bool
    is_refused: bool = False
    total_bytes: int | None = None
    free_bytes: int | None = None
    used_percent: float | None = None
    inodes: int | None = None
    free_inodes: int | None = None
    used_inodes_percent: float | None = None


class Mounts:
    """Measures all real file systems, each once however often it is mounted.

    ask: what measures one of them, by its mount point; may hang or raise `OSError`.
    """

    def __init__(
        self,
        proc: Path = PROC,
        deadline: timedelta = DEADLINE,
        ask: Callable[[bytes], os.statvfs_result] = os.statvfs,
    ) -> None:
        self._proc = proc
        self._deadline = deadline.total_seconds()
        self._ask = ask
        self._probes: dict[bytes, _Probe] = {}

    def read(self) -> tuple[Filesystem, ...]:
        """Return every real file system, by mount point; takes at most the deadline.

        Raises `OSError` where the list of mounts cannot be read.
        """
        mounts = real(parse((self._proc / "self/mountinfo").read_bytes()))
        groups: dict[bytes, list[Mount]] = {}
        for mount in mounts:
            groups.setdefault(mount.point if mount.remote else b"", []).append(mount)
        hanging = {key: p for key, p in self._probes.items() if p.is_alive()}
        started = {
            k: _Probe(g, self._ask) for k, g in groups.items() if k not in hanging
        }
        self._probes = hanging | started
        end = monotonic() + self._deadline
        found: dict[bytes, Filesystem] = {}
        for probe in started.values():
            probe.join(max(end - monotonic(), 0))
            found |= probe.found
        return tuple(found.get(mount.point, _unknown(mount)) for mount in mounts)


class _Probe(threading.Thread):
    def __init__(
        self, mounts: Sequence[Mount], ask: Callable[[bytes], os.statvfs_result]
    ) -> None:
        super().__init__(daemon=True, name="statvfs")
        self._mounts = mounts
        self._ask = ask
        self._found: Mapping[bytes, Filesystem] = {}
        self.start()

    @property
    def found(self) -> Mapping[bytes, Filesystem]:
        """What has answered by now."""
        return self._found

    def run(self) -> None:
        for mount in self._mounts:
            self._found = {**self._found, mount.point: self._measure(mount)}

    def _measure(self, mount: Mount) -> Filesystem:
        try:
            return _measured(mount, self._ask(mount.point))
        except PermissionError:
            return replace(_unknown(mount), is_refused=True)
        except OSError:
            return _unknown(mount)


def parse(text: bytes) -> list[Mount]:
    """Parse mountinfo; of mounts on the same point the last one hides the others."""
    found: dict[bytes, Mount] = {}
    for line in text.splitlines():
        before, _, after = line.partition(b" - ")
        _, _, device, _, point, *_ = before.split(b" ")
        kind, source, options = after.split(b" ", 2)
        flags = set(options.split(b","))
        point = _OCTAL.sub(lambda code: bytes([int(code[1], 8)]), point)
        found.pop(point, None)
        found[point] = Mount(
            point=point,
            device=device,
            kind=printable(kind),
            source=source,
            # Of the file system itself. What this mount permits is about us: systemd's
            # ProtectSystem makes every mount read-only for the bot, and disks still fill.
            read_only=not flags.isdisjoint(_NOT_WRITABLE),
            gave_up=not flags.isdisjoint(_GAVE_UP),
        )
    return list(found.values())


def real(mounts: Iterable[Mount]) -> list[Mount]:
    """Keep real storage, each device once at its shortest mount point, by name."""
    kept: dict[bytes, Mount] = {}
    for mount in sorted(mounts, key=lambda m: (len(m.point), m.point)):
        if _is_real(mount):
            kept.setdefault(mount.device, mount)
    return sorted(kept.values(), key=lambda mount: mount.name)


def _is_real(mount: Mount) -> bool:
    if mount.kind in _IMAGES or (_is_kernels(mount.name) and mount.name != "/dev/shm"):  # noqa: S108 (a mount point, nothing is written there)
        return False
    if mount.kind == "overlay":
        # A container's view of a disk that is mounted elsewhere, except its own root.
        return mount.name == "/"
    return (
        mount.remote or mount.kind in _DEVICELESS or mount.source.startswith(b"/dev/")
    )


def _is_kernels(name: str) -> bool:
    return name.startswith(tuple(f"{top}/" for top in _KERNEL)) or name in _KERNEL


def _measured(mount: Mount, found: os.statvfs_result) -> Filesystem:
    used = found.f_blocks - found.f_bfree
    usable = used + found.f_bavail  # without the blocks kept for root, as df(1)
    named = max(found.f_files - found.f_ffree, 0)
    nameable = named + found.f_favail
    return Filesystem(
        name=mount.name,
        kind=mount.kind,
        read_only=mount.read_only,
        total_bytes=found.f_blocks * found.f_frsize,
        free_bytes=found.f_bavail * found.f_frsize,
        used_percent=100 * used / usable if usable else None,
        inodes=found.f_files,
        free_inodes=found.f_favail,
        used_inodes_percent=100 * named / nameable if nameable else None,
    )


def _unknown(mount: Mount) -> Filesystem:
    return Filesystem(name=mount.name, kind=mount.kind, read_only=mount.read_only)
