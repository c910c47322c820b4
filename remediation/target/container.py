"""What people call a container, from what its runtime leaves where others may read it.

Names are shown and decide nothing. Podman's monitor bears the name in its arguments, the
kubelet in the names of its log files; Docker keeps it in a file of root's, so it takes a
bot, or a gate, that may read those.
"""

import json
import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final

from remediation.printable import printable
from remediation.target import procfs

_ROOT: Final = Path("/")
_MONITOR: Final = b"conmon"
_LIMIT: Final = 100
_BYTES: Final = 1_000_000
"""A container's configuration is some 10 KB."""
_LOGS: Final = 10_000
"""So many log files are looked through; a node runs some hundred containers."""


def name_of(container: str, ancestors: Iterable[int], root: Path = _ROOT) -> str:
    """Return the container's name, printable; "" where nobody tells it.

    container: its id. ancestors: pids of the parents of a process that lives in it.
    root: below which the runtimes keep what they keep.
    """
    found = (
        _by_monitor(container, ancestors)
        or _by_docker(container, root)
        or _by_kubelet(container, root)
    )
    return printable(found, limit=_LIMIT)


def _by_monitor(container: str, ancestors: Iterable[int]) -> str:
    for pid in ancestors:
        try:
            if procfs.stat(pid).comm != _MONITOR:
                continue
            argv, _ = procfs.argv(pid)
        except OSError:
            continue
        words = [word.decode(errors="replace") for word in argv]
        if container in (_after(words, "-c"), _after(words, "--cid")):
            return _after(words, "-n") or _after(words, "--name")
    return ""


def _after(words: list[str], option: str) -> str:
    at = words.index(option) + 1 if option in words else len(words)
    return words[at] if at < len(words) else ""


def _by_docker(container: str, root: Path) -> str:
    # The id is 64 hexadecimal digits or an LXC name, never a path.
    place = root / "var/lib/docker/containers" / container.replace("/", "_")
    try:
        with (place / "config.v2.json").open("rb") as file:
            kept = json.loads(file.read(_BYTES))
    except (OSError, ValueError, RecursionError):
        return ""
    name = kept.get("Name") if isinstance(kept, dict) else None
    return name.lstrip("/") if isinstance(name, str) else ""


def _by_kubelet(container: str, root: Path) -> str:
    """Read POD_NAMESPACE_CONTAINER-ID.log, a link that the kubelet makes for each."""
    try:
        with os.scandir(root / "var/log/containers") as entries:
            names = [entry.name for entry in islice(entries, _LOGS)]
    except OSError:
        return ""
    ending = f"-{container}.log"
    told = next((name for name in names if name.endswith(ending)), "")
    pod, _, rest = told.removesuffix(ending).partition("_")
    namespace, _, inside = rest.partition("_")
    return f"{namespace}/{pod}/{inside}" if inside else ""
