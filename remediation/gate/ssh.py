"""The way to another host's gate: SSH, whose forced command there is the gate. One door.

One connection, one request, one answer. Nothing of this machine's own SSH counts: no
agent, no configuration, no key but the one that is given. The host must have the key that
is known of it; one that is not known is refused, never learnt. The library is imported at
the first question.
"""

import asyncio
import os
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from remediation.gate.door import Waiting, greeted, read_answer
from remediation.gate.fields import LONGEST_LINE
from remediation.gate.request import Answer
from remediation.printable import printable
from remediation.target.privilege import GateClosed, GateRefused, Unanswered

if TYPE_CHECKING:
    from asyncssh import (
        SSHClientConnection,
        SSHClientProcess,
        SSHKey,
        SSHKnownHosts,
        SSHReader,
    )

PATIENCE: Final = timedelta(seconds=5)
"""From the first packet to the gate's greeting; as long again for an answer but a job's."""

_COMMAND: Final = "countersign-gate"  # sshd runs its forced command in place of any
_GOODBYE: Final = 1.0
_TURNS: Final = 5
_WHILE: Final = timedelta(hours=1)  # who waits for the greeting has a deadline
_SSH: Final = 22
_SILENCES: Final = 3
_SILENT: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SshHost:
    """A host as it is reached.

    key: the private key in OpenSSH's format. host_key: the only one that the host may
    have, as `ssh-keyscan` prints it without the name; where it is None, known_hosts
    tells.
    """

    name: str
    address: str
    port: int = _SSH
    user: str = "root"
    key: str | None = field(default=None, repr=False)
    host_key: str | None = None
    known_hosts: Path

    @property
    def how_to_know(self) -> str:
        """The command that adds the host's key, and what to compare first."""
        scan = f"ssh-keyscan -t ed25519 -p {self.port} {self.address}"
        check = "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
        return (
            f"add it with `{scan} >> {self.known_hosts}` once its fingerprint is what "
            f"`{check}` prints on {self.name}"
        )


class SshDoor:
    """The gate of another host. patience: see `PATIENCE`."""

    def __init__(self, host: SshHost, *, patience: timedelta = PATIENCE) -> None:
        self.patience = patience
        self._host = host

    def ask(self, request: bytes, waiting: Waiting) -> Answer:
        """Connect, be greeted, ask, hear."""
        return _run(self._ask(request, waiting))

    async def _ask(self, request: bytes, waiting: Waiting) -> Answer:
        connection: SSHClientConnection | None = None
        try:
            # One deadline for all that comes before the request.
            async with asyncio.timeout(self.patience.total_seconds()):
                connection = await self._connected()
                gate = await self._greeting(connection)
        except TimeoutError as error:
            _drop(connection)
            seconds = self.patience.total_seconds()
            raise self._closed(f"gave no answer within {seconds:g} s") from error
        except (GateClosed, GateRefused):
            _drop(connection)
            raise
        try:
            answer = await _asked(gate, request, waiting)
            await _ended(connection)
        finally:
            _drop(connection)
        return answer

    async def _connected(self) -> "SSHClientConnection":
        import asyncssh

        host = self._host
        try:
            return await asyncssh.connect(
                host.address,
                host.port,
                username=host.user,
                client_keys=[self._key()],
                known_hosts=self._trusted().match(*self._named()),
                config=None,
                agent_path=None,
                preferred_auth="publickey",
                gss_host=None,
                x509_trusted_certs=None,
                keepalive_interval=_SILENT,
                keepalive_count_max=_SILENCES,
            )
        except asyncssh.HostKeyNotVerifiable as error:
            raise self._closed(self._foreign()) from error
        except asyncssh.PermissionDenied as error:
            raise self._closed(f"does not accept this bot's key as {host.user}") from (
                error
            )
        # Packets that cannot be read end as ValueError.
        except (OSError, ValueError, asyncssh.Error) as error:
            raise self._closed(f"cannot be reached ({_why(error)})") from error

    async def _greeting(
        self, connection: "SSHClientConnection"
    ) -> "SSHClientProcess[bytes]":
        """Start the gate there and hear its greeting; raise `GateClosed`, `GateRefused`."""
        import asyncssh

        try:
            gate: SSHClientProcess[bytes] = await connection.create_process(
                _COMMAND, encoding=None, stderr=asyncssh.DEVNULL
            )
            first = await _line(gate.stdout, Waiting(longest=_WHILE))
        except (OSError, ValueError, asyncssh.Error) as error:
            raise self._closed("was reached, but no gate greets there") from error
        greeted(first)
        return gate

    def _key(self) -> "SSHKey":
        import asyncssh

        if self._host.key is None:
            raise self._closed(
                "is not asked: this bot has no key (COUNTERSIGN_SSH_KEY)"
            )
        try:
            return asyncssh.import_private_key(self._host.key)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            reason = "is not asked: COUNTERSIGN_SSH_KEY holds no private key that can be read"
            raise self._closed(reason) from error

    def _trusted(self) -> "SSHKnownHosts":
        import asyncssh

        host = self._host
        try:
            if host.host_key is not None:
                return asyncssh.import_known_hosts(f"* {host.host_key}\n")
            return asyncssh.read_known_hosts(str(host.known_hosts))
        except FileNotFoundError as error:
            raise self._closed(_NOT_KNOWN.format(host.how_to_know)) from error
        except (OSError, ValueError) as error:
            reason = f"is not asked: {host.known_hosts} cannot be read as known hosts"
            raise self._closed(reason) from error

    def _named(self) -> tuple[str, str, int | None]:
        """Return what its keys are looked up by: its own name or address, and the port.

        What a name resolves to may be another machine's address, which is known too.
        """
        host = self._host
        port = None if host.port == _SSH else host.port
        return host.address, host.address if _is_address(host.address) else "", port

    def _foreign(self) -> str:
        """Say what is not right about the key that the host showed."""
        host = self._host
        told = f"hosts.{host.name}.host_key"
        if host.host_key is None:
            told = str(host.known_hosts)
            if not self._trusted().match(*self._named())[0]:
                return _NOT_KNOWN.format(host.how_to_know)
        return _CHANGED.format(told, host.name)

    def _closed(self, why: str) -> GateClosed:
        return GateClosed(f"{self._host.name} {why}; it was asked nothing")


_NOT_KNOWN: Final = "has a host key that nobody has told of: {}"
_CHANGED: Final = (
    "has another host key than {} says, so it may be somebody else. If {} was installed "
    "anew, put its new key there"
)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _run(asking: Coroutine[Any, Any, Answer]) -> Answer:
    """Run it in a loop of its own, and wait for nothing that it leaves behind.

    `asyncio.run` would: a resolver that hangs, in a thread, would outlast each deadline.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(asking)
    finally:
        loop.run_until_complete(_quiet(asyncio.all_tasks(loop)))
        loop.close()


async def _quiet(left: set[asyncio.Task[Any]]) -> None:
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
    # A connection that was dropped is closed within the loop's next turns.
    for _ in range(_TURNS):
        await asyncio.sleep(0)


async def _asked(
    gate: "SSHClientProcess[bytes]", request: bytes, waiting: Waiting
) -> Answer:
    import asyncssh

    if waiting.told is not None:
        # The way here took seconds; whoever has a reason to stop says so now.
        waiting.told(timedelta(0))
    # From here on nobody knows what a lost answer was.
    try:
        gate.stdin.write(request)
        line = await _line(gate.stdout, waiting)
    except TimeoutError as error:
        raise Unanswered("the gate gave no answer in time") from error
    except (OSError, ValueError, asyncssh.Error) as error:
        raise Unanswered("the gate's answer was lost") from error
    return read_answer(line)


async def _line(reader: "SSHReader[bytes]", waiting: Waiting) -> bytes:
    """Return one line; raise `TimeoutError`, `OSError` or the library's error."""
    found = bytearray()
    began = time.monotonic()
    while not found.endswith(b"\n"):
        part = await _part(reader, LONGEST_LINE - len(found), waiting, began)
        if not part:
            raise ConnectionResetError
        found += part
    return bytes(found)


async def _part(
    reader: "SSHReader[bytes]", room: int, waiting: Waiting, began: float
) -> bytes:
    reading = asyncio.ensure_future(reader.read(room))
    longest = waiting.longest.total_seconds()
    try:
        while (left := longest - (time.monotonic() - began)) > 0:
            # A read that is cancelled half-way could lose what it has.
            await asyncio.wait({reading}, timeout=min(left, waiting.every))
            if reading.done():
                return reading.result()
            if waiting.told is not None:
                waiting.told(timedelta(seconds=time.monotonic() - began))
    finally:
        reading.cancel()
    raise TimeoutError


async def _ended(connection: "SSHClientConnection") -> None:
    """Say goodbye, for a moment: the answer is there already."""
    connection.close()
    await asyncio.wait(
        {asyncio.ensure_future(connection.wait_closed())}, timeout=_GOODBYE
    )


def _drop(connection: "SSHClientConnection | None") -> None:
    if connection is not None:
        connection.abort()


def _why(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else printable(str(error), limit=120)
