"""Whether the bot sees a host, or only the inside of a container, which is nobody's host.

Asked once at the start (`bot/wiring/parts.py`) and by the doctor. What a container shows
of /proc is its own few processes beside some figures of the whole machine: no detector
can judge by that. A machine with an init of its own (LXC, systemd-nspawn, a virtual
machine) is a host, whatever it runs in.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.kernel.roots import PROC
from remediation.target.cgroup import Place
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Unobservable

NOTHING: Final = Path("/proc/countersign-sees-no-host")
"""Where an unseen host's /proc is said to be: it does not exist, so nothing is read."""

_FIRST: Final = "pid:[4026531836]"  # PROC_PID_INIT_INO, include/linux/proc_ns.h
_INITS: Final = frozenset({"init", "systemd"})


@dataclass(frozen=True, slots=True)
class NoFacts:
    """Processes of a host that is not seen: none can be looked at, so none acted on."""

    why: str

    def read(self, pid: int) -> ProcessFacts:
        """Raise `Unobservable`."""
        raise Unobservable(f"pid {pid} is not looked at: {self.why}")

    def place(self, pid: int, start_ticks: int) -> Place | None:
        """Return None."""
        del pid, start_ticks
        return None

    def descendants(self, pid: int) -> tuple[ProcessFacts, ...]:
        """Return nobody."""
        del pid
        return ()


def sees_a_host(proc: Path = PROC) -> bool:
    """Say whether the bot's pid namespace is the kernel's first, or has a real init."""
    try:
        if str((proc / "self/ns/pid").readlink()) == _FIRST:
            return True
        return (proc / "1/comm").read_text().strip() in _INITS
    except OSError:
        return False


def not_watched(why: str) -> str:
    """Return the sentence for people. why: what `unseen` returned."""
    return (
        f"This host is not watched: {why}. Figures and processes are off, services and "
        "addresses are looked after."
    )


def unseen(*, wanted: bool | None, container: str | None, proc: Path = PROC) -> str:
    """Return why this host is not watched, "" where it is.

    wanted: `watch_host` of the configuration, which decides where it is given.
    container: what the variable of that name says; images and container managers set
    it. A container that nobody calls one is watched: a shell in it is somebody's machine.
    """
    if wanted is not None:
        return "" if wanted else "watch_host is off"
    if container is None or sees_a_host(proc):
        return ""
    return "this container sees its own processes only"
