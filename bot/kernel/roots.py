"""Where the kernel's files are, and how one of them is read: whole, and never too much."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
SYS: Final = Path("/sys")
_PAGE: Final = 16384
_LARGEST: Final = 1 << 20
_LONGEST: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Roots:
    """proc, sys: where /proc and /sys are."""

    proc: Path = PROC
    sys: Path = SYS


def read_file(path: str | Path, folder: int | None = None) -> bytes:
    """Return a small file of the kernel's, at most a mebibyte of it; raise `OSError`.

    folder: a file descriptor that a relative path begins at.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
    try:
        text = os.read(file, _PAGE)
        while len(text) % 4096 == 0 and text and len(text) < _LARGEST:
            more = os.read(file, _LARGEST)
            if not more:
                break
            text += more
        return text
    finally:
        os.close(file)


def read_list(path: Path) -> bytes:
    """Return a file with a line for each of many things, at most 16 MiB; raise `OSError`.

    The kernel gives it in pieces of whole lines, of any length: only an empty one ends it.
    """
    text = bytearray()
    with path.open("rb", buffering=0) as file:
        while len(text) < _LONGEST and (more := file.read(_LARGEST)):
            text += more
    return bytes(text)
