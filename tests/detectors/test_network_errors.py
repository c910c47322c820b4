"""Packets that are lost on a card, and the few that are dropped anywhere."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.detectors.network_errors import NetworkErrors, NetworkErrorsSection
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.cards import PaperCards, wired
from tests.detectors.pieces import this_host


@pytest.fixture
def cards(tmp_path: Path) -> PaperCards:
    return PaperCards(tmp_path)


@pytest.fixture
def errors(cards: PaperCards) -> NetworkErrors:
    detector = NetworkErrors(NetworkErrorsSection(), cards.host)
    assert detector.check(()) == []
    return detector


def seen(errors: NetworkErrors, cards: PaperCards, card: str = "eth0") -> Finding:
    cards.round(15)
    return {found.subject: found for found in errors.check({card})}[card]


@pytest.mark.parametrize(
    ("lost", "level"), [(80, Level.OK), (200, Level.WARNING), (2000, Level.CRITICAL)]
)
def test_the_part_that_is_damaged_is_judged(
    errors: NetworkErrors, cards: PaperCards, lost: int, level: Level
) -> None:
    cards.passed("eth0", received=6000, sent=4000, errors=lost)

    found = seen(errors, cards)

    assert (found.level, found.value) == (level, pytest.approx(lost / 100))
    assert (found.no_action is None) is (level is Level.OK)


def test_what_is_dropped_counts_too(errors: NetworkErrors, cards: PaperCards) -> None:
    cards.passed("eth0", received=900, dropped=100)

    assert seen(errors, cards).level is Level.CRITICAL


def test_a_frame_that_nobody_listens_to_now_and_then_is_well(
    errors: NetworkErrors, cards: PaperCards
) -> None:
    cards.passed("eth0", received=30, dropped=10)

    assert seen(errors, cards).level is Level.OK


def test_a_host_without_a_card_does_not_tell(
    errors: NetworkErrors, cards: PaperCards
) -> None:
    cards.lose_all()

    with pytest.raises(NotTold, match="no network card"):
        errors.check({"eth0"})


def test_it_clears_when_nothing_is_lost(
    errors: NetworkErrors, cards: PaperCards
) -> None:
    cards.passed("eth0", received=900, dropped=100)
    seen(errors, cards)
    cards.passed("eth0", received=1000)

    assert seen(errors, cards).level is Level.OK


def test_what_has_no_card_is_left_out_unless_it_is_named(cards: PaperCards) -> None:
    cards.card("veth12", is_card=False)
    cards.write()
    plain = NetworkErrors(NetworkErrorsSection(), cards.host)
    named = NetworkErrors(NetworkErrorsSection(interfaces=("veth12",)), cards.host)
    for detector in (plain, named):
        detector.check(())
    cards.passed("veth12", received=900, dropped=100)
    cards.round(15)

    assert "veth12" not in {f.subject for f in plain.check(())}
    assert "veth12" in {f.subject for f in named.check(())}


def test_a_counter_that_was_set_back_is_not_judged(
    errors: NetworkErrors, cards: PaperCards
) -> None:
    cards.passed("eth0", received=5000, errors=500)
    seen(errors, cards)
    cards.counted["eth0"] = [0] * 16

    assert seen(errors, cards).level is Level.UNKNOWN


FRAMES = (
    "import socket, sys\n"
    "sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\n"
    "sender.bind((sys.argv[1], 0))\n"
    # A protocol for experiments (IEEE 802), which nobody here listens to.
    "frame = bytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xB5]) + bytes(100)\n"
    "for _ in range(500):\n"
    "    sender.send(frame)\n"
)


def test_frames_that_nobody_takes_on_a_real_wire() -> None:
    with wired() as (here, there):
        section = NetworkErrorsSection(interfaces=(there,))
        errors = NetworkErrors(section, this_host())
        errors.check(())
        subprocess.run([sys.executable, "-S", "-c", FRAMES, here], check=True)
        time.sleep(0.2)
        found = {f.subject: f for f in errors.check(())}[there]

    assert found.level is Level.CRITICAL
    assert found.no_action is not None
    assert found.no_action.by_hand.endswith(there)


def test_the_cards_of_this_host() -> None:
    errors = NetworkErrors(NetworkErrorsSection(), this_host())

    assert errors.check(()) == []
    assert [f.level for f in errors.check({"gone0"})][-1] is Level.UNKNOWN
