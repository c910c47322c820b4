"""What keeps a villain harmless: an end after ten minutes, no privileges, last in line."""

import os
import pwd
import resource
import signal

MINUTES = 10
_NICE = 5
"""Not so far back that its trouble is let be (`POLITE` in `bot/detectors/`)."""


def restrain() -> None:
    """Arm the end, give privileges away, step back for everybody else.

    The alarm survives execve() and its default action ends the process; the CPU
    limit ends it even if it blocks the alarm.
    """
    cores = os.cpu_count() or 1
    signal.alarm(MINUTES * 60)
    seconds = MINUTES * 60 * cores
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    os.nice(_NICE)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
