"""The other hosts whose services may be operated, by the names that alerts use."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bot.section import Section

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
