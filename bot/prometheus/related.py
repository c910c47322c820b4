"""What else is unusual on a host: node_exporter's basics, ranked by their surprise.

Each basic is one question. The server reads the hours and answers three numbers, so a
host costs the same whatever its age: the mean of the last five minutes (recent), and
mean and standard deviation of the six hours that end half an hour before (usual,
spread), one reading every five minutes. Surprise is the standard score with a floor
under the spread,

    z = (recent - usual) / (spread + floor)

so that what hardly ever moves is no surprise when it moves by nothing: the statistic of
Tusher, Tibshirani and Chu, PNAS 98 (2001) 5116, whose `s0` is the floor here. A surprise
is 3 or more, either way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.prometheus.answer import Sample
from bot.prometheus.selector import on_host

SURPRISING: Final = 3.0
_FEWEST: Final = 12
"""Readings, an hour of them; with fewer nobody knows what is usual."""
_DISKS: Final = 'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic:
    """One figure of a host. expr: with $host where the host's matcher stands.

    unit: of its value and its floor. floor: a change that is worth no word.
    """

    name: str
    label: str
    unit: str
    floor: float
    expr: str

    def of_host(self, label: str, host: str) -> str:
        """Return the question for one host; label: the one that names hosts."""
        return self.expr.replace("$host", on_host(label, host))


BASICS: Final = (
    Basic(
        name="cpu",
        label="CPU",
        unit="%",
        floor=2,
        expr='100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle",$host}[5m])))',
    ),
    Basic(
        name="memory",
        label="Memory in use",
        unit="%",
        floor=1,
        expr="100 * (1 - max(node_memory_MemAvailable_bytes{$host}) "
        "/ max(node_memory_MemTotal_bytes{$host}))",
    ),
    Basic(
        name="load",
        label="Load",
        unit="",
        floor=0.3,
        expr="max(node_load1{$host})",
    ),
    Basic(
        name="disk",
        label="Fullest disk",
        unit="%",
        floor=0.5,
        expr=f"max(100 - 100 * node_filesystem_avail_bytes{{{_DISKS},$host}} "
        f"/ node_filesystem_size_bytes{{{_DISKS},$host}})",
    ),
    Basic(
        name="busy_disk",
        label="Busiest disk at work",
        unit="%",
        floor=2,
        expr="100 * max(rate(node_disk_io_time_seconds_total{$host}[5m]))",
    ),
    Basic(
        name="network",
        label="Network received",
        unit="MB/s",
        floor=0.1,
        expr="sum(rate(node_network_receive_bytes_total"
        '{device!="lo",$host}[5m])) / 1e6',
    ),
    Basic(
        name="sent",
        label="Network sent",
        unit="MB/s",
        floor=0.1,
        expr="sum(rate(node_network_transmit_bytes_total"
        '{device!="lo",$host}[5m])) / 1e6',
    ),
    Basic(
        name="restarts",
        label="Restarts in 15 min",
        unit="",
        floor=0.3,
        expr="sum(changes(process_start_time_seconds{$host}[15m]))",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surprise:
    """How a basic stands against what is usual; all but z in its unit."""

    basic: Basic
    recent: float
    usual: float
    spread: float

    @property
    def z(self) -> float:
        """Its standard score, with the floor under the spread."""
        return (self.recent - self.usual) / (self.spread + self.basic.floor)


def question(basic: Basic, label: str, host: str) -> str:
    """Return the one question for a basic of a host."""
    figure = basic.of_host(label, host)
    hours = f"({figure})[6h:5m] offset 30m"
    numbers = {
        "recent": f"avg_over_time(({figure})[5m:1m])",
        "usual": f"avg_over_time({hours})",
        "spread": f"stddev_over_time({hours})",
        "readings": f"count_over_time({hours})",
    }
    named = (f'label_replace({e}, "is", "{n}", "", "")' for n, e in numbers.items())
    return " or ".join(named)


def surprise(basic: Basic, samples: Sequence[Sample]) -> Surprise | None:
    """Read the answer; None where too little is known."""
    told = {s.labels.get("is"): s.value for s in samples if math.isfinite(s.value)}
    if not {"recent", "usual", "spread"} <= set(told):
        return None
    if told.get("readings", 0) < _FEWEST:
        return None
    return Surprise(
        basic=basic,
        recent=told["recent"],
        usual=told["usual"],
        spread=told["spread"],
    )


def ranked(found: Sequence[Surprise]) -> list[Surprise]:
    """Return what is surprising, the most surprising first."""
    surprising = (one for one in found if abs(one.z) >= SURPRISING)
    return sorted(surprising, key=lambda one: abs(one.z), reverse=True)
