"""The gate as the bot sees it: one request, one answer, with deadlines.

The door is this host's socket or another host's SSH (`door.py`).
"""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from signal import Signals
from typing import Final

from remediation.gate.door import Door, OnWait, Waiting, said
from remediation.gate.fields import (
    BadRequest,
    Fields,
    number_in,
    object_of,
    one,
)
from remediation.gate.request import (
    LONGEST_JOB,
    Answer,
    CleanOut,
    LookAt,
    LookAtUnit,
    Operate,
    PauseFor,
    Renice,
    Request,
    SendSignal,
    Verdict,
    encode_request,
    read_identity_fields,
)
from remediation.gate.systemctl import JobVerb
from remediation.gate.unit_told import facts_told
from remediation.printable import printable
from remediation.target.area import FileIdentity, Spared
from remediation.target.identity import ProcessIdentity
from remediation.target.privilege import (
    GateClosed,
    GateFailed,
    GateRefused,
    Look,
    Reniced,
    Unanswered,
)
from remediation.target.unit import UnitFacts, UnitIdentity

CLEANING: Final = timedelta(minutes=2)
"""For the answer to a batch of files: a large one takes its file system seconds."""

_ASKED_EVERY: Final = 0.5
_SPARE: Final = timedelta(seconds=5)
_PORTS: Final = 65_536
_RESTS: Final = 10.0


class GateClient:
    """Implements `privilege.Gate` through a door.

    A gate that did not answer is left in peace for ten seconds by `look`, so that a scan
    of many processes waits once; acting asks always.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._rests_until = 0.0

    def look(self, pid: int) -> Look:
        """Return who a process is, as the gate sees it."""
        if time.monotonic() < self._rests_until:
            raise GateClosed("the gate gave no answer a moment ago")
        try:
            answer = self._answer(LookAt(pid=pid))
        except (GateClosed, Unanswered) as silent:
            self._rests_until = time.monotonic() + _RESTS
            raise GateClosed(str(silent)) from silent
        return _look(answer.seen or {})

    def signal(self, process: ProcessIdentity, number: Signals) -> None:
        """Send SIGTERM, SIGKILL or SIGCONT."""
        self._done(SendSignal(process=process, number=number))

    def pause(self, process: ProcessIdentity, span: timedelta) -> int:
        """Arm the resume, then stop it; return the helper's pid."""
        answer = self._done(PauseFor(process=process, seconds=span.total_seconds()))
        return _figure(answer, "helper_pid")

    def renice(self, process: ProcessIdentity, nice: int) -> Reniced:
        """Give all its threads this nice value."""
        answer = self._answer(Renice(process=process, nice=nice))
        return Reniced(
            threads=_figure(answer, "threads"), others=_figure(answer, "others")
        )

    def unit(self, name: str) -> UnitFacts:
        """Return how a service stands there; its ages are by this host's clock."""
        answer = self._answer(LookAtUnit(name=name))
        try:
            return facts_told(answer.seen or {})
        except BadRequest as error:
            raise GateClosed("the gate's answer was unreadable") from error

    def operate(
        self, verb: str, unit: UnitIdentity, *, on_wait: OnWait, deadline: timedelta
    ) -> bool:
        """Run a job on a service; say whether it ended in time."""
        seconds = min(deadline.total_seconds(), LONGEST_JOB)
        request = Operate(job=JobVerb(verb), unit=unit, seconds=seconds)
        longest = timedelta(seconds=seconds) + _SPARE
        answer = self._answer(request, Waiting(longest=longest, told=on_wait))
        return answer.verdict is Verdict.DONE

    def clean(
        self,
        boot_id: str,
        folder: str,
        files: Sequence[FileIdentity],
        *,
        on_wait: OnWait,
    ) -> Mapping[str, Spared]:
        """Delete files of a folder; return which were left, by path, and why.

        What `on_wait` raises hangs up, upon which the gate goes no further.
        """
        request = CleanOut(boot_id=boot_id, folder=folder, files=tuple(files))
        waiting = Waiting(longest=CLEANING, told=on_wait, every=_ASKED_EVERY)
        return _left(self._answer(request, waiting), files)

    def _done(self, request: Request) -> Answer:
        """Ask for what is done or not: here a failure leaves nothing behind."""
        try:
            return self._answer(request)
        except GateFailed as failed:
            raise GateRefused(str(failed)) from failed

    def _answer(self, request: Request, waiting: Waiting | None = None) -> Answer:
        waiting = waiting or Waiting(longest=self._door.patience)
        answer = self._door.ask(encode_request(request), waiting)
        match answer.verdict:
            case Verdict.REFUSED:
                raise GateRefused(f"the gate refuses: {said(answer)}")
            case Verdict.FAILED:
                raise GateFailed(f"the gate could not do it: {said(answer)}")
            case _:
                return answer


def _look(seen: Fields) -> Look:
    try:
        return Look(
            identity=read_identity_fields(seen.get("identity")),
            ports=_ports(seen.get("ports")),
            respawner=_text(seen.get("respawner")),
            foreign_pid_namespace=seen.get("foreign_pid_namespace") is not False,
            denied=_text(seen.get("denied")),
            container_name=_text(seen.get("container_name")) or "",
        )
    except BadRequest as error:
        raise GateClosed("the gate's answer was unreadable") from error


def _ports(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > _PORTS:
        raise BadRequest("ports: a list was expected")
    return tuple(number_in({"port": port}, "port", 0, 65_535) for port in value)


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise BadRequest("words were expected")
    return None if value is None else printable(value, limit=400)


def _left(answer: Answer, files: Sequence[FileIdentity]) -> Mapping[str, Spared]:
    try:
        told = object_of((answer.seen or {}).get("left"))
        left = {path: Spared(one(told, path, str)) for path in told}
    except (BadRequest, ValueError) as error:
        raise Unanswered("the gate's answer was unreadable") from error
    if not set(left) <= {file.path for file in files}:
        raise Unanswered("the gate's answer was unreadable")
    return left


def _figure(answer: Answer, name: str) -> int:
    try:
        return number_in(answer.seen or {}, name, 0, 2**22)
    except BadRequest as error:
        raise Unanswered("the gate's answer was unreadable") from error
