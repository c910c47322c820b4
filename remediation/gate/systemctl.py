"""The gate's door to systemctl: the only place that runs a program which changes something.

Five verbs, one service, argument lists only, the absolute program, a clean environment,
a deadline, bounded output. Standard library only.
"""

import subprocess
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from remediation import programs
from remediation.printable import printable
from remediation.target.unit import is_service_name

_SAID_BYTES: Final = 2000
_SAID_LIMIT: Final = 300
_SHOWN: Final = (
    *("Id", "Names", "LoadState", "ActiveState", "InvocationID", "ControlGroup"),
    *("RequiredBy", "BoundBy", "ConsistsOf"),
)


class JobVerb(StrEnum):
    """What may be done to a service."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    RELOAD = "reload"
    RESET_FAILED = "reset-failed"


class NotDone(Exception):
    """systemctl did not do it; its text says what it said, printable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow:
    """A service as systemctl shows it. names: its own and every alias.

    invocation: in hex, empty where it never ran in this boot. needed_by: what stops
    when it stops.
    """

    name: str
    names: tuple[str, ...]
    load: str
    active: str
    invocation: str
    cgroup: str
    needed_by: tuple[str, ...]


def show(name: str, *, systemctl: Path = programs.SYSTEMCTL) -> UnitRow:
    """Ask how a service stands; raise `NotDone` when systemctl gives no answer."""
    _grammar(name)
    wanted = f"--property={','.join(_SHOWN)}"
    try:
        text = programs.output(systemctl, "show", wanted, "--", name)
    except programs.ProgramFailed as failed:
        raise NotDone(str(failed)) from failed
    values = dict(line.partition("=")[::2] for line in text.splitlines())

    def names(*keys: str) -> tuple[str, ...]:
        return tuple(word for key in keys for word in values.get(key, "").split())

    return UnitRow(
        name=values.get("Id", ""),
        names=names("Names"),
        load=values.get("LoadState", ""),
        active=values.get("ActiveState", ""),
        invocation=values.get("InvocationID", ""),
        cgroup=values.get("ControlGroup", ""),
        needed_by=names("RequiredBy", "BoundBy", "ConsistsOf"),
    )


def run(
    verb: JobVerb,
    name: str,
    *,
    deadline: timedelta,
    systemctl: Path = programs.SYSTEMCTL,
) -> bool:
    """Do it and wait; say whether it ended in time. systemd goes on with what did not.

    Raises `NotDone`.
    """
    _grammar(name)
    # "fail": a job that somebody else has queued is not thrown out for ours.
    mode = () if verb is JobVerb.RESET_FAILED else ("--job-mode=fail",)
    with TemporaryFile() as said:
        try:
            subprocess.run(
                [str(systemctl), verb.value, *mode, "--no-ask-password", "--", name],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=deadline.total_seconds(),
                env=programs.ENVIRONMENT,
                cwd="/",
            )
        except subprocess.TimeoutExpired:
            return False
        except subprocess.CalledProcessError as failed:
            raise NotDone(_first_line(said, failed.returncode)) from failed
        except OSError as error:
            raise NotDone(f"{systemctl} could not be started") from error
    return True


def _first_line(said: IO[bytes], status: int) -> str:
    said.seek(0)
    line = said.read(_SAID_BYTES).partition(b"\n")[0].strip()
    words = printable(line, limit=_SAID_LIMIT)
    return f"systemctl says: {words}" if words else f"systemctl failed ({status})"


def _grammar(name: str) -> None:
    if not is_service_name(name):
        raise NotDone(f"{printable(name, limit=80)} is no name of one service")
