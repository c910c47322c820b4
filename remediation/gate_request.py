"""What can be asked of the gate, and what it answers: one line of JSON each.

Closed types; whatever is not exactly one of them is a `BadRequest`. Standard library
only. A request travels only after the gate's greeting, so that a gate which cannot
answer was never asked.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from signal import Signals
from typing import Final, Literal, TypeVar

from remediation.identity import ProcessIdentity
from remediation.jobs import JobVerb
from remediation.unit import UnitIdentity, is_service_name

VERSION: Final = 1
LONGEST_LINE: Final = 64 * 1024
"""Bytes of one request or answer, its line feed included."""
GREETING: Final = b'{"countersign_gate":1}\n'
"""What the gate says first, when it is ready to read one request."""
LONGEST_PAUSE: Final = 3600.0
LONGEST_JOB: Final = 600.0

_PID_MAX: Final = 2**22
_TICKS_MAX: Final = 2**63
_PATH_MAX: Final = 5000
_BOOT_ID: Final = re.compile(r"[0-9a-f-]{36}")
_IMAGE: Final = re.compile(r"[0-9a-f]{1,16}:[0-9]{1,20}:[0-9a-f]{1,16}:[0-9a-f]{1,16}")
_INVOCATION: Final = re.compile(r"(?:[0-9a-f]{32})?")
_SENT: Final = {
    "TERM": Signals.SIGTERM,
    "KILL": Signals.SIGKILL,
    "CONT": Signals.SIGCONT,
}

Fields = Mapping[str, object]
Kind = TypeVar("Kind")


class BadRequest(Exception):
    """It is no request; its text says what is wrong with it, without its content."""


class Verdict(StrEnum):
    """How a request ended. UNDER_WAY: the job goes on beyond the deadline."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    UNDER_WAY = "under way"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAt:
    """Ask who this is, and whether the gate would act on it."""

    verb: Literal["look"] = "look"
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSignal:
    """SIGTERM, SIGKILL or SIGCONT. A stop without an end is not among them."""

    verb: Literal["signal"] = "signal"
    process: ProcessIdentity
    number: Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseFor:
    """SIGSTOP, once the resume after so many seconds is armed."""

    verb: Literal["pause"] = "pause"
    process: ProcessIdentity
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Renice:
    """One nice value, 0 to 19, for every thread."""

    verb: Literal["renice"] = "renice"
    process: ProcessIdentity
    nice: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operate:
    """A job on exactly this invocation of a service. seconds: how long to wait for it."""

    verb: Literal["service"] = "service"
    job: JobVerb
    unit: UnitIdentity
    seconds: float


Request = LookAt | SendSignal | PauseFor | Renice | Operate


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a request. rule: which one refused it. seen: figures, by name."""

    verdict: Verdict
    rule: str = ""
    reason: str = ""
    seen: Fields | None = None


def encode_request(request: Request) -> bytes:
    """Return the one line that `parse` reads back."""
    fields: dict[str, object] = {"version": VERSION, **asdict(request)}
    if isinstance(request, SendSignal):
        fields["number"] = request.number.name.removeprefix("SIG")
    return _line(fields)


def parse(line: bytes) -> Request:
    """Read one request; raise `BadRequest` for anything else, whatever it is."""
    fields = _object(_decoded(line))
    if _one(fields, "version", int) != VERSION:
        raise BadRequest("another version of the protocol")
    verb = _one(fields, "verb", str)
    if verb not in _READERS:
        raise BadRequest("no such verb")
    names, read = _READERS[verb]
    if set(fields) != {"version", "verb", *names}:
        raise BadRequest("other fields than this verb has")
    return read(fields)


def encode_answer(answer: Answer) -> bytes:
    """Return the one line that `parse_answer` reads back."""
    return _line({"version": VERSION, **asdict(answer)})


def parse_answer(line: bytes) -> Answer:
    """Read an answer; raise `BadRequest` for anything else."""
    fields = _object(_decoded(line))
    try:
        verdict = Verdict(_one(fields, "verdict", str))
    except ValueError as error:
        raise BadRequest("no such verdict") from error
    seen = fields.get("seen")
    return Answer(
        verdict=verdict,
        rule=_one(fields, "rule", str),
        reason=_one(fields, "reason", str),
        seen=None if seen is None else _object(seen),
    )


def read_identity_fields(value: object) -> ProcessIdentity:
    """Read a process's identity; raise `BadRequest`."""
    fields = _object(value)
    inode = fields.get("pidfd_inode")
    identity = ProcessIdentity(
        boot_id=_matching(fields, "boot_id", _BOOT_ID),
        pid=_number(fields, "pid", 1, _PID_MAX),
        start_ticks=_number(fields, "start_ticks", 0, _TICKS_MAX),
        pidfd_inode=None if inode is None else _number(fields, "pidfd_inode", 0, 2**64),
        exe=_one(fields, "exe", str),
        image=_one(fields, "image", str),
        uid=_number(fields, "uid", 0, 2**32),
    )
    if set(fields) != set(asdict(identity)) or len(identity.exe) > _PATH_MAX:
        raise BadRequest("no identity of a process")
    if identity.image and not _IMAGE.fullmatch(identity.image):
        raise BadRequest("image: not as the kernel says it")
    return identity


def number_in(fields: Fields, name: str, least: int, most: int) -> int:
    """Return a whole number of an answer's figures; raise `BadRequest`."""
    return _number(fields, name, least, most)


def _look(fields: Fields) -> LookAt:
    return LookAt(pid=_number(fields, "pid", 1, _PID_MAX))


def _signal(fields: Fields) -> SendSignal:
    number = _SENT.get(_one(fields, "number", str))
    if number is None:
        raise BadRequest("number: TERM, KILL or CONT was expected")
    return SendSignal(process=_process(fields), number=number)


def _pause(fields: Fields) -> PauseFor:
    seconds = _span(fields, LONGEST_PAUSE)
    return PauseFor(process=_process(fields), seconds=seconds)


def _renice(fields: Fields) -> Renice:
    return Renice(process=_process(fields), nice=_number(fields, "nice", 0, 19))


def _operate(fields: Fields) -> Operate:
    unit = _object(fields["unit"])
    name = _one(unit, "name", str)
    if set(unit) != {"boot_id", "name", "invocation"} or not is_service_name(name):
        raise BadRequest("unit: one service was expected")
    try:
        job = JobVerb(_one(fields, "job", str))
    except ValueError as error:
        raise BadRequest("job: no such verb") from error
    return Operate(
        job=job,
        unit=UnitIdentity(
            boot_id=_matching(unit, "boot_id", _BOOT_ID),
            name=name,
            invocation=_matching(unit, "invocation", _INVOCATION),
        ),
        seconds=_span(fields, LONGEST_JOB),
    )


_READERS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Fields], Request]]]] = {
    "look": (("pid",), _look),
    "signal": (("process", "number"), _signal),
    "pause": (("process", "seconds"), _pause),
    "renice": (("process", "nice"), _renice),
    "service": (("job", "unit", "seconds"), _operate),
}


def _process(fields: Fields) -> ProcessIdentity:
    return read_identity_fields(fields["process"])


def _line(fields: Fields) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def _decoded(line: bytes) -> object:
    if len(line) > LONGEST_LINE or not line.endswith(b"\n") or b"\n" in line[:-1]:
        raise BadRequest("one line of at most 64 KiB was expected")
    try:
        value: object = json.loads(line, object_pairs_hook=_without_twins)
    except (ValueError, RecursionError) as error:
        raise BadRequest("it is not JSON") from error
    return value


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadRequest("a field is there twice")
    return found


def _object(value: object) -> Fields:
    if not isinstance(value, dict):
        raise BadRequest("an object was expected")
    return value


def _one(fields: Fields, name: str, kind: type[Kind]) -> Kind:
    value = fields.get(name)
    # Exactly the type: True is no number here.
    if type(value) is not kind:
        raise BadRequest(f"{name}: {kind.__name__} was expected")
    return value


def _number(fields: Fields, name: str, least: int, most: int) -> int:
    value = _one(fields, name, int)
    if not least <= value <= most:
        raise BadRequest(f"{name}: {least} to {most} was expected")
    return value


def _span(fields: Fields, most: float) -> float:
    value = fields.get("seconds")
    if type(value) not in (int, float) or not isinstance(value, (int, float)):
        raise BadRequest("seconds: a number was expected")
    # NaN is neither greater nor smaller than anything.
    if not 0 < value <= most:
        raise BadRequest(f"seconds: more than 0, at most {most:g} was expected")
    return float(value)


def _matching(fields: Fields, name: str, pattern: re.Pattern[str]) -> str:
    value = _one(fields, name, str)
    if not pattern.fullmatch(value):
        raise BadRequest(f"{name}: not as the system says it")
    return value
