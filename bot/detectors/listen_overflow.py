"""Connections are turned away, because a program does not accept them fast enough.

Unit: connections a second that found the queue of a listening socket full (TcpExt
ListenOverflows; ListenDrops counts them too and more). Window: one round. Limits: one and
five a second (Netdata's for the accept queue). A minute, because a program that starts
anew is seen to overflow for some seconds. Culprits: who holds the sockets at which
connections wait at this instant, each with its part of all that wait, also where the kernel
hides the holder from the bot; of several holders the oldest, which opened it for its workers.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.blame.suspects import TOP, Suspect, culprit_facts, culprits
from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext, Previous, Taken
from bot.kernel import snmp, sockets
from bot.kernel.roots import Roots
from bot.kernel.sockets import Listener
from bot.measuring.gauge import Gauge
from bot.model import Culprit, Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount

UNIT: Final = "per s"
_OVERFLOWS: Final = "TcpExt.ListenOverflows"

_NOBODY: Final = "no process holds half of the connections that wait"
_HIDDEN: Final = "who holds the queues is told to nobody but root"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """Listening sockets at which somebody waits, the fullest first.

    held: those whose holder is known, with the pid that opened it. is_hidden: whether the
    kernel tells of some of them no holder.
    """

    full: list[Listener]
    held: list[tuple[Listener, int]]
    is_hidden: bool


class ListenOverflowSection(DetectorSection):
    """Limits in connections a second."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=10
    )
    for_: Duration = Field(default=timedelta(minutes=1), alias="for")
    keep_firing_for: Duration = timedelta(minutes=1)
    warning: float = 1
    critical: float = 5


class ListenOverflow:
    """Measures how many connections are turned away, and who should have taken them."""

    name = "listen_overflow"
    Section = ListenOverflowSection

    def __init__(self, section: ListenOverflowSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Connections turned away",
            unit=UNIT,
            limits=section.limits(),
        )
        self._previous: Previous[Taken[Mapping[str, int]]] = Previous(section.interval)

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once; the first round only begins the window and judges nothing."""
        now = self._host.sampler.look(snmp.read)
        if _OVERFLOWS not in now.value:
            raise NotTold("this kernel does not count full listen queues")
        before = self._previous.exchange(now)
        turned = now.value[_OVERFLOWS] - before.value[_OVERFLOWS] if before else -1
        if before is None or turned < 0:
            return [self._gauge.unknown(now.at.wall)] if "" in watched else []
        return [self._measured(turned / (now.at.boot - before.at.boot), now.at.wall)]

    def _measured(self, rate: float, at: datetime) -> Finding:
        name = self._host.name
        text = f"{name} turns away {amount(rate, '')} connections a second."
        found = self._gauge.finding(rate, text, at)
        if found.level is Level.OK:
            return found
        queues = self._host.sampler.look(_waiting).value
        blamed = self._culprits(queues, rate)
        ports = sorted({listener.port for listener in queues.full})
        return replace(
            found,
            facts=(
                Fact(label="Turned away", value=self._gauge.said(rate, found.level)),
                *([Fact(label="Full queues", value=_ports(ports))] if ports else []),
                *culprit_facts(blamed, "the connections that wait"),
            ),
            culprits=blamed,
            no_action=NoAction(
                rule="no culprit",
                reason=_HIDDEN if queues.is_hidden else _NOBODY,
                by_hand="ss -ltnp",
            ),
        )

    def _culprits(self, queues: Queues, rate: float) -> tuple[Culprit, ...]:
        whole = sum(listener.waiting for listener in queues.full)
        waiting: dict[int, int] = {}
        for listener, pid in queues.held:
            waiting[pid] = waiting.get(pid, 0) + listener.waiting
        most = sorted(waiting, key=lambda pid: waiting[pid], reverse=True)[:TOP]
        found = [
            Suspect(row=row, share=waiting[pid] / whole)
            for pid in most
            if (row := self._host.sampler.process(pid)) is not None
        ]
        return culprits(found, self._host.facts, rate)


def _waiting(roots: Roots) -> Queues:
    """Return the sockets that somebody waits at, with their holders."""
    full = [found for found in sockets.listeners(roots) if found.waiting]
    full.sort(key=lambda listener: listener.waiting, reverse=True)
    asked = [found.inode for found in full[: 4 * TOP]]
    held = sockets.holders(roots, asked)
    # Pid 1 holds the sockets of services that it starts at the first connection.
    pids = {inode: [pid for pid in some if pid > 1] for inode, some in held.items()}
    return Queues(
        full=full,
        held=[
            (listener, min(pids[listener.inode]))
            for listener in full
            if pids.get(listener.inode)
        ],
        is_hidden=any(inode not in held for inode in asked),
    )


def _ports(ports: list[int]) -> str:
    more = f" and {len(ports) - 5} more" if ports[5:] else ""
    return "port " + ", ".join(map(str, ports[:5])) + more


DETECTOR = ListenOverflow
