"""Links that are lost, for real and on paper, and networks that fall silent."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.detectors.network_link import NetworkLink, NetworkLinkSection
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.cards import PaperCards, wired
from tests.detectors.pieces import this_host


@pytest.fixture
def cards(tmp_path: Path) -> PaperCards:
    return PaperCards(tmp_path)


@pytest.fixture
def link(cards: PaperCards) -> NetworkLink:
    detector = NetworkLink(NetworkLinkSection(), cards.host)
    assert detector.check(()) == []
    return detector


def seen(link: NetworkLink, cards: PaperCards, watched: str = "") -> dict[str, Finding]:
    cards.round(10)
    return {f.subject: f for f in link.check({watched} if watched else ())}


def test_a_lost_link_is_a_warning_and_the_last_one_critical(
    link: NetworkLink, cards: PaperCards
) -> None:
    cards.set("eth0", "carrier", 0)
    first = seen(link, cards)
    cards.set("eth1", "carrier", 0)
    both = seen(link, cards)

    assert [(s, f.level) for s, f in first.items()] == [("eth0", Level.WARNING)]
    assert first["eth0"].summary == "eth0 has lost its link; eth1 still has one."
    assert {f.level for f in both.values()} == {Level.CRITICAL}


def test_a_host_without_a_card_does_not_tell(
    link: NetworkLink, cards: PaperCards
) -> None:
    cards.lose_all()

    with pytest.raises(NotTold, match="no network card"):
        link.check({"eth0"})


def test_it_is_well_when_the_link_is_back(link: NetworkLink, cards: PaperCards) -> None:
    cards.set("eth0", "carrier", 0)
    seen(link, cards)
    cards.set("eth0", "carrier", 1)

    assert seen(link, cards, "eth0")["eth0"].level is Level.OK


def test_who_switches_a_card_off_knows_it(link: NetworkLink, cards: PaperCards) -> None:
    cards.set("eth0", "flags", "0x1002")
    cards.set("eth0", "carrier", "")

    assert seen(link, cards) == {}
    assert "switched off" in seen(link, cards, "eth0")["eth0"].summary


def test_a_port_without_a_cable_never_had_a_link(cards: PaperCards) -> None:
    cards.set("eth1", "carrier", 0)
    link = NetworkLink(NetworkLinkSection(), cards.host)

    assert seen(link, cards) == {}


def test_a_card_that_is_gone_is_unknown(link: NetworkLink, cards: PaperCards) -> None:
    assert seen(link, cards, "eth9")["eth9"].level is Level.UNKNOWN


def test_a_network_that_falls_silent_is_missed(
    link: NetworkLink, cards: PaperCards
) -> None:
    for _ in range(200):
        cards.passed("eth0", received=30)
        assert seen(link, cards) == {}
    rounds = [seen(link, cards) for _ in range(14)]

    assert rounds[:12] == [{}] * 12
    (found,) = rounds[-1].values()
    assert (found.subject, found.level) == ("eth0", Level.WARNING)
    assert "receives nothing at all any more" in found.summary

    cards.passed("eth0", received=1)
    assert seen(link, cards, "eth0")["eth0"].level is Level.OK


def test_only_the_card_of_the_default_route_is_missed_when_it_is_silent(
    link: NetworkLink, cards: PaperCards
) -> None:
    cards.route("eth1")
    for _ in range(200):
        for card in ("eth0", "eth1"):
            cards.passed(card, received=30)
        seen(link, cards)
    rounds = [seen(link, cards) for _ in range(14)]

    assert set(rounds[-1]) == {"eth1"}


def test_a_card_that_is_hardly_used_may_be_silent(
    link: NetworkLink, cards: PaperCards
) -> None:
    for number in range(300):
        if number % 20 == 0:
            cards.passed("eth0", received=1)
        assert seen(link, cards) == {}


def test_after_a_night_of_sleep_silence_is_not_counted(
    link: NetworkLink, cards: PaperCards
) -> None:
    for _ in range(200):
        cards.passed("eth0", received=30)
        seen(link, cards)
    cards.clock.forward(30_000)

    assert [seen(link, cards) for _ in range(20)] == [{}] * 20


@pytest.fixture
def pair() -> Iterator[tuple[str, str]]:
    with wired() as names:
        yield names


def test_a_real_wire_that_is_pulled_and_put_back(pair: tuple[str, str]) -> None:
    here, there = pair
    section = NetworkLinkSection(interfaces=(here,))
    link = NetworkLink(section, this_host())
    levels = []
    for state in ("up", "down", "up"):
        subprocess.run(["/usr/sbin/ip", "link", "set", there, state], check=True)
        time.sleep(0.2)
        levels.append({f.subject: f.level for f in link.check({here})}[here])

    assert levels == [Level.OK, Level.WARNING, Level.OK]
