"""A network card damages or drops packets.

Unit: percent of the packets of one card, both ways, that were damaged or dropped. Window:
one round. Limits: 1 % as in node-mixin and awesome-prometheus-alerts (Netdata: 2 % of drops), at which
TCP gets visibly slower, and 10 %, at which connections stall. Counts from five packets a second on:
a frame that nobody listens to now and then is dropped on any network. Bridges, tunnels
and containers' interfaces are left out (`bot/kernel/interfaces.py`). Culprits and action:
none, it is the cable, the card or how fast the host fetches.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from functools import partial
from heapq import nlargest
from shlex import quote
from typing import Annotated, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, Previous, Taken
from bot.kernel import interfaces
from bot.kernel.interfaces import Traffic
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount

TOLD: Final = 20
"""So many cards are told of in a round, the worst first, beside the watched ones."""


class NetworkErrorsSection(DetectorSection):
    """Limits in percent of the packets.

    least: bad packets a second below which nothing is said. interfaces: what is watched
    beside the cards, by name.
    """

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(minutes=2), alias="for")
    keep_firing_for: Duration = timedelta(minutes=2)
    warning: float = 1
    critical: float = 10
    least: Annotated[float, Field(ge=0)] = 5
    interfaces: tuple[str, ...] = ()


class NetworkErrors:
    """Measures which part of its packets each card loses."""

    name = "network_errors"
    Section = NetworkErrorsSection

    def __init__(self, section: NetworkErrorsSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._links = partial(interfaces.links, more=section.interfaces)
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Packets lost",
            unit="%",
            limits=section.limits(),
        )
        self._previous: Previous[Taken[dict[str, Traffic]]] = Previous(section.interval)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: the worst cards and the watched ones; the first round none."""
        taken = self._host.sampler.look(interfaces.traffic)
        cards = self._host.sampler.look(self._links).value
        if not cards:
            raise NotTold("no network card of its own here")
        now = Taken(taken.at, {n: t for n, t in taken.value.items() if n in cards})
        before = self._previous.exchange(now)
        passed = _passed(before, now) if before else {}
        worst = nlargest(TOLD, passed, key=lambda card: _lost_percent(passed[card]))
        subjects = set(worst) | set(watched)
        self._gauge.keep(subjects)
        seconds = now.at.boot - before.at.boot if before else 1.0
        return [
            self._measure(card, passed.get(card), now, seconds)
            for card in sorted(subjects)
        ]

    def _measure(
        self,
        card: str,
        passed: Traffic | None,
        now: Taken[dict[str, Traffic]],
        seconds: float,
    ) -> Finding:
        label = f"Packets lost on {card}"
        if passed is None:
            return replace(self._gauge.unknown(now.at.wall, card), label=label)
        lost = _lost_percent(passed)
        per_second = _lost(passed) / seconds
        is_enough = per_second >= self.section.least
        summary = f"{card} loses {amount(lost, '%')} of its packets."
        judged = lost if is_enough else 0.0
        found = self._gauge.finding(judged, summary, now.at.wall, card)
        found = replace(found, label=label, value=lost)
        return found if found.level is Level.OK else self._bad(found, passed, seconds)

    def _bad(self, found: Finding, passed: Traffic, seconds: float) -> Finding:
        shown = self._gauge.said(found.value or 0.0, found.level)
        return replace(
            found,
            facts=(
                Fact(label="Packets lost", value=shown),
                Fact(label="Damaged", value=_rate(passed.errors, seconds)),
                Fact(label="Dropped", value=_rate(passed.dropped, seconds)),
                Fact(
                    label="Packets", value=_rate(passed.received + passed.sent, seconds)
                ),
            ),
            no_action=NoAction(
                rule="network",
                reason="nothing that this bot may do mends a cable, a card or a switch",
                by_hand=f"ip -s -s link show {quote(found.subject)}",
            ),
        )


def _passed(
    before: Taken[dict[str, Traffic]], now: Taken[dict[str, Traffic]]
) -> dict[str, Traffic]:
    both = before.value.keys() & now.value.keys()
    found = {n: interfaces.between(before.value[n], now.value[n]) for n in both}
    return {name: passed for name, passed in found.items() if passed is not None}


def _lost(passed: Traffic) -> int:
    return passed.errors + passed.dropped


def _lost_percent(passed: Traffic) -> float:
    """Return percent of all; damaged and dropped ones may or may not count as received."""
    lost = _lost(passed)
    return 100 * lost / max(passed.received + passed.sent, lost, 1)


def _rate(count: int, seconds: float) -> str:
    return f"{amount(count / seconds, '')} per s"


DETECTOR = NetworkErrors
