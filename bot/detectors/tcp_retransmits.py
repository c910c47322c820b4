"""Many TCP segments are lost on their way and sent again.

Unit: percent of the segments that this host sent. Window: one round. Limits: from about
one segment in fifty on a connection over a wide network slows to a fraction (its pace goes
with 1/sqrt(loss): Mathis and others, 1997), at one in ten it stalls for seconds at a time.
A host that sends little says nothing: one lost answer would be a large part. Five minutes,
because a network mends most losses by itself. Culprits and action: none, it is the path.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, Previous, Taken
from bot.kernel import snmp
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount

_SENT: Final = "Tcp.OutSegs"
_AGAIN: Final = "Tcp.RetransSegs"


class TcpRetransmitsSection(DetectorSection):
    """Limits in percent of the segments sent.

    least: segments a second below which nothing is said.
    """

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(minutes=5), alias="for")
    keep_firing_for: Duration = timedelta(minutes=2)
    warning: float = 2
    critical: float = 10
    least: Annotated[float, Field(ge=0)] = 10


class TcpRetransmits:
    """Measures which part of TCP's segments is sent again."""

    name = "tcp_retransmits"
    Section = TcpRetransmitsSection

    def __init__(self, section: TcpRetransmitsSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="TCP segments sent again",
            unit="%",
            limits=section.limits(),
        )
        self._previous: Previous[Taken[Mapping[str, int]]] = Previous(section.interval)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the first round only begins the window and judges nothing."""
        now = self._host.sampler.look(snmp.read)
        if not {_SENT, _AGAIN} <= now.value.keys():
            raise NotTold("this kernel counts no TCP segments")
        before = self._previous.exchange(now)
        at = now.at.wall
        if before is None:
            return [self._gauge.unknown(at)] if "" in watched else []
        seconds = now.at.boot - before.at.boot
        sent = now.value[_SENT] - before.value.get(_SENT, 0)
        again = now.value[_AGAIN] - before.value.get(_AGAIN, 0)
        # Set back, as when the network's namespace is another one.
        if sent < 0 or again < 0:
            return [self._gauge.unknown(at)] if "" in watched else []
        return [self._measured(sent / seconds, again / seconds, at)]

    def _measured(self, sent: float, again: float, at: datetime) -> Finding:
        part = min(100 * again / sent, 100.0) if sent else 0.0
        judged = part if sent >= self.section.least else 0.0
        text = f"{self._host.name} sends {amount(part, '%')} of its TCP segments again."
        found = replace(self._gauge.finding(judged, text, at), value=part)
        if found.level is Level.OK:
            return found
        return replace(
            found,
            facts=(
                Fact(label="Sent again", value=self._gauge.said(part, found.level)),
                Fact(label="Sent", value=f"{amount(sent, '')} segments per s"),
            ),
            no_action=NoAction(
                rule="network",
                reason="what gets lost on the way is mended by nothing on this host",
                by_hand="nstat -az TcpRetransSegs TcpOutSegs; ss -tin",
            ),
        )


DETECTOR = TcpRetransmits
