"""Text as a string of Go, which is how PromQL and LogQL write theirs."""

from typing import Final

# https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
_SIGNS: Final = {'"': '\\"', "\\": "\\\\"}


def quoted(text: str) -> str:
    r"""Return text as a string that means exactly it.

    >>> quoted('a"} or up{b="')
    '"a\\"} or up{b=\\""'
    """
    # Half of a pair is sent to no server; it would be in no label either.
    sendable = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return '"' + "".join(map(_sign, sendable)) + '"'


def _sign(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    is_control = ord(character) < 32 or ord(character) == 127
    return f"\\x{ord(character):02x}" if is_control else character
