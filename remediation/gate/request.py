"""What can be asked of the gate, and what it answers: one line of JSON each.

Closed types; whatever is not exactly one of them is a `BadRequest`. Standard library
only. A request travels only after the gate's greeting, so that a gate which cannot
answer was never asked.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from signal import Signals
from typing import Final, Literal

from remediation.gate.fields import (
    BadRequest,
    Fields,
    decoded,
    encoded,
    matching,
    number_in,
    object_of,
    one,
    span_in,
)
from remediation.gate.systemctl import JobVerb
from remediation.target.area import FileIdentity, parts_of
from remediation.target.identity import ProcessIdentity
from remediation.target.unit import UnitIdentity, is_service_name

VERSION: Final = 1
GREETING: Final = b'{"countersign_gate":1}\n'
"""What the gate says first, when it is ready to read one request."""
LONGEST_PAUSE: Final = 3600.0
LONGEST_JOB: Final = 600.0
MOST_FILES: Final = 100
"""Files of one request."""

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
class LookAtUnit:
    """Ask how a listed service stands, and what the gate would do with it."""

    verb: Literal["look at unit"] = "look at unit"
    name: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanOut:
    """Delete exactly these files of a folder, each only if it is as it was approved."""

    verb: Literal["clean"] = "clean"
    boot_id: str
    folder: str
    files: tuple[FileIdentity, ...]


Request = LookAt | LookAtUnit | SendSignal | PauseFor | Renice | Operate | CleanOut


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
    return encoded(fields)


def parse(line: bytes) -> Request:
    """Read one request; raise `BadRequest` for anything else, whatever it is."""
    fields = object_of(decoded(line))
    if one(fields, "version", int) != VERSION:
        raise BadRequest("another version of the protocol")
    verb = one(fields, "verb", str)
    if verb not in _READERS:
        raise BadRequest("no such verb")
    names, read = _READERS[verb]
    if set(fields) != {"version", "verb", *names}:
        raise BadRequest("other fields than this verb has")
    return read(fields)


def encode_answer(answer: Answer) -> bytes:
    """Return the one line that `parse_answer` reads back."""
    return encoded({"version": VERSION, **asdict(answer)})


def parse_answer(line: bytes) -> Answer:
    """Read an answer; raise `BadRequest` for anything else."""
    fields = object_of(decoded(line))
    try:
        verdict = Verdict(one(fields, "verdict", str))
    except ValueError as error:
        raise BadRequest("no such verdict") from error
    seen = fields.get("seen")
    return Answer(
        verdict=verdict,
        rule=one(fields, "rule", str),
        reason=one(fields, "reason", str),
        seen=None if seen is None else object_of(seen),
    )


def read_identity_fields(value: object) -> ProcessIdentity:
    """Read a process's identity; raise `BadRequest`."""
    fields = object_of(value)
    inode = fields.get("pidfd_inode")
    identity = ProcessIdentity(
        boot_id=matching(fields, "boot_id", _BOOT_ID),
        pid=number_in(fields, "pid", 1, _PID_MAX),
        start_ticks=number_in(fields, "start_ticks", 0, _TICKS_MAX),
        pidfd_inode=None
        if inode is None
        else number_in(fields, "pidfd_inode", 0, 2**64),
        exe=one(fields, "exe", str),
        image=one(fields, "image", str),
        uid=number_in(fields, "uid", 0, 2**32),
    )
    if set(fields) != set(asdict(identity)) or len(identity.exe) > _PATH_MAX:
        raise BadRequest("no identity of a process")
    if identity.image and not _IMAGE.fullmatch(identity.image):
        raise BadRequest("image: not as the kernel says it")
    return identity


def _look(fields: Fields) -> LookAt:
    return LookAt(pid=number_in(fields, "pid", 1, _PID_MAX))


def _look_at_unit(fields: Fields) -> LookAtUnit:
    return LookAtUnit(name=_service(fields))


def _service(fields: Fields) -> str:
    name = one(fields, "name", str)
    if not is_service_name(name):
        raise BadRequest("name: that of one service was expected")
    return name


def _signal(fields: Fields) -> SendSignal:
    number = _SENT.get(one(fields, "number", str))
    if number is None:
        raise BadRequest("number: TERM, KILL or CONT was expected")
    return SendSignal(process=_process(fields), number=number)


def _pause(fields: Fields) -> PauseFor:
    seconds = span_in(fields, LONGEST_PAUSE)
    return PauseFor(process=_process(fields), seconds=seconds)


def _renice(fields: Fields) -> Renice:
    return Renice(process=_process(fields), nice=number_in(fields, "nice", 0, 19))


def _operate(fields: Fields) -> Operate:
    unit = object_of(fields["unit"])
    if set(unit) != {"boot_id", "name", "invocation"}:
        raise BadRequest("unit: one service was expected")
    name = _service(unit)
    try:
        job = JobVerb(one(fields, "job", str))
    except ValueError as error:
        raise BadRequest("job: no such verb") from error
    return Operate(
        job=job,
        unit=UnitIdentity(
            boot_id=matching(unit, "boot_id", _BOOT_ID),
            name=name,
            invocation=matching(unit, "invocation", _INVOCATION),
        ),
        seconds=span_in(fields, LONGEST_JOB),
    )


def _clean(fields: Fields) -> CleanOut:
    listed = fields["files"]
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_FILES:
        raise BadRequest(f"files: 1 to {MOST_FILES} were expected")
    return CleanOut(
        boot_id=matching(fields, "boot_id", _BOOT_ID),
        folder=one(fields, "folder", str),
        files=tuple(map(_file, listed)),
    )


def _file(value: object) -> FileIdentity:
    fields = object_of(value)
    found = FileIdentity(
        path=one(fields, "path", str),
        device=number_in(fields, "device", 0, 2**64),
        inode=number_in(fields, "inode", 0, 2**64),
        size=number_in(fields, "size", 0, 2**63),
        mtime_ns=number_in(fields, "mtime_ns", -(2**63), 2**63),
        ctime_ns=number_in(fields, "ctime_ns", -(2**63), 2**63),
    )
    try:
        parts_of(found.path)
    except ValueError as error:
        raise BadRequest("path: one below the folder was expected") from error
    if set(fields) != set(asdict(found)):
        raise BadRequest("no identity of a file")
    return found


_READERS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Fields], Request]]]] = {
    "look": (("pid",), _look),
    "look at unit": (("name",), _look_at_unit),
    "signal": (("process", "number"), _signal),
    "pause": (("process", "seconds"), _pause),
    "renice": (("process", "nice"), _renice),
    "clean": (("boot_id", "folder", "files"), _clean),
    "service": (("job", "unit", "seconds"), _operate),
}


def _process(fields: Fields) -> ProcessIdentity:
    return read_identity_fields(fields["process"])
