"""Real connections that a real program does not accept."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.detectors.listen_overflow import ListenOverflow, ListenOverflowSection
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.cards import PaperCards
from tests.detectors.pieces import PaperProc, this_host

SOCKETS = ((80, 128, 6), (8080, 2, 7))
"""Port, how many wait, and inode; the first one's holder is hidden."""
DEAF = (
    "import socket, time\n"
    "server = socket.socket()\n"
    "server.bind(('127.0.0.1', 0))\n"
    "server.listen(1)\n"
    "print(server.getsockname()[1], flush=True)\n"
    "time.sleep(60)\n"
)


@contextmanager
def deaf() -> Iterator[tuple[int, int]]:
    """A child that listens and never accepts; its pid and port."""
    command = [sys.executable, "-S", "-c", DEAF]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.kill()


def knock(port: int, times: int) -> list[socket.socket]:
    found = []
    for _ in range(times):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        found.append(client)
    return found


def seen(overflow: ListenOverflow, port: int, times: int) -> Finding:
    clients = knock(port, times)
    time.sleep(0.3)
    (found,) = overflow.check({""})
    for client in clients:
        client.close()
    return found


def test_who_does_not_accept_is_named() -> None:
    section = ListenOverflowSection.model_validate({"interval": "0.2s", "for": "1s"})
    overflow = ListenOverflow(section, this_host())
    overflow.check(())
    with deaf() as (pid, port):
        found = seen(overflow, port, 40)

    assert found.level is Level.CRITICAL
    assert found.culprit is not None
    assert found.culprit.identity.pid == pid
    facts = {fact.label: fact.value for fact in found.facts}
    assert str(port) in facts["Full queues"]


def test_who_accepts_turns_nobody_away() -> None:
    section = ListenOverflowSection.model_validate({"interval": "0.2s", "for": "1s"})
    overflow = ListenOverflow(section, this_host())
    overflow.check(())
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        found = seen(overflow, server.getsockname()[1], 40)

    # Others on this machine may be turned away meanwhile; not by this one's forty.
    assert found.value is not None and found.value < 40


@pytest.fixture
def cards(tmp_path: Path) -> PaperCards:
    return PaperCards(tmp_path, listen={"ListenOverflows": 7, "ListenDrops": 9})


@pytest.mark.parametrize(
    ("turned", "level"), [(5, Level.OK), (10, Level.WARNING), (50, Level.CRITICAL)]
)
def test_the_rate_is_judged_and_clears(
    cards: PaperCards, turned: int, level: Level
) -> None:
    overflow = ListenOverflow(ListenOverflowSection(), cards.host)
    assert overflow.check(()) == []
    cards.listen["ListenOverflows"] += turned
    cards.round(10)
    (found,) = overflow.check(())
    cards.round(10)
    (after,) = overflow.check(())

    assert (found.level, found.value) == (level, pytest.approx(turned / 10))
    assert after.level is Level.OK


def test_without_a_name_the_command_to_look_is_given(cards: PaperCards) -> None:
    overflow = ListenOverflow(ListenOverflowSection(), cards.host)
    overflow.check(())
    cards.listen["ListenOverflows"] += 500
    cards.round(10)
    (found,) = overflow.check(())

    assert found.culprits == ()
    assert found.no_action is not None and found.no_action.by_hand == "ss -ltnp"


def test_who_is_seen_is_not_blamed_for_what_is_hidden(cards: PaperCards) -> None:
    proc = PaperProc(cards.proc, cards.clock)
    proc.process(41)
    (cards.proc / "41/fd").mkdir()
    (cards.proc / "41/fd/3").symlink_to("socket:[7]")
    line = (
        "0: 0100007F:{port:04X} 00000000:0000 0A 00000000:{waiting:08X} 00 0 33 0 {n} 1"
    )
    lines = [line.format(port=p, waiting=w, n=n) for p, w, n in SOCKETS]
    (cards.proc / "net/tcp").write_text("\n".join(["  sl", *lines, ""]))
    overflow = ListenOverflow(ListenOverflowSection(), cards.host)
    overflow.check(())
    cards.listen["ListenOverflows"] += 500
    cards.round(10)
    (found,) = overflow.check(())

    assert found.culprits[0].share == pytest.approx(2 / 130)
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["Full queues"] == "port 80, 8080"
    assert found.no_action is not None
    assert found.no_action.reason == "who holds the queues is told to nobody but root"


def test_a_counter_that_was_set_back_is_not_judged(cards: PaperCards) -> None:
    overflow = ListenOverflow(ListenOverflowSection(), cards.host)
    overflow.check(())
    cards.listen["ListenOverflows"] = 0
    cards.round(10)

    assert overflow.check(()) == []


def test_a_kernel_that_does_not_count_them_does_not_tell(cards: PaperCards) -> None:
    cards.listen.clear()
    cards.write()

    with pytest.raises(NotTold, match="full listen queues"):
        ListenOverflow(ListenOverflowSection(), cards.host).check(())
