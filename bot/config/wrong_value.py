"""What a person is told of a wrong value in the configuration: what it should have been.

The words of the validator are for programmers; here they become sentences for whoever
wrote the file. Pure.
"""

import re
from collections.abc import Mapping
from typing import Final

_KINDS: Final = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text, in quotes where it looks like a number",
    "dict_type": "keys below it, like {key: value}",
    "mapping_type": "keys below it, like {key: value}",
    "model_type": "keys below it, like {key: value}",
}
_BOUNDS: Final = {
    "less_than_equal": ("le", "at most {}"),
    "greater_than_equal": ("ge", "at least {}"),
    "less_than": ("lt", "less than {}"),
    "greater_than": ("gt", "more than {}"),
}
_PATTERNS: Final = {
    "^[CG]": "a channel's id, like C0123456789; it stands at the end of its details in Slack",
    "^[UW]": "a person's id, like U0123456789; it stands in their profile in Slack",
    "^S": "a user group's id, like S0123456789",
    "^[a-z0-9][a-z0-9_-]": "a name of lower-case letters, digits, hyphens and underscores",
    "^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$": "a name of letters, digits, dots and hyphens",
}
"""By how the pattern begins, or the whole of it."""
_DURATION: Final = re.compile(
    r"datetime\.timedelta\(0?(days=(?P<days>\d+))?(, )?(seconds=(?P<seconds>\d+))?(, )?"
    r"(microseconds=(?P<micros>\d+))?\)"
)
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"))


def should_be(
    kind: str, context: Mapping[str, object], value: object, message: str
) -> str:
    """Return what is allowed, in words. kind, context, message: the validator's."""
    if kind in _KINDS:
        return f"it should be {_KINDS[kind]}"
    if kind in ("tuple_type", "list_type", "set_type"):
        shown = value if isinstance(value, str | int | float) else "…"
        return f"it should be a list, like [{shown}]"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"it should be {words.format(_amount(context.get(name)))}"
    if kind == "string_pattern_mismatch":
        return _patterned(str(context.get("pattern")))
    said = message.removeprefix("Value error, ")
    return said.replace("Input should", "it should")


def _patterned(pattern: str) -> str:
    for begins, words in _PATTERNS.items():
        if pattern.startswith(begins):
            return f"it should be {words}"
    return f"it should match {pattern}"


def _amount(bound: object) -> str:
    # The validator tells the bound of a duration as Python would write it.
    found = _DURATION.fullmatch(str(bound))
    if found is None:
        return str(bound)
    days, whole, micros = (int(found[n] or 0) for n in ("days", "seconds", "micros"))
    seconds = days * 86400 + whole + micros / 1_000_000
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"
