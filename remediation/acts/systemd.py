"""The only door to systemd: reading units and running jobs over D-Bus.

Whether a job may run is decided by polkit for the user the bot runs as; no password is
ever asked for. A connection lives for one question, which takes a millisecond, so there
is none to lose.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from dbus_fast import BusType, Message, MessageType
from dbus_fast.aio import MessageBus

from remediation.acts.service_manager import (
    LOOK_EVERY,
    JobFailed,
    ManagerUnavailable,
    NoSuchUnit,
    NotPermitted,
    OnWait,
    StillUnderWay,
    UnitRow,
)
from remediation.printable import printable
from remediation.programs import systemd_runs
from remediation.target.unit import UnitFacts, UnitIdentity, Verb, is_service_name
from remediation.target.unit_look import escaped
from remediation.target.unit_properties import facts_of, instant

DEADLINE: Final = timedelta(seconds=3)
"""For one question; a job has the deadline of its caller."""
_TOLD_EVERY: Final = 5.0
_SYSTEMD: Final = "org.freedesktop.systemd1"
_ROOT: Final = "/org/freedesktop/systemd1"
_MANAGER: Final = f"{_SYSTEMD}.Manager"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_DBUS: Final = "org.freedesktop.DBus"
_CALLS: Final = {
    Verb.START: "StartUnit",
    Verb.STOP: "StopUnit",
    Verb.RESTART: "RestartUnit",
    Verb.RELOAD: "ReloadUnit",
}
_DENIED: Final = frozenset(
    {
        "org.freedesktop.DBus.Error.AccessDenied",
        "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
        "org.freedesktop.PolicyKit1.Error.NotAuthorized",
    }
)
_UNKNOWN: Final = f"{_SYSTEMD}.NoSuchUnit"

Answer = TypeVar("Answer")
Body = list[Any]


class _Failed(Exception):
    """D-Bus answered with an error; name: as the protocol calls it."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class Systemd:
    """systemd of this host. address: of its bus; None for the system's own."""

    name = "systemd"
    look_every = LOOK_EVERY

    def __init__(self, address: str | None = None) -> None:
        self._address = address

    def is_present(self) -> bool:
        """Say whether systemd booted this machine."""
        return systemd_runs()

    def rows(self) -> Sequence[UnitRow]:
        """Return every loaded service and timer."""
        patterns = [[], ["*.service", "*.timer"]]

        async def ask(bus: "_Bus") -> Body:
            return await bus.manager("ListUnitsByPatterns", "asas", patterns)

        (rows,) = self._ask(ask)
        found = (
            UnitRow(name=printable(r[0]), load=r[2], active=r[3], sub=r[4])
            for r in rows
        )
        return sorted(found, key=lambda row: row.name)

    def facts(self, name: str) -> UnitFacts:
        """Return how a service stands, by any of its names; raise `NoSuchUnit`."""
        _grammar(name)

        async def ask(bus: "_Bus") -> Mapping[str, Any]:
            # Loading resolves aliases; a name that nobody defined loads as not-found.
            (path,) = await bus.manager("LoadUnit", "s", [name])
            (found,) = await bus.call(path, _PROPERTIES, "GetAll", "s", [""])
            return {key: variant.value for key, variant in found.items()}

        values = self._ask(ask)
        if values["LoadState"] == "not-found" and values["ActiveState"] == "inactive":
            raise NoSuchUnit(f"there is no service {printable(name)}")
        return facts_of(values)

    def restarts(self, names: Sequence[str]) -> Mapping[str, int]:
        """Return `NRestarts` of each: a fraction of a millisecond for one."""

        async def ask(bus: "_Bus") -> dict[str, int]:
            found = await asyncio.gather(*map(bus.restarts, names))
            return {n: c for n, c in zip(names, found, strict=True) if c is not None}

        return self._ask(ask)

    def last_runs(self, timers: Sequence[str]) -> Mapping[str, datetime | None]:
        """Return `LastTriggerUSec` of each that is active."""

        async def ask(bus: "_Bus") -> dict[str, datetime | None]:
            found = await asyncio.gather(*map(bus.last_run, timers))
            pairs = zip(timers, found, strict=True)
            return {name: instant(last) for name, last in pairs if last is not None}

        return self._ask(ask)

    def clear_start_limit(self, unit: UnitIdentity) -> None:
        """Forget earlier starts and failures; raise `NotPermitted`."""
        name = unit.name
        _grammar(name)

        async def ask(bus: "_Bus") -> Body:
            return await bus.manager("ResetFailedUnit", "s", [name])

        self._ask(ask)

    def run(
        self, verb: Verb, unit: UnitIdentity, *, on_wait: OnWait, deadline: timedelta
    ) -> timedelta:
        """Run a job and wait for its end; return how long it took."""
        name = unit.name
        _grammar(name)
        began = time.monotonic()

        async def ask(bus: "_Bus") -> str:
            await bus.manager("Subscribe", "", [])
            await bus.hear("JobRemoved")
            # "fail": a job that somebody else has queued is not thrown out for ours.
            (job,) = await bus.manager(_CALLS[verb], "ss", [name, "fail"])
            return await bus.end_of(job, on_wait, began)

        try:
            result = self._ask(ask, deadline)
        except ManagerUnavailable as silent:
            if time.monotonic() - began < deadline.total_seconds():
                raise
            raise StillUnderWay(f"{verb} of {name} has not ended") from silent
        if result != "done":
            raise JobFailed(f"systemd says: {printable(result)}")
        return timedelta(seconds=time.monotonic() - began)

    def _ask(
        self,
        question: "Callable[[_Bus], Awaitable[Answer]]",
        deadline: timedelta = DEADLINE,
    ) -> Answer:
        async def connected() -> Answer:
            bus = MessageBus(bus_address=self._address, bus_type=BusType.SYSTEM)
            try:
                await bus.connect()
                return await question(_Bus(bus))
            finally:
                bus.disconnect()

        return _mapped(asyncio.wait_for(connected(), deadline.total_seconds()))


def _mapped(asking: Coroutine[Any, Any, Answer]) -> Answer:
    """Run it; turn what D-Bus says into our own words."""
    try:
        return asyncio.run(asking)
    except TimeoutError as error:
        raise ManagerUnavailable("systemd gave no answer in time") from error
    except _Failed as error:
        if error.name in _DENIED:
            raise NotPermitted(
                "the operating system (polkit) does not permit it to this bot's user"
            ) from error
        if error.name == _UNKNOWN:
            raise NoSuchUnit(printable(str(error))) from error
        raise JobFailed(f"systemd says: {printable(str(error))}") from error
    except (OSError, EOFError) as error:
        raise ManagerUnavailable("systemd cannot be reached over D-Bus") from error


class _Bus:
    """One connection, for one question."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._ended: dict[str, str] = {}
        self._systemd: str | None = None
        self._news = asyncio.Event()

    async def manager(self, member: str, signature: str, body: Body) -> Body:
        """Call a method of the manager itself."""
        return await self.call(_ROOT, _MANAGER, member, signature, body)

    async def call(
        self, path: str, interface: str, member: str, signature: str, body: Body
    ) -> Body:
        """Call a method of systemd; raise `_Failed`."""
        answer = await self._send(
            Message(
                destination=_SYSTEMD,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=body,
            )
        )
        self._systemd = answer.sender
        return answer.body

    async def restarts(self, name: str) -> int | None:
        """Return the automatic restarts of one service; None where it has none."""
        path = f"{_ROOT}/unit/{escaped(name)}"
        wanted = [f"{_SYSTEMD}.Service", "NRestarts"]
        try:
            (count,) = await self.call(path, _PROPERTIES, "Get", "ss", wanted)
        except _Failed:
            return None
        return int(count.value)

    async def last_run(self, timer: str) -> int | None:
        """Return the last start of a timer in µs, 0 for none; None if it is not active."""
        path = f"{_ROOT}/unit/{escaped(timer)}"
        state = [f"{_SYSTEMD}.Unit", "ActiveState"]
        last = [f"{_SYSTEMD}.Timer", "LastTriggerUSec"]
        try:
            (active,) = await self.call(path, _PROPERTIES, "Get", "ss", state)
            (found,) = await self.call(path, _PROPERTIES, "Get", "ss", last)
        except _Failed:
            return None
        return int(found.value) if active.value == "active" else None

    async def hear(self, member: str) -> None:
        """Take note of this signal of the manager from now on."""
        rule = f"type='signal',sender='{_SYSTEMD}',interface='{_MANAGER}',member='{member}'"
        self._bus.add_message_handler(self._heard)
        await self._send(
            Message(
                destination=_DBUS,
                path="/org/freedesktop/DBus",
                interface=_DBUS,
                member="AddMatch",
                signature="s",
                body=[rule],
            )
        )

    async def end_of(self, job: str, on_wait: OnWait, began: float) -> str:
        """Wait until the job is over and return how it ended."""
        while job not in self._ended:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), _TOLD_EVERY)
            except TimeoutError:
                on_wait(timedelta(seconds=time.monotonic() - began))
        return self._ended[job]

    def _heard(self, message: Message) -> None:
        # Anybody on the bus can send us a signal of this name.
        if message.member == "JobRemoved" and message.sender == self._systemd:
            _, path, _, result = message.body
            self._ended[path] = result
            self._news.set()

    async def _send(self, message: Message) -> Message:
        answer = await self._bus.call(message)
        if answer is None:
            raise EOFError("the bus closed the connection")
        if answer.message_type is MessageType.ERROR:
            text = str(answer.body[0]) if answer.body else ""
            raise _Failed(answer.error_name or "", text)
        return answer


def _grammar(name: str) -> None:
    if not is_service_name(name):
        raise NoSuchUnit(f"{printable(name, limit=80)} is no name of one service")
