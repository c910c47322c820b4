"""Segments that are sent again, as a part of those that are sent."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.detectors.tcp_retransmits import TcpRetransmits, TcpRetransmitsSection
from bot.model import Finding, Level
from bot.ports import NotTold
from bot.runtime.clock import SystemClock
from remediation.target.facts import FactReader
from tests.detectors.cards import PaperCards
from tests.detectors.pieces import as_root, context, this_host


@pytest.fixture
def cards(tmp_path: Path) -> PaperCards:
    return PaperCards(tmp_path, tcp={"OutSegs": 5, "RetransSegs": 0})


@pytest.fixture
def tcp(cards: PaperCards) -> TcpRetransmits:
    detector = TcpRetransmits(TcpRetransmitsSection(), cards.host)
    assert detector.check(()) == []
    return detector


def sent(tcp: TcpRetransmits, cards: PaperCards, sent: int, again: int) -> Finding:
    cards.tcp["OutSegs"] += sent
    cards.tcp["RetransSegs"] += again
    cards.round(15)
    (finding,) = tcp.check({""})
    return finding


@pytest.mark.parametrize(
    ("again", "level"), [(10, Level.OK), (30, Level.WARNING), (150, Level.CRITICAL)]
)
def test_the_part_that_is_sent_again_is_judged(
    tcp: TcpRetransmits, cards: PaperCards, again: int, level: Level
) -> None:
    found = sent(tcp, cards, 1000, again)

    assert (found.value, found.level) == (pytest.approx(again / 10), level)


def test_it_clears(tcp: TcpRetransmits, cards: PaperCards) -> None:
    sent(tcp, cards, 1000, 150)

    assert sent(tcp, cards, 1000, 1).level is Level.OK


def test_a_host_that_sends_little_says_nothing(
    tcp: TcpRetransmits, cards: PaperCards
) -> None:
    assert sent(tcp, cards, 100, 40).level is Level.OK
    assert sent(tcp, cards, 0, 0).level is Level.OK


def test_counters_that_were_set_back_are_not_judged(
    tcp: TcpRetransmits, cards: PaperCards
) -> None:
    assert sent(tcp, cards, -3, 0).level is Level.UNKNOWN


def test_a_host_that_counts_no_segments_does_not_tell(cards: PaperCards) -> None:
    cards.tcp.clear()
    cards.write()

    with pytest.raises(NotTold, match="no TCP segments"):
        TcpRetransmits(TcpRetransmitsSection(), cards.host).check(())


LOSSY = (
    "/usr/sbin/ip link set lo up && /usr/sbin/iptables -A INPUT -p tcp -m statistic"
    ' --mode random --probability {loss} -j DROP && exec {python} -S -c "$0"'
)
TALK = (
    "import socket, threading, time\n"
    "server = socket.create_server(('127.0.0.1', 0), backlog=100)\n"
    "def take(taken):\n"
    "    while taken.recv(65536): pass\n"
    "clients = []\n"
    "for _ in range(8):\n"
    "    client = socket.create_connection(server.getsockname())\n"
    "    clients.append(client)\n"
    "    taken = server.accept()[0]\n"
    "    threading.Thread(target=take, args=[taken], daemon=True).start()\n"
    "    client.setblocking(False)\n"
    "print('talking', flush=True)\n"
    "end = time.monotonic() + 30\n"
    "while time.monotonic() < end:\n"
    "    for client in clients:\n"
    "        try: client.send(bytes(500))\n"
    "        except BlockingIOError: pass\n"
    "    time.sleep(0.01)\n"
)


@contextmanager
def talking(loss: float) -> Iterator[Path]:
    """A network of its own in which a part of all segments is lost; its /proc."""
    if not as_root:
        pytest.skip("a network of its own needs root")
    shell = LOSSY.format(loss=loss, python=sys.executable)
    command = ["/usr/bin/unshare", "-n", "/bin/sh", "-c", shell, TALK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            if not process.stdout.readline():
                pytest.skip("this container has no networks or no firewall of its own")
            yield Path(f"/proc/{process.pid}")
        finally:
            process.kill()


@pytest.mark.parametrize(("loss", "is_well"), [(0.0, True), (0.1, False)])
def test_a_real_connection_over_a_network_that_loses(
    loss: float, *, is_well: bool
) -> None:
    section = TcpRetransmitsSection.model_validate({"interval": "0.5s", "for": "1s"})
    with talking(loss) as proc:
        clock = SystemClock()
        tcp = TcpRetransmits(section, context(proc, clock, FactReader("web-1")))
        tcp.check(())
        time.sleep(2)
        (found,) = tcp.check(())

    assert (found.level is Level.OK) is is_well


def test_this_host() -> None:
    assert TcpRetransmits(TcpRetransmitsSection(), this_host()).check(()) == []
