"""The way over SSH: a real server on loopback that is right, wrong, slow or forgetful."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from remediation.gate.client import GateClient
from remediation.gate.door import Waiting
from remediation.gate.request import GREETING, Answer, Verdict, encode_answer
from remediation.gate.ssh import SshDoor, SshHost
from remediation.target.privilege import GateClosed, GateRefused, Unanswered
from remediation.target.unit import UnitIdentity

Process = asyncssh.SSHServerProcess[bytes]
Handler = Callable[[Process, list[bytes]], Awaitable[None]]
SHORT = timedelta(seconds=1.5)
DONE = encode_answer(Answer(verdict=Verdict.DONE))
WAITING = Waiting(longest=timedelta(seconds=5))


@dataclass(kw_only=True)
class There:
    """A server. host: as the bot knows it. heard: every line that it was sent."""

    host: SshHost
    heard: list[bytes] = field(default_factory=list)
    commands: list[str | None] = field(default_factory=list)

    def ask(self, waiting: Waiting = WAITING, **changes: Any) -> Answer:
        host = replace(self.host, **changes)
        return SshDoor(host, patience=SHORT).ask(b"{}\n", waiting)


async def answers(process: Process, heard: list[bytes]) -> None:
    process.stdout.write(GREETING)
    heard.append(await process.stdin.readline())
    process.stdout.write(DONE)


async def greets_as_no_gate(process: Process, heard: list[bytes]) -> None:
    process.stdout.write(b"Welcome to web-7!\n")
    heard.append(await process.stdin.readline())


async def greets_nobody(process: Process, heard: list[bytes]) -> None:
    heard.append(await process.stdin.readline())


async def ends_at_once(process: Process, heard: list[bytes]) -> None:
    del process, heard


async def refuses(process: Process, heard: list[bytes]) -> None:
    del heard
    no = Answer(verdict=Verdict.REFUSED, rule="gate.request", reason="no list")
    process.stdout.write(encode_answer(no))


async def forgets(process: Process, heard: list[bytes]) -> None:
    process.stdout.write(GREETING)
    heard.append(await process.stdin.readline())


async def is_silent(process: Process, heard: list[bytes]) -> None:
    await forgets(process, heard)
    await asyncio.sleep(30)


async def talks_without_end(process: Process, heard: list[bytes]) -> None:
    await forgets(process, heard)
    process.stdout.write(b"x" * 1_000_000)


async def garbles(process: Process, heard: list[bytes]) -> None:
    await forgets(process, heard)
    process.stdout.write(b"no JSON\n")


@contextmanager
def serving(folder: Path, handler: Handler = answers) -> Iterator[There]:
    """A server with a key of its own, which knows the bot's."""
    mine, its = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    keys = asyncssh.import_authorized_keys(mine.export_public_key().decode())
    host = SshHost(
        name="web-7",
        address="127.0.0.1",
        key=mine.export_private_key().decode(),
        host_key=its.export_public_key().decode().strip(),
        known_hosts=folder / "known_hosts",
    )
    there = There(host=host)

    async def handle(process: Process) -> None:
        there.commands.append(process.command)
        await handler(process, there.heard)
        process.exit(0)

    async def serve() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[its],
            authorized_client_keys=keys,
            process_factory=handle,
            encoding=None,
        )

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(serve())
    there.host = replace(host, port=server.get_port())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield there
    finally:
        asyncio.run_coroutine_threadsafe(_ended(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _ended(server: asyncssh.SSHAcceptor) -> None:
    server.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    # What the client dropped is noticed, and closed.
    await asyncio.sleep(0.1)


def test_one_request_is_answered(tmp_path: Path) -> None:
    with serving(tmp_path) as there:
        assert there.ask().verdict is Verdict.DONE
    assert there.heard == [b"{}\n"]
    assert there.commands == ["countersign-gate"]


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (greets_as_no_gate, "no gate of this version"),
        (greets_nobody, "gave no answer within"),
        (ends_at_once, "no gate greets there"),
    ],
)
def test_what_does_not_greet_as_a_gate_is_sent_nothing(
    tmp_path: Path, handler: Handler, words: str
) -> None:
    with serving(tmp_path, handler) as there, pytest.raises(GateClosed, match=words):
        there.ask()
    assert [line for line in there.heard if line] == []


def test_a_gate_that_refuses_in_place_of_its_greeting_is_heard(tmp_path: Path) -> None:
    with serving(tmp_path, refuses) as there, pytest.raises(GateRefused, match="no li"):
        there.ask()


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (forgets, "was lost"),
        (is_silent, "no answer in time"),
        (talks_without_end, "was lost"),
        (garbles, "unreadable"),
    ],
)
def test_an_answer_that_is_lost_leaves_open_what_was_done(
    tmp_path: Path, handler: Handler, words: str
) -> None:
    with serving(tmp_path, handler) as there, pytest.raises(Unanswered, match=words):
        there.ask(Waiting(longest=SHORT))
    assert len(there.heard) == 1, "asked once, and never again"


def test_who_waits_is_told_and_may_hang_up(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    told: list[timedelta] = []

    def on_wait(so_far: timedelta) -> None:
        told.append(so_far)
        if len(told) == 2:
            raise Enough

    with serving(tmp_path, is_silent) as there, pytest.raises(Enough):
        there.ask(Waiting(longest=timedelta(seconds=9), told=on_wait, every=0.2))
    assert told == sorted(told)


def test_who_waits_is_asked_once_more_before_anything_is_sent(tmp_path: Path) -> None:
    """The way there took seconds, in which somebody may have locked the bot."""

    class Locked(Exception):
        pass

    def on_wait(so_far: timedelta) -> None:
        assert so_far == timedelta(0)
        raise Locked

    with serving(tmp_path) as there, pytest.raises(Locked):
        there.ask(Waiting(longest=timedelta(seconds=5), told=on_wait))
    assert there.heard == []


# --- whom it trusts ------------------------------------------------------------------


def test_another_key_than_the_configured_one_is_refused(tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    words = r"another host key than hosts\.web-7\.host_key"
    with serving(tmp_path) as there, pytest.raises(GateClosed, match=words):
        there.ask(host_key=other.strip())
    assert there.heard == []


def test_a_key_that_nobody_told_of_is_refused_with_the_command(tmp_path: Path) -> None:
    with serving(tmp_path) as there:
        scan = f"ssh-keyscan -t ed25519 -p {there.host.port} 127.0.0.1"
        for before in (None, "elsewhere.example ssh-ed25519 AAAA\n"):
            if before:
                there.host.known_hosts.write_text(before)
            with pytest.raises(GateClosed, match="nobody has told of") as refused:
                there.ask(host_key=None)
            assert f"{scan} >> {there.host.known_hosts}" in str(refused.value)
            assert str(refused.value).endswith("it was asked nothing")
    assert there.heard == []


def test_a_file_of_known_hosts_tells_the_key(tmp_path: Path) -> None:
    with serving(tmp_path) as there:
        place = f"[127.0.0.1]:{there.host.port}"
        there.host.known_hosts.write_text(f"{place} {there.host.host_key}\n")
        assert there.ask(host_key=None).verdict is Verdict.DONE
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key()
        there.host.known_hosts.write_text(f"{place} {other.decode()}")
        with pytest.raises(GateClosed, match=r"another host key than .*known_hosts"):
            there.ask(host_key=None)
        there.host.known_hosts.write_bytes(b"\xff\xfe")
        with pytest.raises(GateClosed, match="cannot be read as known hosts"):
            there.ask(host_key=None)


def test_a_key_of_the_bots_that_is_not_known_there_is_said_so(tmp_path: Path) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key()
    with serving(tmp_path) as there:
        with pytest.raises(GateClosed, match="does not accept this bot's key as root"):
            there.ask(key=stranger.decode())
        with pytest.raises(GateClosed, match="has no key"):
            there.ask(key=None)
        with pytest.raises(GateClosed, match="no private key that can be read"):
            there.ask(key="x")
    assert there.heard == []
    assert "PRIVATE" not in repr(there.host)


def test_a_host_by_name_whose_key_is_not_known_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as there:
        there.host.known_hosts.write_text("elsewhere.example ssh-ed25519 AAAA\n")
        with pytest.raises(GateClosed, match="nobody has told of"):
            there.ask(host_key=None, address="localhost")


def test_a_key_of_the_same_address_is_no_key_of_the_name(tmp_path: Path) -> None:
    """What the name resolves to today may be another machine that is known as well."""
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with serving(tmp_path) as there:
        port, key = there.host.port, there.host.host_key
        lines = f"[localhost]:{port} {other.strip()}\n[127.0.0.1]:{port} {key}\n"
        there.host.known_hosts.write_text(lines)
        with pytest.raises(GateClosed, match="another host key"):
            there.ask(host_key=None, address="localhost")
        there.host.known_hosts.write_text(f"[localhost]:{port} {key}\n")
        done = there.ask(host_key=None, address="localhost")
    assert done.verdict is Verdict.DONE


@pytest.mark.parametrize(
    "packet", [b"\0" * 64, b"\xff" * 64, b"\0\0\0\x0c\x0a\x14" * 9]
)
def test_packets_that_are_none_are_a_host_that_cannot_be_reached(
    tmp_path: Path, packet: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, serving(tmp_path) as there:

        def lie() -> None:
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"SSH-2.0-x\r\n" + packet)
                peer.recv(4096)

        liar = threading.Thread(target=lie, daemon=True)
        liar.start()
        with pytest.raises(GateClosed):
            there.ask(port=server.getsockname()[1])
        liar.join(5)


def test_nobody_there_is_told_by_name(tmp_path: Path) -> None:
    with serving(tmp_path) as there:
        port = there.host.port
    with pytest.raises(GateClosed, match=r"web-7 cannot be reached .Connection ref"):
        there.ask(port=port)


def test_a_name_that_can_be_none_is_told_by_name(tmp_path: Path) -> None:
    with serving(tmp_path) as there, pytest.raises(GateClosed, match="cannot be reach"):
        there.ask(address="a..b")


def test_a_port_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, serving(tmp_path) as there:
        port = mute.getsockname()[1]
        with pytest.raises(GateClosed, match="gave no answer within"):
            there.ask(port=port)


def test_an_answer_about_a_unit_that_is_none_is_no_answer(tmp_path: Path) -> None:
    with serving(tmp_path) as there:
        gate = GateClient(SshDoor(there.host, patience=SHORT))
        with pytest.raises(GateClosed, match="unreadable"):
            gate.unit("nginx.service")
        unit = UnitIdentity(boot_id="7" * 36, name="nginx.service", invocation="")
        assert gate.operate(
            "restart", unit, on_wait=lambda _: None, deadline=timedelta(seconds=1)
        )
