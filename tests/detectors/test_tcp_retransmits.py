"""Segments that are sent again, as a part of those that are sent."""

from pathlib import Path

import pytest

from bot.detectors.tcp_retransmits import TcpRetransmits, TcpRetransmitsSection
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.cards import PaperCards
from tests.detectors.pieces import this_host


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


def test_this_host() -> None:
    assert TcpRetransmits(TcpRetransmitsSection(), this_host()).check(()) == []
