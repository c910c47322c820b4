"""Links that are full: a backup alone, and one that connections suffer from."""

from contextlib import suppress
from pathlib import Path

import pytest

from bot.detectors.network_saturation import (
    NetworkSaturation,
    NetworkSaturationSection,
)
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.cards import PaperCards
from tests.detectors.pieces import this_host

SECOND = 125_000
"""Packets of 1,000 bytes that a link of 1 Gb/s carries in a second."""


@pytest.fixture
def cards(tmp_path: Path) -> PaperCards:
    return PaperCards(tmp_path, tcp={"OutSegs": 0, "RetransSegs": 0})


@pytest.fixture
def saturation(cards: PaperCards) -> NetworkSaturation:
    detector = NetworkSaturation(NetworkSaturationSection(), cards.host)
    assert detector.check(()) == []
    return detector


def seen(saturation: NetworkSaturation, cards: PaperCards) -> Finding:
    cards.round(15)
    return {f.subject: f for f in saturation.check({"eth0"})}["eth0"]


def test_a_full_link_alone_is_a_backup(
    saturation: NetworkSaturation, cards: PaperCards
) -> None:
    cards.passed("eth0", sent=15 * SECOND)

    found = seen(saturation, cards)

    assert (found.level, found.value) == (Level.OK, pytest.approx(100))


@pytest.mark.parametrize(
    ("part", "level"), [(0.5, Level.OK), (0.92, Level.WARNING), (1, Level.CRITICAL)]
)
def test_a_full_link_that_drops_packets_is_told(
    saturation: NetworkSaturation, cards: PaperCards, part: float, level: Level
) -> None:
    cards.passed("eth0", sent=int(15 * SECOND * part), received=10, dropped=90)

    assert seen(saturation, cards).level is level


def test_a_frame_dropped_now_and_then_is_no_suffering(
    saturation: NetworkSaturation, cards: PaperCards
) -> None:
    cards.passed("eth0", sent=15 * SECOND, dropped=3)

    assert seen(saturation, cards).level is Level.OK


def test_where_no_card_can_be_judged_it_does_not_tell(cards: PaperCards) -> None:
    saturation = NetworkSaturation(NetworkSaturationSection(), cards.host)
    for name in ("eth0", "eth1"):
        cards.set(name, "speed", -1)
    with pytest.raises(NotTold, match="speed"):
        saturation.check(())
    cards.lose_all()
    with pytest.raises(NotTold, match="no network card"):
        saturation.check(())


def test_a_full_link_while_segments_are_sent_again_is_told(
    saturation: NetworkSaturation, cards: PaperCards
) -> None:
    cards.passed("eth0", received=15 * SECOND)
    cards.tcp.update(OutSegs=10_000, RetransSegs=300)

    found = seen(saturation, cards)

    assert found.level is Level.CRITICAL
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["Segments sent again"] == "3 %"
    assert facts["Received"] == "125 MB per s"


def test_a_card_that_does_not_say_its_speed_is_left_out(
    saturation: NetworkSaturation, cards: PaperCards
) -> None:
    cards.set("eth1", "speed", -1)
    cards.round(15)

    assert {f.subject for f in saturation.check(())} == {"eth0"}


def test_the_cards_of_this_host() -> None:
    saturation = NetworkSaturation(NetworkSaturationSection(), this_host())

    with suppress(NotTold):  # a virtual card tells no speed
        assert saturation.check(()) == []
