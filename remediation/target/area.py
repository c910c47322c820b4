"""A folder whose old files may go, as the team lists it, and one file of it, exactly.

Standard library only: the gate reads its own list into the same words.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

DEEPEST: Final = 8
"""Levels of sub-folders that an area may look into."""
YOUNGEST: Final = timedelta(hours=1)
"""What was written to since is never old enough."""

_NAME_BYTES: Final = 255
_PATH_CHARACTERS: Final = 1000
# Nothing at or below these is ever litter.
_SYSTEM: Final = (
    *("/etc", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/boot"),
    *("/proc", "/sys", "/dev", "/run", "/var/run"),
)
_DATA: Final = tuple(
    f"/var/lib/{name}"
    for name in (
        *("apt", "containerd", "countersign", "docker", "dpkg", "rpm", "systemd"),
        *("cassandra", "clickhouse", "couchdb", "elasticsearch", "etcd", "influxdb"),
        *("ceph", "grafana", "kubelet", "lxc", "lxd", "machines"),
        *("kafka", "ldap", "libvirt", "mariadb", "mongodb", "mysql", "neo4j"),
        *("opensearch", "pgsql", "postgresql", "prometheus", "rabbitmq", "redis"),
        *("valkey", "zookeeper"),
    )
)
# These hold everything; a folder below them may be listed.
_TOO_WIDE: Final = frozenset(
    {"/", "/home", "/root", "/var", "/var/lib", "/var/cache", "/var/spool"}
    | {"/srv", "/opt", "/mnt", "/media"}
)
# A pattern that takes one of these takes what is no litter anywhere.
_NO_LITTER: Final = (
    *("passwd", "id_rsa", "main.py", "index.html", "data.db", "ibdata1"),
    *("PG_VERSION", "000000010000000000000001", "mysql-bin.000001", "dump.rdb"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIdentity:
    """One file as it was listed. path: below the area's folder.

    mtime_ns: last written to, as whoever made the file may say. ctime_ns: last written to,
    put there, renamed or given away, as the kernel says.
    """

    path: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A folder, and which of its files may go.

    folder: absolute. files: patterns of whole file names (fnmatch, case counts).
    older_than: since a file was last written to. depth: levels of sub-folders that are
    looked into, 0 for none. untouched: since anything at all was done to a file: one that
    was restored a moment ago may carry a time of last year.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    older_than: timedelta
    depth: int = 0
    untouched: timedelta = YOUNGEST

    def is_young(self, written: float, touched: float) -> bool:
        """Say whether a file is too young to go now, by its two times in seconds."""
        now = time.time()
        return (
            now - written < self.older_than.total_seconds()
            or now - touched < self.untouched.total_seconds()
        )

    def has(self, path: str) -> bool:
        """Say whether a file at this path below the folder may go once it is old."""
        try:
            *above, name = parts_of(path)
        except ValueError:
            return False
        return len(above) <= self.depth and self.takes(name)

    def takes(self, name: str) -> bool:
        """Say whether a file of this name may go once it is old."""
        return any(fnmatchcase(name, pattern) for pattern in self.files)


def parts_of(path: str) -> tuple[str, ...]:
    """Return the names of a relative path; raise `ValueError` for any other text."""
    parts = tuple(path.split("/"))
    if len(path) > _PATH_CHARACTERS or not all(map(_is_name, parts)):
        raise ValueError("a plain path below the folder was expected")
    return parts


def wrong_folder(folder: str) -> str | None:
    """Say why nothing may be cleaned in this folder, or None."""
    if not folder.startswith("/") or not (folder.isascii() and folder.isprintable()):
        return "an absolute path in plain characters was expected"
    if folder in _TOO_WIDE:
        return f"{folder} holds too much; name the folder with the old files"
    try:
        parts_of(folder.removeprefix("/"))
    except ValueError:
        return "a plain path was expected, without .., // or a / at its end"
    for kept in (*_SYSTEM, *_DATA):
        if folder == kept or folder.startswith(f"{kept}/"):
            return f"nothing at or below {kept} is ever cleaned"
    return None


def wrong_pattern(pattern: str) -> str | None:
    """Say why this is no pattern for files that may go, or None."""
    if not pattern or "/" in pattern or len(pattern) > _NAME_BYTES:
        return "a pattern of a file's name was expected, such as *.gz"
    taken = next((name for name in _NO_LITTER if fnmatchcase(name, pattern)), None)
    if taken is not None:
        return f"{pattern} is too wide: it would take {taken} as well"
    return None


def in_words(size: int) -> str:
    """Say an amount of bytes: `999 B`, `1.2 GB`, `37 MB`."""
    amount, step = float(size), 0
    names = ("B", "KB", "MB", "GB", "TB")
    while abs(amount) >= 1000 and step < len(names) - 1:
        amount, step = amount / 1000, step + 1
    digits = 1 if step and abs(amount) < 10 else 0
    return f"{amount:.{digits}f} {names[step]}"


def age_in_words(span: timedelta) -> str:
    """Say a span in whole days, or in hours where it is shorter."""
    count, unit = span // timedelta(days=1), "day"
    if span % timedelta(days=1):
        count, unit = span // timedelta(hours=1), "hour"
    return f"{count} {unit}" + ("" if count == 1 else "s")


def counted(count: int) -> str:
    """Say a number of files."""
    return "1 file" if count == 1 else f"{count} files"


def _is_name(part: str) -> bool:
    if part in ("", ".", "..") or "\0" in part:
        return False
    return len(part.encode(errors="surrogateescape")) <= _NAME_BYTES


class Spared(StrEnum):
    """Why a file was left."""

    GONE = "gone already"
    CHANGED = "changed since it was listed"
    LINKED = "with another name"
    YOUNG = "too young"
    IN_USE = "in use"
    NO_LEASE = "on a file system that does not tell who uses it"
    OTHER_MOUNT = "on another mount"
    NOT_LISTED = "not in the list"
    DENIED = "not permitted"
    FAILED = "the file system failed"
    HALTED = "not reached"
