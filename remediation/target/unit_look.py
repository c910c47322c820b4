"""A service's properties without D-Bus of our own: by systemd's own busctl. Stdlib only.

The gate reads so what the bot reads over `acts/systemd.py`; both become the same facts.
"""

import json
import string
from pathlib import Path
from typing import Any, Final

from remediation import programs
from remediation.target.unit import UnitFacts
from remediation.target.unit_properties import facts_of

BUSCTL: Final = Path("/usr/bin/busctl")

_SYSTEMD: Final = "org.freedesktop.systemd1"
_UNITS: Final = "/org/freedesktop/systemd1/unit"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"


class Unreadable(Exception):
    """systemd does not tell; the text says why, printable."""


def look(name: str, *, busctl: Path = BUSCTL) -> UnitFacts:
    """Return how a service stands, by any of its names; raise `Unreadable`.

    One that nobody defined has the load state not-found.
    """
    # Asking for the object loads the unit, and an alias leads to whose it is.
    asked = (_SYSTEMD, f"{_UNITS}/{escaped(name)}", _PROPERTIES, "GetAll", "s", "")
    try:
        text = programs.output(busctl, "--json=short", "call", *asked)
    except programs.ProgramFailed as failed:
        raise Unreadable(str(failed)) from failed
    try:
        (properties,) = json.loads(text)["data"]
        return facts_of({key: _value(found) for key, found in properties.items()})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unreadable("what busctl says is no unit") from error


def escaped(name: str) -> str:
    """Return the last part of a unit's object path, as sd_bus_path_encode(3) makes it."""
    plain = string.ascii_letters + string.digits
    return "".join(c if c in plain else f"_{ord(c):02x}" for c in name)


def _value(variant: dict[str, Any]) -> object:
    return variant["data"]
