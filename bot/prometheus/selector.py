"""Text that becomes PromQL: the one place where a value is put into a question.

Values are labels, so whoever is scraped wrote them, or words that a person typed.
Quoted here they stay values, whatever they hold: no quote of theirs ends the string.
"""

import re
from typing import Final

from bot.text.gostring import quoted

# What means something in RE2, the server's regular expressions.
_MEANT: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")
_PORT: Final = re.compile(r"^(\[.*\]|[^:]*):\d+$")
_ADDRESS: Final = re.compile(r"^[a-z]+://([^/]+)(?:/.*)?$", re.DOTALL)
_ANY_SCHEME: Final = "([a-z]+://)?"
_ANY_PORT: Final = "(:[0-9]+)?(/.*)?"


def on_host(label: str, value: str) -> str:
    """Return the matcher for every port of the host that a label's value names.

    >>> on_host("instance", "web-7:9100")
    'instance=~"([a-z]+://)?web-7(:[0-9]+)?(/.*)?"'
    """
    return f"{label}=~{quoted(host_pattern(value))}"


def of_host_only(expr: str, label: str, value: str) -> str:
    """Return the expression for the series of one host only, whatever it computes.

    A selector cannot be put into every expression. So its result is marked where the
    label fits, and joined with the mark.
    """
    pattern = quoted(host_pattern(value))
    # The new line ends a comment, if the expression ends with one.
    marked = f'label_replace(({expr}\n), "on_host", "1", "{label}", {pattern})'
    mark = 'label_replace(vector(1), "on_host", "1", "", "")'
    return f"{marked} and on (on_host) {mark}"


def host_pattern(value: str) -> str:
    """Return the regular expression of a host, with any port, or an address on it."""
    address = _ADDRESS.match(value)
    place = address[1] if address else value
    found = _PORT.match(place)
    bare = found[1] if found else place
    return _ANY_SCHEME + _MEANT.sub(r"\\\g<0>", bare) + _ANY_PORT
