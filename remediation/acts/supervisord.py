"""The only door to supervisord: its XML-RPC, over its Unix socket.

A program of supervisord is a service here, under its name with `.service` behind it. It
has no invocation id, so the instant of its start stands for one. supervisord counts no
restarts and knows no reload.
"""

import http.client
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from xml.parsers.expat import ExpatError
from xmlrpc.client import Fault, ProtocolError, ResponseError, ServerProxy, Transport

from remediation.acts.service_manager import (
    LOOK_EVERY,
    JobFailed,
    ManagerUnavailable,
    NoSuchUnit,
    OnWait,
    StillUnderWay,
    UnitRow,
)
from remediation.printable import printable
from remediation.target.identity import boot_id
from remediation.target.unit import UnitFacts, UnitIdentity, Verb, unit_name

DEADLINE: Final = timedelta(seconds=3)
_SUFFIX: Final = ".service"
_STEP_SECONDS: Final = 0.1
_TOLD_EVERY: Final = timedelta(seconds=5)
# supervisor.xmlrpc.Faults
_BAD_NAME: Final = 10
_NOT_RUNNING: Final = 70
_ALREADY_STARTED: Final = 60
# supervisor.states.ProcessStates: what a person calls them, as systemd does.
_ACTIVE: Final = {
    "RUNNING": "active",
    "STARTING": "activating",
    "BACKOFF": "activating",
    "STOPPING": "deactivating",
    "FATAL": "failed",
    "STOPPED": "inactive",
}
_DOWN: Final = frozenset({"STOPPED", "EXITED", "FATAL"})
_UNDER_WAY: Final = frozenset({"STARTING", "BACKOFF", "STOPPING"})

_NO_ANSWER: Final = (
    OSError,
    ProtocolError,
    ResponseError,
    ExpatError,
    http.client.HTTPException,
)

Answer = TypeVar("Answer")


class Supervisord:
    """supervisord behind a socket."""

    name = "supervisord"
    look_every = LOOK_EVERY

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path

    def is_present(self) -> bool:
        """Say whether its socket is there."""
        return self._path.is_socket()

    def rows(self) -> Sequence[UnitRow]:
        """Return every program."""
        found = self._ask(lambda its: its.getAllProcessInfo())
        rows = (
            UnitRow(
                name=_unit(info),
                load="loaded",
                active=_active(info),
                sub=str(info["statename"]).lower(),
            )
            for info in found
        )
        return sorted(rows, key=lambda row: row.name)

    def facts(self, name: str) -> UnitFacts:
        """Return how a program stands; raise `NoSuchUnit`."""
        return _facts(self._info(name))

    def restarts(self, names: Sequence[str]) -> Mapping[str, int]:
        """Return nothing: supervisord does not count."""
        del names
        return {}

    def last_runs(self, timers: Sequence[str]) -> Mapping[str, datetime | None]:
        """Return nothing: supervisord has no timers."""
        del timers
        return {}

    def clear_start_limit(self, unit: UnitIdentity) -> None:
        """Do nothing: it has no limit that outlives a start by hand."""

    def run(
        self, verb: Verb, unit: UnitIdentity, *, on_wait: OnWait, deadline: timedelta
    ) -> timedelta:
        """Do it and wait until the program has settled; return how long it took."""
        if verb is Verb.RELOAD:
            raise JobFailed("supervisord knows no reload")
        name, began = unit.name, time.monotonic()
        if verb in (Verb.STOP, Verb.RESTART):
            self._order(
                lambda its: its.stopProcess(_program(name), False), _NOT_RUNNING
            )
            self._settled(name, began, on_wait, deadline)
        if verb in (Verb.START, Verb.RESTART):
            self._order(
                lambda its: its.startProcess(_program(name), False), _ALREADY_STARTED
            )
            state = self._settled(name, began, on_wait, deadline)
            if state in _DOWN:
                raise JobFailed(f"supervisord says: {state.lower()}")
        return timedelta(seconds=time.monotonic() - began)

    def _settled(
        self, name: str, began: float, on_wait: OnWait, deadline: timedelta
    ) -> str:
        told = _TOLD_EVERY
        while (state := str(self._info(name)["statename"])) in _UNDER_WAY:
            so_far = timedelta(seconds=time.monotonic() - began)
            if so_far >= deadline:
                raise StillUnderWay(f"{name} is {state.lower()}")
            if so_far >= told:
                on_wait(so_far)
                told += _TOLD_EVERY
            time.sleep(_STEP_SECONDS)
        return state

    def _info(self, name: str) -> dict[str, Any]:
        try:
            return self._ask(lambda its: its.getProcessInfo(_program(name)))
        except Fault as fault:
            raise _error(fault) from fault

    def _order(self, order: Callable[[Any], object], already: int) -> None:
        """Give an order; the fault `already` says that it is as wanted."""
        try:
            self._ask(order)
        except Fault as fault:
            if fault.faultCode != already:
                raise _error(fault) from fault

    def _ask(self, question: Callable[[Any], Answer]) -> Answer:
        transport = _OverSocket(self._path)
        try:
            with ServerProxy("http://localhost", transport=transport) as proxy:
                return question(proxy.supervisor)
        except PermissionError as error:
            reason = "this bot's user may not use supervisord's socket"
            raise ManagerUnavailable(reason) from error
        except _NO_ANSWER as error:
            raise ManagerUnavailable("supervisord gives no answer") from error


def _error(fault: Fault) -> NoSuchUnit | JobFailed:
    if fault.faultCode == _BAD_NAME:
        return NoSuchUnit("supervisord has no such program")
    said = printable(str(fault.faultString), limit=200)
    return JobFailed(f"supervisord says: {said}")


class _OverSocket(Transport):
    """Speaks HTTP over a Unix socket, with a deadline; one connection."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._opened = _SocketConnection(path)

    def make_connection(
        self, host: tuple[str, dict[str, str]] | str
    ) -> http.client.HTTPConnection:
        """Return the connection to the socket, whatever the host."""
        del host
        return self._opened

    def close(self) -> None:
        """Close it."""
        self._opened.close()


class _SocketConnection(http.client.HTTPConnection):
    """An HTTP connection whose socket is a path."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=DEADLINE.total_seconds())
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(DEADLINE.total_seconds())
        self.sock.connect(str(self._path))


def _program(name: str) -> str:
    return name.removesuffix(_SUFFIX)


def _unit(info: Mapping[str, Any]) -> str:
    group, name = str(info["group"]), str(info["name"])
    return unit_name(printable(name if group == name else f"{group}:{name}", limit=200))


def _active(info: Mapping[str, Any]) -> str:
    state = str(info["statename"])
    if state == "EXITED":
        return "inactive" if info["exitstatus"] == 0 else "failed"
    return _ACTIVE.get(state, "failed")


def _result(info: Mapping[str, Any]) -> str:
    # supervisord tells -1 for an end by any signal.
    return "signal" if info["exitstatus"] < 0 else "exit-code"


def _facts(info: Mapping[str, Any]) -> UnitFacts:
    active, name = _active(info), _unit(info)
    failed = active == "failed"
    changed = int(info["start"] if active == "active" else info["stop"])
    return UnitFacts(
        identity=UnitIdentity(
            boot_id=boot_id(), name=name, invocation=f"{int(info['start']):x}"
        ),
        names=(name,),
        description=f"a program of supervisord ({printable(info['description'], limit=100)})",
        load="loaded",
        active=active,
        sub=str(info["statename"]).lower(),
        result=_result(info) if failed else "success",
        type="simple",
        main_pid=int(info["pid"]),
        exit_code=1 if failed and info["exitstatus"] >= 0 else 0,
        exit_status=int(info["exitstatus"]),
        can_reload=False,
        may_start=True,
        may_stop=True,
        start_timeout=timedelta(minutes=1),
        stop_timeout=timedelta(minutes=1),
        changed_at=datetime.fromtimestamp(changed, UTC) if changed else None,
    )
