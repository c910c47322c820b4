"""Spans of time as people write them: `5s`, `10m`, `1h30m`."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_SECONDS = 3650 * 86400
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def parse_duration(value: object) -> timedelta:
    """Turn `5s`, `10m`, `2h`, `1d` or `1h30m` into a timedelta; raise `ValueError`."""
    if isinstance(value, timedelta):
        return value
    text = str(value).strip()
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).strip():
        raise ValueError("a duration is written like 5s, 10m, 2h or 1d")
    seconds = sum(float(n) * _UNITS[unit] for n, unit in parts)
    if seconds > _LONGEST_SECONDS:
        raise ValueError("a duration is at most 3650d")
    return timedelta(seconds=seconds)


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
