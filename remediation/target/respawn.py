"""Who would start a process again if it died: a supervisor above it, or systemd."""

import re
from pathlib import Path
from typing import Final

from remediation import programs
from remediation.printable import printable
from remediation.target import cmdline, procfs

# Supervisors, a user's own systemd, and masters that start their workers again; by
# executable or (for scripts) script name.
_SUPERVISORS: Final = re.compile(
    r"supervisord|runsv|s6-supervise|supervise|supervise-daemon|monit|circusd|god|"
    r"systemd|forever|nodemon|immortal|perpd|gunicorn|uwsgi|php-fpm[\d.]*|nginx|"
    r"apache2|httpd|celery|unicorn|puma|haproxy|pm2"
)
_WRAPPERS: Final = re.compile(
    r"(?:ba|da|k|z|a)?sh|sudo|su|env|nice|ionice|timeout|setuidgid|chpst|gosu|"
    r"s6-setuidgid|envdir|flock"
)
# pm2 names itself so; its executable is node.
_PM2: Final = re.compile(rb"PM2 v[\d.]+: God")


def supervisor(ancestors: tuple[int, ...]) -> str | None:
    """Name the ancestor that is known to start again what ends below it, or None.

    ancestors: pids, nearest first. That is the parent, or the one above it where only
    wrappers lie between, which end with what they wrap. A shell loop or an unknown
    supervisor cannot be known; `aftermath.successor` sees it afterwards.
    """
    for pid in ancestors:
        if pid == 1:  # as systemd it is asked for the unit
            return None
        try:
            names = _names(pid)
        except OSError:  # gone, or not ours to look at
            return None
        for name in names:
            if _SUPERVISORS.fullmatch(name):
                return f"{printable(name, limit=60)} (pid {pid})"
        if not any(map(_WRAPPERS.fullmatch, names)):
            return None
    return None


def unit_restarts(
    pid: int, unit: str | None, *, systemctl: Path = programs.SYSTEMCTL
) -> str | None:
    """Say that systemd starts the unit again whose main process this is, or None.

    When systemd gives no answer in time, nobody is named.
    """
    if unit is None or not unit.endswith(".service"):
        return None
    try:
        setting = programs.restart_setting(unit, systemctl=systemctl)
    except programs.ProgramFailed:
        return None
    if setting.main_pid != pid or setting.restart == "no":
        return None
    return f"systemd ({unit}, Restart={printable(setting.restart, limit=20)})"


def _names(pid: int) -> list[str]:
    """Return under which names a program may be known: executable, script, pm2."""
    file = procfs.executable(pid)
    if file is None:
        return []
    words, _ = procfs.argv(pid)
    if words and _PM2.match(words[0]):
        return ["pm2"]
    script = cmdline.script_of(cmdline.label(file.path, words))
    program = cmdline.basename(file.path).removesuffix(" (deleted)")
    return [program] if script is None else [program, script]
