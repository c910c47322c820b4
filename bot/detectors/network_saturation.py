"""A network card carries as much as its link can, and connections suffer from it.

Unit: percent of the link's own speed, of the way that carries more. Window: one round.
Limits: 90 % as Netdata, and 98 % (awesome-prometheus-alerts warns at 80 %, with more noise). A full link alone is normal while a backup or a copy runs: it counts only
where the card drops five packets a second, or one segment of a hundred is sent again (TCP); otherwise it
is well. Cards that do not say their speed (most virtual ones) are left out, and so is what
has no card behind it. Culprits: none, the kernel counts traffic of no process.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import nlargest
from shlex import quote
from typing import Annotated, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, Previous, Taken
from bot.kernel import interfaces, snmp
from bot.kernel.interfaces import Link, Traffic
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount

TOLD: Final = 20
"""So many cards are told of in a round, the fullest first, beside the watched ones."""
SENT_AGAIN: Final = 1.0
"""Percent of the segments from which connections are seen to suffer."""
DROPPED: Final = 5.0
"""Packets a second; fewer are dropped on any network (`network_errors`)."""


class NetworkSaturationSection(DetectorSection):
    """Limits in percent of the link's speed."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    keep_firing_for: Duration = timedelta(minutes=2)
    warning: float = 90
    critical: float = 98


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """All counters of one round. sent, again: TCP segments; 0 where nobody counts them."""

    traffic: Mapping[str, Traffic]
    sent: int
    again: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One card in one round. percent: of its speed. dropped: packets a second.

    sent_again: percent of TCP's segments.
    """

    percent: float
    received: float
    sent: float
    speed: int
    dropped: float
    sent_again: float

    @property
    def is_suffered(self) -> bool:
        """Whether somebody feels it."""
        return self.dropped >= DROPPED or self.sent_again >= SENT_AGAIN


class NetworkSaturation:
    """Measures how much of its speed each card uses."""

    name = "network_saturation"
    Section = NetworkSaturationSection

    def __init__(self, section: NetworkSaturationSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Link used",
            unit="%",
            limits=section.limits(),
        )
        self._previous: Previous[Taken[Counted]] = Previous(section.interval)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: the fullest cards and the watched ones; the first round none."""
        taken = self._host.sampler.look(interfaces.traffic)
        links = self._host.sampler.look(interfaces.links).value
        if not links:
            raise NotTold("no network card of its own here")
        if all(link.bits_per_second is None for link in links.values()):
            raise NotTold("no card tells its speed")
        now = Taken(taken.at, self._counted(taken.value))
        before = self._previous.exchange(now)
        loads = _loads(before, now, links) if before else {}
        fullest = nlargest(TOLD, loads, key=lambda card: loads[card].percent)
        subjects = set(fullest) | set(watched)
        self._gauge.keep(subjects)
        at = taken.at.wall
        return [self._measure(card, loads.get(card), at) for card in sorted(subjects)]

    def _counted(self, traffic: Mapping[str, Traffic]) -> Counted:
        try:
            tcp = self._host.sampler.look(snmp.read).value
        except NotTold:
            tcp = {}
        return Counted(
            traffic=traffic,
            sent=tcp.get("Tcp.OutSegs", 0),
            again=tcp.get("Tcp.RetransSegs", 0),
        )

    def _measure(self, card: str, load: Load | None, at: datetime) -> Finding:
        label = f"Link of {card} used"
        if load is None:
            return replace(self._gauge.unknown(at, card), label=label)
        used = amount(load.percent, "%")
        summary = f"{card} carries {used} of what its link can."
        judged = load.percent if load.is_suffered else 0.0
        found = self._gauge.finding(judged, summary, at, card)
        found = replace(found, label=label, value=load.percent)
        return found if found.level is Level.OK else self._bad(found, load)

    def _bad(self, found: Finding, load: Load) -> Finding:
        shown = self._gauge.said(load.percent, found.level)
        speed = f"{amount(load.speed / 8, 'B')} per s"
        return replace(
            found,
            facts=(
                Fact(label="Link used", value=f"{shown} of {speed}"),
                Fact(label="Received", value=f"{amount(load.received, 'B')} per s"),
                Fact(label="Sent", value=f"{amount(load.sent, 'B')} per s"),
                Fact(label="Dropped", value=f"{amount(load.dropped, '')} per s"),
                Fact(label="Segments sent again", value=amount(load.sent_again, "%")),
            ),
            no_action=NoAction(
                rule="no culprit",
                reason="the kernel does not count whose traffic it is",
                by_hand=f"ss -tin; ip -s link show {quote(found.subject)}",
            ),
        )


def _loads(
    before: Taken[Counted], now: Taken[Counted], links: Mapping[str, Link]
) -> dict[str, Load]:
    seconds = now.at.boot - before.at.boot
    sent = now.value.sent - before.value.sent
    again = now.value.again - before.value.again
    sent_again = 100 * again / sent if sent > 0 and 0 <= again <= sent else 0.0
    found = {}
    for name, link in links.items():
        earlier = before.value.traffic.get(name)
        after = now.value.traffic.get(name)
        passed = interfaces.between(earlier, after) if earlier and after else None
        if passed is None or link.bits_per_second is None:
            continue
        most = max(passed.received_bytes, passed.sent_bytes)
        found[name] = Load(
            percent=min(100 * 8 * most / seconds / link.bits_per_second, 100),
            received=passed.received_bytes / seconds,
            sent=passed.sent_bytes / seconds,
            speed=link.bits_per_second,
            dropped=passed.dropped / seconds,
            sent_again=sent_again,
        )
    return found


DETECTOR = NetworkSaturation
