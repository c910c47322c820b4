"""/proc/pressure: time that tasks lost waiting; Documentation/accounting/psi.rst."""

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.kernel.roots import Roots, read_file
from bot.ports import NotTold

RESOURCES: Final = ("cpu", "memory", "io")
_LINE: Final = re.compile(
    rb"^(some|full) avg10=(\d{1,3}\.\d+) avg60=(\d{1,3}\.\d+) ", re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalls:
    """Percent of the last 10 or 60 s in which some tasks, or all at once, waited."""

    some_10: float
    some_60: float
    full_10: float
    full_60: float


def read(roots: Roots) -> Mapping[str, Stalls]:
    """Return the stalls by resource: `cpu`, `memory`, `io`.

    Raises `NotTold` where the kernel could measure them and was told not to.
    """
    return {name: _read(roots, name) for name in RESOURCES}


def _read(roots: Roots, name: str) -> Stalls:
    try:
        text = read_file(roots.proc / "pressure" / name)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        raise NotTold("pressure (PSI) is switched off in this kernel") from error
    found = {
        kind: (min(float(ten), 100.0), min(float(sixty), 100.0))
        for kind, ten, sixty in _LINE.findall(text)
    }
    if b"some" not in found:
        raise ValueError(f"/proc/pressure/{name} holds no figures")
    # The CPU's has no second line before Linux 5.13.
    some, full = found[b"some"], found.get(b"full", (0.0, 0.0))
    return Stalls(some_10=some[0], some_60=some[1], full_10=full[0], full_60=full[1])
