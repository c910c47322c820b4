"""Whose a process is, cheaply: its unit, its account, what it runs.

For questions about many processes at once. What a person decides on is read with care by
`remediation/target/facts.py`, which asks systemd too and takes many times as long.
"""

from dataclasses import dataclass
from typing import Final

from remediation.printable import printable
from remediation.target import cgroup, procfs
from remediation.target.facts import account

_PATH_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """unit: of the system manager. exe: "" where it runs no file or hides it."""

    unit: str | None
    user: str
    exe: str


def whereabouts(pid: int) -> Whereabouts | None:
    """Read them; None where the process has ended or is hidden."""
    try:
        unit = cgroup.place(pid).unit
        user = account((procfs.PROC / str(pid)).stat().st_uid)
    except (OSError, ValueError):
        return None
    return Whereabouts(unit=unit, user=user, exe=_exe(pid))


def _exe(pid: int) -> str:
    try:
        path = (procfs.PROC / str(pid) / "exe").readlink()
    except OSError:
        return ""
    return printable(str(path), limit=_PATH_LIMIT)
