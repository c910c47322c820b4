"""Which service exactly, and how it stands, as its manager tells.

A unit's name stays the same while what runs under it is started anew; an identity
therefore also holds the invocation, which every start changes. An approval is bound to
it as it is to a process's identity.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from signal import Signals
from typing import Final

# systemd.unit(5): the characters of a name; a template ("name@.service") has no instance.
_SERVICE: Final = re.compile(
    r"(?!.{256})[A-Za-z0-9:_.\\-]+(?:@[A-Za-z0-9:_.\\-]+)?\.service"
)
# systemd-logind(8), user@.service(5): what somebody runs who is logged in.
_LOGIN: Final = re.compile(r"session-.*\.scope|user@.*\.service|init\.scope")

START_LIMIT_HIT: Final = "start-limit-hit"

_CAUSES: Final = {
    START_LIMIT_HIT: "was started too often in too short a time (start-limit-hit)",
    "timeout": "did not start or stop in time",
    "oom-kill": "was killed because memory ran out",
    "watchdog": "gave no sign of life to its watchdog",
    "protocol": "did not report that it was ready",
    "resources": "could not be set up (resources)",
    "exec-condition": "its condition said no",
}
# waitid(2): CLD_EXITED, CLD_KILLED, CLD_DUMPED.
_EXITED: Final = 1
_SIGNALLED: Final = frozenset({2, 3})


class Verb(StrEnum):
    """What can be asked of a service's manager."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    RELOAD = "reload"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitIdentity:
    """One invocation of one service of one boot of one host.

    name: the canonical name, never an alias. invocation: what its manager calls this
    start of it (systemd's InvocationID in hex); empty where it never ran in this boot.
    """

    boot_id: str
    name: str
    invocation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """A service as it is this second. Every text is printable, one line.

    names: its canonical name and every alias. load: loaded, not-found, masked, error,
    bad-setting. active: active, reloading, inactive, failed, activating, deactivating.
    sub: the manager's finer state. result: why it ended last ("success", "exit-code").
    type: simple, forking, oneshot, notify … exit_code, exit_status: of the main
    process's last end, as waitid(2) tells. restarts: automatic ones since a person last
    started it. restart: when it is started again by itself ("no", "on-failure").
    needed_by: units that stop when it stops. enabled: as of its unit file ("enabled",
    "static"). file, drop_ins: where it is defined. stale: its file changed after it was
    read. can_reload, may_start, may_stop: what its definition allows.
    burst, interval: its start limit, this many starts in this time; burst 0 is none.
    last_start: its newest start by the monotonic clock, in seconds; None before the first.
    changed_at: when its state changed last. denied: what whoever acts there would not do,
    each with the reason; empty where nobody was asked. What has a default is what a manager may not
    tell; what decides whether it may be operated has none.
    """

    identity: UnitIdentity
    names: tuple[str, ...]
    description: str = ""
    load: str
    active: str
    sub: str
    result: str
    type: str
    main_pid: int = 0
    exit_code: int = 0
    exit_status: int = 0
    restarts: int = 0
    restart: str = ""
    enabled: str = ""
    cgroup: str = ""
    needed_by: tuple[str, ...] = ()
    file: str = ""
    drop_ins: tuple[str, ...] = ()
    stale: bool = False
    can_reload: bool
    may_start: bool
    may_stop: bool
    burst: int = 0
    interval: timedelta = timedelta(0)
    start_timeout: timedelta | None = None
    stop_timeout: timedelta | None = None
    last_start: float | None = None
    changed_at: datetime | None = None
    denied: tuple[tuple[Verb, str], ...] = ()

    @property
    def name(self) -> str:
        """Its canonical name."""
        return self.identity.name

    @property
    def is_running(self) -> bool:
        """Whether it runs and is not about to end or to be started."""
        return self.active in ("active", "reloading")

    @property
    def is_down(self) -> bool:
        """Whether nothing of it runs and nothing is being done about it."""
        return self.active in ("inactive", "failed")

    @property
    def gave_up(self) -> bool:
        """Whether its manager tried to start it again and stopped trying.

        systemd reports the last failure then, not that the start limit was hit.
        """
        if self.result == START_LIMIT_HIT:
            return True
        again = self.restart not in ("", "no") and self.restarts > 0
        return self.active == "failed" and again

    @property
    def is_settled(self) -> bool:
        """Whether it is as a start should leave it; a oneshot has ended well by then."""
        if self.type == "oneshot":
            return self.active in ("active", "inactive") and self.result == "success"
        return self.active == "active"


def is_login(name: str) -> bool:
    """Say whether a unit holds whatever people run who are logged in: no service."""
    return _LOGIN.fullmatch(name) is not None


def is_service_name(name: str) -> bool:
    r"""Say whether this can be the name of one service (no path, option or template).

    >>> is_service_name("nginx.service"), is_service_name("../../bin/sh")
    (True, False)
    >>> is_service_name("getty@.service"), is_service_name("--force nginx.service")
    (False, False)
    """
    return _SERVICE.fullmatch(name) is not None and not name.startswith(("-", "."))


def unit_name(said: str) -> str:
    """Return what a person means by a service's name: `nginx` is `nginx.service`."""
    return said if said.endswith(".service") else f"{said}.service"


def changed_unit(approved: UnitIdentity, live: UnitIdentity) -> str | None:
    """Say what is not as it was approved, or None."""
    if approved.boot_id != live.boot_id:
        return "the host has been booted since, or it is another host"
    if approved.name != live.name:
        return f"the name belongs to {live.name} now"
    if approved.invocation != live.invocation:
        return "it was started anew since; somebody or its manager was faster"
    return None


def end_in_words(facts: UnitFacts) -> str:
    """Say why it ended last; empty where it ended well or never ran."""
    if facts.result in ("success", ""):
        return ""
    if facts.result in _CAUSES:
        return _CAUSES[facts.result]
    if facts.exit_code == _EXITED:
        return f"exited with status {facts.exit_status}{_known_status(facts)}"
    if facts.exit_code in _SIGNALLED:
        return f"was ended by {_signal(facts.exit_status)}"
    # Which signal it was only systemd tells.
    if facts.result == "signal":
        return "was ended by a signal"
    return f"ended with {facts.result}"


def state_in_words(facts: UnitFacts) -> str:
    """Say how it stands, in a few words: `failed (exited with status 1)`."""
    why = end_in_words(facts) if not facts.is_running else ""
    if facts.gave_up and facts.restarts:
        why += f"; given up after {facts.restarts} automatic restarts"
    state = (
        facts.active
        if facts.sub in ("", facts.active)
        else f"{facts.active}/{facts.sub}"
    )
    return f"{state} ({why})" if why else state


def _known_status(facts: UnitFacts) -> str:
    # systemd.exec(5), "Process Exit Codes": what systemd itself says before the program.
    meaning = {
        126: "it may not be executed",
        127: "its program was not found",
        200: "its working directory is missing",
        203: "its program could not be executed",
        217: "its user does not exist",
        226: "its namespace could not be set up",
    }.get(facts.exit_status)
    return f": {meaning}" if meaning else ""


def _signal(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
