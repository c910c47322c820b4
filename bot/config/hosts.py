"""The other hosts whose services may be operated, by the names that alerts use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bot.config.section import Section

HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$")]
_KEYS = r"ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)"
HostKey = Annotated[str, Field(pattern=rf"^({_KEYS}) [A-Za-z0-9+/]{{40,1000}}=*$")]


class HostSection(Section):
    """How one host's gate is reached.

    address: name or number. gate: by what; SSH, whose forced command there is the gate.
    host_key: the only one that it may have, such as `ssh-ed25519 AAAA…`; where it is not
    given, known_hosts tells (without one: `known_hosts` in the bot's state folder).
    """

    address: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    user: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] = "root"
    gate: Literal["ssh"] = "ssh"
    host_key: HostKey | None = None
    known_hosts: Path | None = None


def check_others(hosts: Mapping[str, HostSection], here: str) -> None:
    """Raise `ValueError` where an entry is no other host, or is there twice."""
    if "fleet" in hosts:
        raise ValueError("fleet is what the bot calls no host in particular")
    if here in hosts:
        raise ValueError(f"{here} is this very host, which needs no entry")
    known: dict[str, str] = {_plain(here): "this very host"}
    for name, host in hosts.items():
        place = f"{_plain(host.address)}:{host.port}"
        for what in {_plain(name), place}:
            if what in known:
                raise ValueError(
                    f"{name} is {known[what]} under another name, and caps and "
                    "maintenance go by name; keep one of them"
                )
            known[what] = name


def _plain(name: str) -> str:
    return name.casefold().rstrip(".")
