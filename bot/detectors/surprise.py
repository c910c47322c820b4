"""Several figures of the host do what they hardly ever did at this time of day.

Unit: surprise, -log10 of the tail probability of all figures together: 3 is what one
minute of 1,000 shows. Window: three minutes against weeks of this host's own past
(`bot/surprise/surprise.py` has the formula and its sources). Limit: 3.5, one minute of
3,200, chosen on labelled hosts (`make bench-detect`). Surprise alone calls nobody: it
counts only while figures of two families are odd, or one is while tasks lose their time
to a resource (PSI of 10 s: CPU 40 %, memory 5 %, disks 20 %, each well below what calls
somebody by itself). Computing, memory and storage count as one, since a compile or a backup
moves all three. Culprits: none, what is odd is no cause. While it learns, a day and a
quarter, it tells nothing.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.prometheus import Name
from bot.config.section import Section
from bot.config.settings import DetectorSection, Limit
from bot.config.yamlfile import Where
from bot.host.host import HostContext
from bot.host.unusual import Odd, Unusual, family, named, odds
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level, NoAction
from bot.ports import NotTold

SATURATED: Final = {"cpu": 40.0, "memory": 5.0, "io": 20.0}
"""Percent of the last 10 s in which some task waited for the resource."""
TOGETHER: Final = frozenset({"computing", "memory", "storage"})
"""Families that any work moves; among themselves they agree to nothing."""
_SHOWN: Final = 5
_NOBODY: Final = NoAction(
    rule="no culprit",
    reason="what is unusual is known, its cause is not",
    by_hand="top -b -n 1 | head -n 20; journalctl --since '-10 min' -p warning",
)


class WarmUpSection(Section):
    """Who knows what was usual before the bot came.

    server: one of `prometheus.servers`. instance: the label of this host's node_exporter
    there. back: how much of the past is learnt.
    """

    server: Name
    instance: Annotated[str, Field(min_length=1, max_length=300)]
    back: Annotated[Duration, Field(ge=timedelta(days=1), le=timedelta(days=60))] = (
        timedelta(days=14)
    )


class SurpriseSection(DetectorSection):
    """Limits in surprise. It warns only: the critical limit is never reached.

    warm_up: where the past is learnt from; without it only from what is seen.
    """

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(minutes=1), alias="for")
    keep_firing_for: Duration = timedelta(minutes=15)
    warning: Limit = 3.5
    critical: Limit = 1000
    warm_up: WarmUpSection | None = None

    def asks(self) -> Mapping[Where, str]:
        """Return the server that tells of the past."""
        return {("warm_up", "server"): self.warm_up.server} if self.warm_up else {}


class SurpriseDetector:
    """Looks at the last judgement of the host's figures."""

    name = "surprise"
    Section = SurpriseSection

    def __init__(self, section: SurpriseSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._is_lone = False
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Several figures",
            unit="",
            limits=section.limits(),
        )

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Say how unusual the host is; the host's own finding is always in the answer."""
        del watched
        unusual = self._host.unusual()
        if unusual.tail is None:
            raise NotTold(
                "it learns what is usual here, a day and a quarter of figures"
            )
        return [self._finding(unusual, unusual.tail, self._host.clock.now().wall)]

    def _finding(self, unusual: Unusual, tail: float, at: datetime) -> Finding:
        short = self._short_of()
        families = sorted({family(odd.series) for odd in unusual.odd})
        apart = len(families) > 1 and not TOGETHER.issuperset(families)
        is_agreed = apart or (bool(families) and bool(short))
        value = -math.log10(tail) if is_agreed else 0.0
        found = self._gauge.finding(value, _summary(self._host.name, unusual), at)
        self._note(
            unusual, replace(found, value=-math.log10(tail)), is_agreed=is_agreed
        )
        if found.level is Level.OK:
            return found
        facts = (
            Fact(label="Together", value=f"{odds(tail)} minutes"),
            Fact(label="Agree", value=", ".join(families)),
            *_short_facts(short),
            *(_fact(odd) for odd in unusual.odd[:_SHOWN]),
        )
        return replace(found, facts=facts, shown="unusual", no_action=_NOBODY)

    def _note(self, unusual: Unusual, found: Finding, *, is_agreed: bool) -> None:
        """Tell of a surprise that stays alone, once for as long as it lasts."""
        is_rare = (found.value or 0.0) >= self.section.warning
        is_lone = is_rare and not is_agreed and bool(unusual.odd)
        if is_lone and not self._is_lone:
            odd = unusual.odd[0]
            shown = f"{odd.figure} ({odds(odd.tail)})"
            self._host.lone(replace(found, label=named(odd.series), shown=shown))
        self._is_lone = is_lone

    def _short_of(self) -> Sequence[str]:
        pressure = self._host.sampler.sample().pressure
        return [
            resource
            for resource, limit in SATURATED.items()
            if resource in pressure and pressure[resource].some >= limit
        ]


def _summary(host: str, unusual: Unusual) -> str:
    if not unusual.odd:
        return f"{host} is as usual."
    first = ", ".join(f"{named(o.series)} {o.figure}" for o in unusual.odd[:3])
    more = f" and {len(unusual.odd) - 3} more" if unusual.odd[3:] else ""
    return f"{host} is unlike itself at this time of day: {first}{more}."


def _short_facts(short: Sequence[str]) -> Sequence[Fact]:
    return [Fact(label="Tasks wait for", value=", ".join(short))] if short else []


def _fact(odd: Odd) -> Fact:
    rarity = f"usually at this time {odd.usually}; {odds(odd.tail)}"
    return Fact(label=named(odd.series), value=f"{odd.figure} ({rarity})")


DETECTOR = SurpriseDetector
