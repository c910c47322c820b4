"""The closed set of things Countersign can do, as values that can be shown, stored and hashed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal, assert_never

from pydantic import Field, TypeAdapter

from remediation.target.area import FileIdentity, age_in_words, counted
from remediation.target.area import in_words as size_in_words
from remediation.target.identity import ProcessIdentity
from remediation.target.unit import UnitIdentity, Verb

GRACE = timedelta(seconds=10)
"""How long a process has after SIGTERM before SIGKILL follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate:
    """SIGTERM, wait, SIGKILL for one process, its tree or its cgroup.

    members: the other processes that go with it (its children, or the rest of the
    cgroup), ordered by pid; empty for `scope="process"`.
    """

    kind: Literal["terminate"] = "terminate"
    host: str
    process: ProcessIdentity
    label: str
    scope: Literal["process", "tree", "cgroup"] = "process"
    members: tuple[ProcessIdentity, ...] = ()
    grace: timedelta = GRACE


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerPriority:
    """Give every thread of the process this nice value, so that others go first."""

    kind: Literal["lower_priority"] = "lower_priority"
    host: str
    process: ProcessIdentity
    label: str
    nice: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """SIGSTOP with a deadline; the resume is armed before, outside the bot's lifetime."""

    kind: Literal["pause"] = "pause"
    host: str
    process: ProcessIdentity
    label: str
    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """SIGCONT: the undo of a pause."""

    kind: Literal["resume"] = "resume"
    host: str
    process: ProcessIdentity
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePriority:
    """Give the threads their former nice value back: the undo of a lowered priority."""

    kind: Literal["restore_priority"] = "restore_priority"
    host: str
    process: ProcessIdentity
    label: str
    nice: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperateUnit:
    """Start, stop, restart or reload one service through its manager.

    dependents: units that stop, and where they can are started again, with it.
    """

    kind: Literal["operate_unit"] = "operate_unit"
    host: str
    unit: UnitIdentity
    verb: Verb
    dependents: tuple[str, ...] = ()

    @property
    def takes_dependents(self) -> bool:
        """Whether what needs the service is touched too."""
        return self.verb in (Verb.STOP, Verb.RESTART)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanFiles:
    """Delete exactly these files of one area, each only if it is as it was listed.

    area: its name. folder: absolute; the files' paths lie below it. older_than: what
    each was approved to be at least, since it was last written to.
    """

    kind: Literal["clean"] = "clean"
    host: str
    boot_id: str
    area: str
    folder: str
    older_than: timedelta
    files: tuple[FileIdentity, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


IRREVERSIBLE: Final = frozenset({"terminate", "restart", "clean"})
"""What `kind_of` says of actions that cannot be undone."""

ProcessAction = Terminate | LowerPriority | Pause | Resume | RestorePriority
"""What is done to a process."""

Action = ProcessAction | OperateUnit | CleanFiles

_ACTIONS: TypeAdapter[Action] = TypeAdapter(
    Annotated[Action, Field(discriminator="kind")]
)


def to_json(action: Action) -> str:
    """Return the one canonical text of the action; equal actions have equal texts."""
    return _ACTIONS.dump_json(action).decode()


def from_json(text: str) -> Action:
    """Read an action back; raise `ValueError` for anything outside the closed set."""
    return _ACTIONS.validate_json(text)


def digest(action: Action) -> str:
    """Return the SHA-256 of the canonical text, in hex; cards show the first eight."""
    return hashlib.sha256(to_json(action).encode()).hexdigest()


def target_key(action: Action) -> str:
    """Name what is acted on as people would: the same program of the same user again."""
    match action:
        case OperateUnit():
            return f"{action.host}:unit:{action.unit.name}"
        case CleanFiles():
            return f"{action.host}:folder:{action.folder}:{action.area}"
        case _:
            process = action.process
            return f"{action.host}:{process.uid}:{process.exe}:{action.label}"


def boot_of(action: Action) -> str:
    """Return the boot of the host that the target belongs to."""
    match action:
        case OperateUnit(unit=unit):
            return unit.boot_id
        case CleanFiles(boot_id=boot_id):
            return boot_id
        case _:
            return action.process.boot_id


def kind_of(action: Action) -> str:
    """Return what is done in one word: the verb of a service, the kind of the others."""
    return action.verb.value if isinstance(action, OperateUnit) else action.kind


def name_of(action: Action) -> str:
    """Name what is acted on as it will be called next time too: without a pid."""
    match action:
        case OperateUnit(unit=unit):
            return unit.name
        case CleanFiles(area=area):
            return area
        case _:
            return action.label


def target_in_words(action: Action) -> str:
    """Name what is acted on: `python burn.py (pid 4242)`, `nginx.service`."""
    match action:
        case OperateUnit() | CleanFiles():
            return name_of(action)
        case _:
            return f"{action.label} (pid {action.process.pid})"


def in_words(action: Action) -> str:
    """Say exactly what will be done, in one sentence for the card."""
    who = f"{target_in_words(action)} on {action.host}"
    match action:
        case OperateUnit(verb=verb):
            return f"{verb.capitalize()} {who}{_dependents(action)}"
        case CleanFiles():
            return _to_files(action)
        case _:
            return _to_process(action, who)


def _to_files(action: CleanFiles) -> str:
    what = f"{counted(len(action.files))} ({size_in_words(action.size)})"
    where = f"in {action.folder} on {action.host}"
    area = action.area.replace("_", " ")
    return f"Delete {what} {where}: {area} older than {age_in_words(action.older_than)}"


def _to_process(action: ProcessAction, who: str) -> str:
    match action:
        case Terminate(scope="process"):
            return f"Terminate {who}"
        case Terminate():
            pids = [str(member.pid) for member in action.members]
            return f"Terminate {who} and its {action.scope}: pids {_listed(pids)}"
        case LowerPriority():
            return f"Lower the priority of {who} to nice {action.nice}"
        case Pause():
            return f"Pause {who} for {int(action.duration.total_seconds())} s"
        case Resume():
            return f"Resume {who}"
        case RestorePriority():
            return f"Give {who} its priority back (nice {action.nice})"
    assert_never(action)


def _dependents(action: OperateUnit) -> str:
    listed = _listed(action.dependents)
    return f" and with it what needs it: {listed}" if listed else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more" if names[8:] else ""
    return ", ".join(names[:8]) + more


def consequence(action: Action) -> str:
    """Say what the action costs and whether it can be undone, in one sentence."""
    match action:
        case Terminate():
            seconds = int(action.grace.total_seconds())
            return (
                f"SIGTERM, and SIGKILL after {seconds} s if it is still there. "
                "Unsaved work in it is lost; this cannot be undone."
            )
        case LowerPriority():
            return "It runs on, slower when others need the CPU. Undo is offered."
        case Pause():
            return (
                "It stands still and resumes by itself at the deadline, "
                "even if Countersign is gone. Undo is offered."
            )
        case Resume() | RestorePriority():
            return "Puts back what an earlier approved action changed."
        case OperateUnit():
            return _OPERATED[action.verb]
        case CleanFiles():
            return (
                "Each goes only if it is as it was listed and nobody has it open. "
                "This cannot be undone."
            )
    assert_never(action)


def is_reversible(action: Action) -> bool:
    """Say whether the action can be undone."""
    return kind_of(action) not in IRREVERSIBLE


_OPERATED = {
    Verb.START: "It runs again, as its unit file says.",
    Verb.STOP: "Whoever uses it loses it until it is started again. Undo is offered.",
    Verb.RESTART: (
        "It is down while it starts anew, and what it was doing is lost; "
        "this cannot be undone."
    ),
    Verb.RELOAD: "It reads its configuration anew; it keeps running.",
}
