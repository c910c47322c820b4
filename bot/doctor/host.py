"""What this machine lets the bot see and do."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.config.environment import Environment
from bot.config.settings import Settings
from bot.host.enclosure import not_watched, sees_a_host, unseen
from bot.runtime.checkup import Finding, fail, fine, warn
from remediation.target.identity import pidfd_inodes_are_unique

_CAP_KILL = 5
_CAP_SYS_PTRACE = 19
_MEND = (
    "Run it on the host, or give the container the host's processes (`pid: host`, "
    "deploy/compose.host.yaml)"
)


def checks(environment: Environment, settings: Settings | None) -> Iterator[Finding]:
    """Look at the kernel, the rights and whether there is a host to be seen."""
    yield _python()
    yield from _kernel()
    yield _user()
    yield _sight()
    yield _rights()
    yield _namespace(environment, settings)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return fine("python", version)


def _kernel() -> Iterator[Finding]:
    release = os.uname().release
    if not hasattr(os, "pidfd_open"):
        yield fail("kernel", f"{release} has no pidfd, so nothing can be killed safely")
        return
    if pidfd_inodes_are_unique():
        yield fine("kernel", f"{release}: every process has a number of its own")
    else:
        yield warn(
            "kernel",
            f"{release} is older than 6.9: identities rest on pid, start time, image "
            "and owner. A pid reused within 10 ms could pass; cards say so",
        )


def _user() -> Finding:
    if os.geteuid() != 0:
        return fine("user", f"uid {os.geteuid()}")
    return warn(
        "user",
        "runs as root: a mistake in it is root's mistake. Give it a user of its own "
        "with CAP_KILL and CAP_SYS_PTRACE (see deploy/)",
    )


def _sight() -> Finding:
    mounts = Path("/proc/mounts").read_text(errors="replace").splitlines()
    proc = next((line for line in mounts if " /proc proc " in line), "")
    hidden = "hidepid=2" in proc or "hidepid=invisible" in proc
    if hidden and os.geteuid() != 0:
        return fail(
            "processes",
            "/proc is mounted with hidepid: other users' processes are invisible. "
            "Add the bot's user to the group named by gid= there",
        )
    count = sum(1 for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return fine("processes", f"{count} are visible")


def _rights() -> Finding:
    held = _capabilities()
    missing = [
        name
        for name, bit in (("CAP_KILL", _CAP_KILL), ("CAP_SYS_PTRACE", _CAP_SYS_PTRACE))
        if not held >> bit & 1
    ]
    if not missing:
        return fine("rights", "may look at and signal processes of other users")
    return warn(
        "rights",
        f"without {' and '.join(missing)} only the bot's own user's processes can be "
        "acted on; cards name the missing right. Set up the gate (deploy/README.md) or "
        "grant them in the service unit",
    )


def _capabilities() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def _namespace(environment: Environment, settings: Settings | None) -> Finding:
    wanted = settings.watch_host if settings else None
    if wanted is False:
        return fine("host", not_watched(unseen(wanted=False, container=None)))
    if why := unseen(wanted=wanted, container=environment.container):
        return warn("host", f"{not_watched(why)} {_MEND}")
    if sees_a_host():
        return fine("host", "sees the processes of the whole machine")
    return warn(
        "host",
        "this looks like a container without the host's processes, and nothing says so: "
        "its own processes are watched as if they were a host's. " + _MEND,
    )
