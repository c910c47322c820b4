"""The only place that runs other programs to learn something; `gate/systemctl.py` is the gate's own.

Argument lists only, absolute programs, a deadline, a clean environment, bounded
output. Nothing here changes the machine.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

DEADLINE: Final = timedelta(seconds=2)
SYSTEMCTL: Final = Path("/usr/bin/systemctl")

_SYSTEMD_RUNS: Final = Path("/run/systemd/system")  # sd_booted(3)
_OUTPUT_BYTES: Final = 1024 * 1024
ENVIRONMENT: Final = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "SYSTEMD_COLORS": "0",
    "SYSTEMD_PAGER": "",
}
"""What a program that we run finds, and nothing else."""


class ProgramFailed(Exception):
    """A program gave no answer; its text says which and why, without the program's own words."""


def output(
    program: Path,
    *arguments: str,
    timeout: timedelta = DEADLINE,
    limit_bytes: int = _OUTPUT_BYTES,
) -> str:
    """Run a read-only program and return the first bytes of what it prints.

    Bytes that are not UTF-8 come as U+FFFD. Raises `ProgramFailed` when it is missing,
    takes longer than `timeout` or ends with a status other than 0, and `ValueError`
    for a program that is not named by its absolute path.
    """
    if not program.is_absolute():
        raise ValueError(f"{program} is not an absolute path")
    # A file, not a pipe: what is printed beyond the limit costs no memory here.
    with TemporaryFile() as printed:
        try:
            subprocess.run(
                [str(program), *arguments],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.DEVNULL,
                timeout=timeout.total_seconds(),
                env=ENVIRONMENT,
                cwd="/",
            )
        except subprocess.TimeoutExpired as error:
            seconds = timeout.total_seconds()
            raise ProgramFailed(
                f"{program} gave no answer within {seconds:g} s"
            ) from error
        except subprocess.CalledProcessError as error:
            raise ProgramFailed(
                f"{program} failed with status {error.returncode}"
            ) from error
        except OSError as error:
            raise ProgramFailed(f"{program} could not be started") from error
        printed.seek(0)
        return printed.read(limit_bytes).decode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartSetting:
    """What systemd would do about a unit's end.

    main_pid: 0 when it has none. restart: the value of `Restart=`.
    """

    main_pid: int
    restart: str


def restart_setting(unit: str, *, systemctl: Path = SYSTEMCTL) -> RestartSetting:
    """Ask systemd about a unit; raises `ProgramFailed`."""
    text = output(systemctl, "show", "--property=MainPID,Restart", "--", unit)
    values = dict(_pairs(text.splitlines()))
    main_pid = values.get("MainPID", "0")
    return RestartSetting(
        main_pid=int(main_pid) if main_pid.isdecimal() else 0,
        restart=values.get("Restart", "no"),
    )


def systemd_runs() -> bool:
    """Say whether systemd manages this machine."""
    return _SYSTEMD_RUNS.is_dir()


def _pairs(lines: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]
