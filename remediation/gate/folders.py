"""The folders of the gate's list: which files in them may be deleted, as root has written it.

Standard library only. `{"/var/log": {"files": ["*.gz"], "older_than_days": 7, "depth": 2}}`
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from remediation.target.area import DEEPEST, Area, wrong_folder, wrong_pattern

_KEYS: Final = frozenset({"files", "older_than_days", "untouched_hours", "depth"})
_MOST_DAYS: Final = 3650
_HOURS: Final = 24 * _MOST_DAYS


class BadFolders(Exception):
    """They cannot be used; its text says what was expected."""


def areas(value: object) -> Mapping[str, Area]:
    """Read them; raise `BadFolders`."""
    if not isinstance(value, dict):
        raise BadFolders("paths with what may go there were expected")
    return {folder: _area(folder, fields) for folder, fields in value.items()}


def _area(folder: str, fields: object) -> Area:
    if (wrong := wrong_folder(folder)) is not None:
        raise BadFolders(wrong)
    if not isinstance(fields, dict) or not set(fields) <= _KEYS:
        raise BadFolders(f"{folder}: {', '.join(sorted(_KEYS))} were expected")
    days = _whole(fields, "older_than_days", 1, _MOST_DAYS)
    return Area(
        name=folder,
        folder=folder,
        files=_patterns(fields.get("files"), folder),
        older_than=timedelta(days=days),
        untouched=timedelta(
            hours=_whole({"untouched_hours": 1, **fields}, "untouched_hours", 0, _HOURS)
        ),
        depth=_whole({"depth": 0, **fields}, "depth", 0, DEEPEST),
    )


def _patterns(value: object, folder: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise BadFolders(f"{folder}: files: patterns of file names were expected")
    patterns = tuple(map(str, value))
    for pattern in patterns:
        if (wrong := wrong_pattern(pattern)) is not None:
            raise BadFolders(f"{folder}: files: {wrong}")
    return patterns


def _whole(fields: Mapping[str, object], name: str, least: int, most: int) -> int:
    value = fields.get(name)
    if type(value) is not int or not isinstance(value, int):
        raise BadFolders(f"{name}: a whole number was expected")
    if not least <= value <= most:
        raise BadFolders(f"{name}: {least} to {most} was expected")
    return value
