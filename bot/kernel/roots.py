"""Where the kernel's files are, and how one of them is read: whole, and never too much."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
SYS: Final = Path("/sys")
_PAGE: Final = 16384
_LARGEST: Final = 1 << 20
_NEARLY_A_PAGE: Final = 3072
"""The kernel gives lists in pieces of whole lines: so long a one may not be the last."""


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
        text = more = os.read(file, _PAGE)
        while len(more) >= _NEARLY_A_PAGE and len(text) < _LARGEST:
            more = os.read(file, _LARGEST)
            text += more
        return text
    finally:
        os.close(file)
