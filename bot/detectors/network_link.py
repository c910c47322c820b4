"""A network card lost its link, or nothing arrives over it any more.

Unit: none; 0 is well, 1 a link that is missed while another card has one, 2 the last one.
Window: none for the link; for silence `silent_for`, after a while (`heard_for`) in which
each round received something, and only of the card of the default route (IPv4): a second
network may be quiet. Limits: the last link is critical, another a warning: whoever
has two can wait for the morning. A card that somebody
switched off, or that never had a link since the bot looks, is well. Traffic that only gets
less is normal (a backup ends): a network where nothing at all arrives, not even what is sent
to everybody, is a broken one. Culprits and action: none.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from shlex import quote
from typing import Annotated, ClassVar, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import LONGEST, HostContext
from bot.kernel import interfaces
from bot.kernel.interfaces import Link
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level, Limits, NoAction
from bot.ports import NotTold
from remediation.moment import Moment

TOLD: Final = 20
"""So many cards are told of in a round, beside the watched ones."""
_LIMITS: Final = Limits(warning=1, critical=2, clear_warning=1, clear_critical=2)


class NetworkLinkSection(DetectorSection):
    """It has no limits. interfaces: what is watched beside the cards, by name.

    silent_for: how long nothing may arrive. heard_for: how long something must have
    arrived in every round before.
    """

    has_limits: ClassVar[bool] = False

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=10
    )
    for_: Duration = Field(default=timedelta(seconds=20), alias="for")
    warning: float = 1
    critical: float = 2
    silent_for: Duration = timedelta(minutes=2)
    heard_for: Duration = timedelta(minutes=30)
    interfaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was heard over one card, in seconds since boot.

    received: its counter. since: since when each round received something, if so.
    silent: since when nothing arrives after that.
    """

    received: int
    since: float | None = None
    silent: float | None = None


class NetworkLink:
    """Looks at whether each card has a link, and whether anything arrives."""

    name = "network_link"
    Section = NetworkLinkSection

    def __init__(self, section: NetworkLinkSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._links = partial(interfaces.links, more=section.interfaces)
        self._gauge = Gauge(
            detector=self.name, host=host.name, label="Link", unit="", limits=_LIMITS
        )
        self._linked: set[str] = set()
        """Cards that had a link since this bot looks, or whose alert is open."""
        self._heard: dict[str, Heard] = {}
        self._last: Moment | None = None

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Look once: what is missed, and the watched ones."""
        traffic = self._host.sampler.look(interfaces.traffic)
        taken = self._host.sampler.look(self._links)
        links = taken.value
        if not links:
            raise NotTold("no network card of its own here")
        counted = {n: t.received for n, t in traffic.value.items() if n in links}
        heard = (
            self._host.sampler.look(interfaces.default_routes).value & counted.keys()
        )
        self._listen({name: counted[name] for name in heard}, traffic.at)
        self._linked |= {n for n, link in links.items() if link.has_carrier}
        self._linked = (self._linked | set(watched)) & links.keys()
        bad = {n: why for n in links if (why := self._missed(n, links, traffic.at))}
        subjects = set(sorted(bad)[:TOLD]) | set(watched)
        self._gauge.keep(subjects)
        return [self._judged(s, links, bad, taken.at) for s in sorted(subjects)]

    def _listen(self, counted: Mapping[str, int], at: Moment) -> None:
        last, self._last = self._last, at
        longest = LONGEST * self.section.interval.total_seconds()
        is_next = last is not None and last.boot_id == at.boot_id
        if last is None or not is_next or at.boot - last.boot > longest:
            self._heard = {}
        self._heard = {
            name: self._followed(self._heard.get(name), received, at.boot)
            for name, received in counted.items()
        }

    def _followed(self, heard: Heard | None, received: int, at: float) -> Heard:
        if heard is None:
            return Heard(received=received)
        if received != heard.received:
            since = at if heard.since is None else heard.since
            return Heard(received=received, since=since)
        silent = at if heard.silent is None else heard.silent
        steady = self.section.heard_for.total_seconds()
        if heard.since is None or silent - heard.since < steady:
            return Heard(received=received)
        return replace(heard, silent=silent)

    def _missed(self, name: str, links: Mapping[str, Link], at: Moment) -> str:
        """Say what is wrong with a card; "" where nothing is."""
        if not links[name].is_up:
            return ""
        if not links[name].has_carrier:
            return "has lost its link" if name in self._linked else ""
        heard = self._heard.get(name)
        if heard is None or heard.silent is None:
            return ""
        is_long = at.boot - heard.silent >= self.section.silent_for.total_seconds()
        return "receives nothing at all any more" if is_long else ""

    def _judged(
        self, name: str, links: Mapping[str, Link], bad: Mapping[str, str], at: Moment
    ) -> Finding:
        label = f"Link of {name}"
        if name not in links:
            return replace(self._gauge.unknown(at.wall, name), label=label)
        if name not in bad:
            text = f"{name} {_stands(links[name])}."
            found = self._gauge.finding(0.0, text, at.wall, name)
            return replace(found, label=label, shown="well", is_passing=True)
        well = [n for n, ln in links.items() if ln.has_carrier and n not in bad]
        rest = (
            f"{', '.join(sorted(well)[:3])} still has one"
            if well
            else "no other has one"
        )
        text = f"{name} {bad[name]}; {rest}."
        found = self._gauge.finding(1.0 if well else 2.0, text, at.wall, name)
        return replace(self._told(found, links[name]), label=label, shown=bad[name])

    def _told(self, found: Finding, link: Link) -> Finding:
        return replace(
            found,
            is_passing=found.level is not Level.UNKNOWN,
            facts=(
                Fact(label="Card", value=found.subject),
                Fact(label="Link", value="yes" if link.has_carrier else "no"),
            ),
            no_action=NoAction(
                rule="network",
                reason="nothing that this bot may do mends a cable, a card or a switch",
                by_hand=f"ip -s link show {quote(found.subject)}; journalctl -k -g link",
            ),
        )


def _stands(link: Link) -> str:
    if not link.is_up:
        return "was switched off by somebody"
    return "has its link" if link.has_carrier else "never had a link here"


DETECTOR = NetworkLink
