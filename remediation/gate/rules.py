"""What the gate allows: its own list, owned by root, and the protections that no list lifts.

Standard library only. A list that anybody but root could have written is no list: the
gate then refuses everything and says why.
"""

import json
import os
import pwd
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from remediation.gate.folders import BadFolders, areas
from remediation.gate.systemctl import JobVerb, UnitRow
from remediation.rules.protect import OwnTree, ProtectSettings, protection
from remediation.rules.unit_protect import of_kinds, protected_unit
from remediation.rules.verdict import Refusal
from remediation.target import cgroup
from remediation.target.area import Area
from remediation.target.facts import ProcessFacts
from remediation.target.unit import is_service_name

_LIST_BYTES: Final = 256 * 1024
_KEYS: Final = frozenset({"version", "peer", "users", "units", "allow", "folders"})
_OURS: Final = frozenset({"countersign.service", "countersign-gate.service"})
_TAKES_DEPENDENTS: Final = frozenset({JobVerb.STOP, JobVerb.RESTART})


class BadList(Exception):
    """The allow-list cannot be used; its text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowList:
    """What root has written.

    peer: the user id of the bot, the only one that is heard on the socket; None: nobody
    is, for sshd says who may ask over SSH. users: accounts whose
    processes may be acted on. units: verbs by canonical name of the service. allow:
    executables or units that lift a protection of `kinds.OVERRIDABLE`. areas: folders
    whose files may be deleted, by path.
    """

    peer: int | None
    users: frozenset[str]
    units: Mapping[str, frozenset[JobVerb]]
    allow: tuple[str, ...] = ()
    areas: Mapping[str, Area] = field(default_factory=dict)


def read_list(path: Path) -> AllowList:
    """Read the allow-list; raise `BadList`.

    It and its folder must be root's, and nobody else may be able to write to either.
    """
    try:
        _owned(path.parent.lstat(), path.parent, stat.S_ISDIR)
        # The file that is checked is the file that is read; a link is neither.
        with os.fdopen(_unfollowed(path), "rb") as file:
            _owned(os.fstat(file.fileno()), path, stat.S_ISREG)
            text = file.read(_LIST_BYTES + 1)
    except OSError as error:
        raise BadList(f"{path} cannot be read: {error.strerror}") from error
    return _parsed(text, path)


def refuse_process(
    facts: ProcessFacts, allowed: AllowList, own: OwnTree, place: str | None
) -> Refusal | None:
    """Say why this process is left alone, or None. place: the cgroup of who asks."""
    if facts.identity.uid == allowed.peer:
        reason = "it belongs to Countersign's own user, who needs no gate for it"
        return Refusal(rule="gate.peer", reason=reason)
    if place is not None and cgroup.contains(place, facts.cgroup):
        reason = "it belongs to the service that asks"
        return Refusal(rule="protected.own_service", reason=reason)
    settings = ProtectSettings(users=allowed.users, allow=allowed.allow)
    found = protection(facts, settings, own)
    return Refusal(rule=found.rule, reason=found.reason) if found else None


def refuse_job(
    verb: JobVerb, name: str, row: UnitRow, allowed: AllowList, own: OwnTree
) -> Refusal | None:
    """Say why this may not be done to this service, or None. name: as it was asked for."""
    for found in _rules_of_jobs(verb, name, row, allowed, own):
        return found
    return None


def refuse_folder(folder: str, allowed: AllowList) -> Area | Refusal:
    """Return the folder as root has listed it, or say why nothing goes from it."""
    area = allowed.areas.get(folder)
    if area is None:
        reason = "the gate's list does not allow to clean this folder"
        return Refusal(rule="gate.folders", reason=reason)
    return area


def _rules_of_jobs(
    verb: JobVerb, name: str, row: UnitRow, allowed: AllowList, own: OwnTree
) -> Iterator[Refusal]:
    if row.name != name:
        reason = f"{name} is an alias of {row.name}" if row.name else "there is none"
        yield Refusal(rule="services.name", reason=reason)
    if row.load != "loaded":
        reason = f"its definition is not loaded ({row.load})"
        yield Refusal(rule="services.not_loaded", reason=reason)
    names = (row.name, *row.names)
    yield from protected_unit(names, row.cgroup, own)
    if _OURS & set(names):
        reason = "it is Countersign's own service"
        yield Refusal(rule="protected.own_service", reason=reason)
    for other in row.needed_by if verb in _TAKES_DEPENDENTS else ():
        yield from of_kinds((other,), f"{other} needs it, and ")
    if verb not in allowed.units.get(name, frozenset()):
        reason = f"the gate's list does not allow {verb} of {name}"
        yield Refusal(rule="gate.units", reason=reason)


def _unfollowed(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)


def _owned(found: os.stat_result, path: Path, is_kind: Callable[[int], bool]) -> None:
    if not is_kind(found.st_mode):
        raise BadList(f"{path} is a link or no file of the right kind")
    if found.st_uid != 0:
        raise BadList(f"{path} must belong to root (chown root {path})")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BadList(f"others may write to {path} (chmod go-w {path})")


def _parsed(text: bytes, path: Path) -> AllowList:
    try:
        fields = json.loads(text) if len(text) <= _LIST_BYTES else None
    except (ValueError, RecursionError) as error:
        raise BadList(f"{path} is not JSON") from error
    if not isinstance(fields, dict) or not set(fields) <= _KEYS:
        raise BadList(
            f"{path}: one object with {', '.join(sorted(_KEYS))} was expected"
        )
    if fields.get("version") != 1:
        raise BadList(f"{path}: version 1 was expected")
    return AllowList(
        peer=_uid(fields.get("peer"), path),
        users=frozenset(_words(fields.get("users", []), "users", path)),
        units=_units(fields.get("units", {}), path),
        allow=_words(fields.get("allow", []), "allow", path),
        areas=_areas(fields.get("folders", {}), path),
    )


def _areas(value: object, path: Path) -> Mapping[str, Area]:
    try:
        return areas(value)
    except BadFolders as bad:
        raise BadList(f"{path}: folders: {bad}") from bad


def _uid(name: object, path: Path) -> int | None:
    if name is None:
        return None
    try:
        uid = pwd.getpwnam(str(name)).pw_uid
    except (KeyError, ValueError) as error:
        raise BadList(f"{path}: peer: there is no such user") from error
    if uid == 0:
        raise BadList(f"{path}: peer: root needs no gate")
    return uid


def _words(value: object, key: str, path: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise BadList(f"{path}: {key}: a list of words was expected")
    return tuple(value)


def _units(value: object, path: Path) -> Mapping[str, frozenset[JobVerb]]:
    if not isinstance(value, dict) or not all(map(is_service_name, value)):
        raise BadList(f"{path}: units: canonical names with their verbs were expected")
    try:
        return {
            name: frozenset(map(JobVerb, _words(verbs, f"units.{name}", path)))
            for name, verbs in value.items()
        }
    except ValueError as error:
        known = ", ".join(JobVerb)
        raise BadList(f"{path}: units: the verbs are {known}") from error
