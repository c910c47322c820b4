"""The fields of what travels to and from the gate: one line of JSON, read strictly.

Standard library only. A field of another type, out of its bounds or there twice is a
`BadRequest`, whose words never repeat what was sent.
"""

import json
import re
from collections.abc import Mapping
from typing import Final, TypeVar

LONGEST_LINE: Final = 64 * 1024
"""Bytes of one request or answer, its line feed included."""

Fields = Mapping[str, object]
Kind = TypeVar("Kind")


class BadRequest(Exception):
    """It is no request; its text says what is wrong with it, without its content."""


def encoded(fields: Fields) -> bytes:
    """Return it as one line."""
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def decoded(line: bytes) -> object:
    """Read one line of JSON; raise `BadRequest`."""
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


def object_of(value: object) -> Fields:
    """Return it as an object's fields; raise `BadRequest`."""
    if not isinstance(value, dict):
        raise BadRequest("an object was expected")
    return value


def one(fields: Fields, name: str, kind: type[Kind]) -> Kind:
    """Return the field if it is of exactly this type; raise `BadRequest`."""
    value = fields.get(name)
    # Exactly the type: True is no number here.
    if type(value) is not kind:
        raise BadRequest(f"{name}: {kind.__name__} was expected")
    return value


def number_in(fields: Fields, name: str, least: int, most: int) -> int:
    """Return a whole number in these bounds; raise `BadRequest`."""
    value = one(fields, name, int)
    if not least <= value <= most:
        raise BadRequest(f"{name}: {least} to {most} was expected")
    return value


def span_in(fields: Fields, most: float) -> float:
    """Return `seconds`, more than none; raise `BadRequest`."""
    value = fields.get("seconds")
    if type(value) not in (int, float) or not isinstance(value, (int, float)):
        raise BadRequest("seconds: a number was expected")
    # NaN is neither greater nor smaller than anything.
    if not 0 < value <= most:
        raise BadRequest(f"seconds: more than 0, at most {most:g} was expected")
    return float(value)


def matching(fields: Fields, name: str, pattern: re.Pattern[str]) -> str:
    """Return a text that matches as a whole; raise `BadRequest`."""
    value = one(fields, name, str)
    if not pattern.fullmatch(value):
        raise BadRequest(f"{name}: not as the system says it")
    return value
