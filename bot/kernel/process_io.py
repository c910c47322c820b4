"""/proc/PID/io: what each process has read from disks and written to them; proc(5).

Of other people's processes only root may read it: what is hidden is left out.
"""

import re
from collections.abc import Mapping
from typing import Final

from bot.kernel.roots import Roots, read_file

_BYTES: Final = re.compile(rb"^(?:read|write)_bytes: (\d+)$", re.MULTILINE)


def read(roots: Roots) -> Mapping[int, int]:
    """Return the bytes that each process moved since it began, by pid."""
    found = {}
    for folder in roots.proc.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            text = read_file(f"{folder}/io")
        except OSError:
            continue
        found[int(folder.name)] = sum(map(int, _BYTES.findall(text)))
    return found


def is_hidden(roots: Roots) -> bool:
    """Say whether the kernel hides it of root's processes, as of the first one."""
    try:
        read_file(roots.proc / "1/io")
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
