"""What lies in an area and may go: counted, bounded, nothing opened and nothing touched.

Standard library only. What cannot be shown exactly cannot be approved exactly, so a
file whose name is not printable ASCII is left and counted.
"""

import os
import stat
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from remediation.acts.folder import Held, OtherMount, holding, inside
from remediation.printable import printable
from remediation.target.area import Area, FileIdentity, parts_of

MOST_FILES: Final = 500
"""Files of one action: the largest; what is beyond them is said."""

_MOST_ENTRIES: Final = 50_000
_LONGEST: Final = timedelta(seconds=3)
_SHOWN: Final = 1000
_AWAY: Final = "on another mount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clutter:
    """What may go of an area, as it was at one instant.

    files: the largest first. beyond: how many more there are, beyond_bytes: of what size.
    spared: why others are left, with their number. trouble: why the area could not be
    looked at as a whole; empty where it could. closed: folders of the area in which this
    process's user may delete nothing, "" for the area's own.
    """

    area: Area
    files: tuple[FileIdentity, ...] = ()
    beyond: int = 0
    beyond_bytes: int = 0
    spared: tuple[tuple[str, int], ...] = ()
    trouble: str = ""
    closed: frozenset[str] = frozenset()

    @property
    def is_closed(self) -> bool:
        """Whether there are files, and this user may delete none of them."""
        folders = {file.path.rpartition("/")[0] for file in self.files}
        return bool(folders) and folders <= self.closed

    @property
    def size(self) -> int:
        """Bytes of the files, without what lies beyond."""
        return sum(file.size for file in self.files)


def clutter_of(area: Area, longest: timedelta = _LONGEST) -> Clutter:
    """List what may go; what cannot be looked at is said. Never raises.

    longest: what it may take; a file system that answers nothing may take for ever.
    """
    found = _Found(ends=time.monotonic() + longest.total_seconds())
    try:
        with holding(area.folder) as top:
            _walk(area, top, found)
    except OSError as error:
        found.trouble = f"{area.folder} cannot be looked at ({error.strerror})"
    ordered = sorted(found.files, key=lambda file: (-file.size, file.path))
    beyond = ordered[MOST_FILES:]
    return Clutter(
        area=area,
        files=tuple(ordered[:MOST_FILES]),
        beyond=len(beyond),
        beyond_bytes=sum(file.size for file in beyond),
        spared=tuple(sorted(found.spared.items())),
        trouble=found.trouble,
        closed=frozenset(found.closed),
    )


@dataclass(slots=True)
class _Found:
    """What a walk has met so far. ends: when it must be over, of the monotonic clock."""

    ends: float
    files: list[FileIdentity] = field(default_factory=list)
    spared: Counter[str] = field(default_factory=Counter)
    trouble: str = ""
    closed: set[str] = field(default_factory=set)
    entries: int = 0

    def is_enough(self) -> bool:
        """Count one entry; say whether the walk must end here."""
        self.entries += 1
        if self.entries <= _MOST_ENTRIES and time.monotonic() < self.ends:
            return False
        self.trouble = "there is more in it than was looked at"
        return True


def _walk(area: Area, top: Held, found: _Found) -> None:
    waiting: list[tuple[str, ...]] = [()]
    while waiting and not found.trouble:
        names = waiting.pop()
        try:
            with inside(top, names) as folder:
                waiting += _read(area, names, folder, found)
        except OtherMount:
            found.spared[_AWAY] += 1
        except OSError:
            # Without its folder the area is unknown; below it, others are not.
            if not names:
                raise
            found.spared["folders that cannot be read"] += 1


def _read(
    area: Area, names: tuple[str, ...], folder: Held, found: _Found
) -> Iterator[tuple[str, ...]]:
    """Note the files of one folder; yield its sub-folders, if they belong to the area."""
    descriptor = os.open(".", os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder.descriptor)
    try:
        # To delete is to write to the folder, whoever owns the file.
        if not os.access(
            ".", os.W_OK | os.X_OK, dir_fd=folder.descriptor, effective_ids=True
        ):
            found.closed.add("/".join(names))
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if found.is_enough():
                    return
                if folder.leads_away(entry.name):
                    found.spared[_AWAY] += 1
                elif entry.is_dir(follow_symlinks=False):
                    if len(names) < area.depth:
                        yield (*names, entry.name)
                elif area.takes(entry.name):
                    _note(area, "/".join((*names, entry.name)), entry, found)
    finally:
        os.close(descriptor)


def _note(area: Area, path: str, entry: os.DirEntry[str], found: _Found) -> None:
    try:
        seen = entry.stat(follow_symlinks=False)
    except OSError:  # gone meanwhile
        return
    if reason := _spared(area, path, seen):
        found.spared[reason] += 1
        return
    found.files.append(
        FileIdentity(
            path=path,
            device=seen.st_dev,
            inode=seen.st_ino,
            size=seen.st_size,
            mtime_ns=seen.st_mtime_ns,
            ctime_ns=seen.st_ctime_ns,
        )
    )


def _spared(area: Area, path: str, seen: os.stat_result) -> str:
    if not stat.S_ISREG(seen.st_mode):
        return "links and other things that are no files"
    if seen.st_nlink != 1:
        return "with another name"
    if area.is_young(seen.st_mtime, seen.st_ctime):
        return "too young"
    return "" if _is_plain(path) else "names that cannot be shown"


def _is_plain(path: str) -> bool:
    try:
        parts_of(path)
    except ValueError:
        return False
    return printable(path, limit=_SHOWN) == path
