"""What is unusual on this host now, and how it is said to people.

`measuring/habits.py` makes it once a minute; the detector `surprise` and the evidence of the same
name read it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.text.words import amount

_FAMILIES: Final = {
    "computing": (
        "cpu",
        "load",
        "steal",
        "pressure/cpu",
        "tasks",
        "fork_storm",
        "temperature",
    ),
    "memory": ("memory", "swap", "thrashing", "pressure/memory"),
    "storage": (
        "iowait",
        "disk_latency",
        "blocked_processes",
        "filesystem",
        "inodes",
        "pressure/io",
    ),
    "network": (
        "network_errors",
        "network_link",
        "network_saturation",
        "tcp_retransmits",
        "listen_overflow",
        "conntrack",
    ),
}
_NO_FIGURES: Final = (
    "alert",
    "filesystem_forecast",
    "prometheus",
    "reboot",
    "surprise",
    "timer",
)
"""Of other hosts, of what is to come, or of the time that passed."""
_OF_PROCESSES: Final = "/process:"
_SPELT: Final = {"cpu": "CPU", "pressure/cpu": "Time lost to waiting for CPU"}
_RAREST: Final = 1e-6
"""What is rarer cannot be told from a few weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """One figure that is improbable now. series: its place in the metric history.

    now: the mean of the minute. low, high: between which it mostly is around this time.
    tail: its tail probability.
    """

    series: str
    unit: str
    now: float
    low: float
    high: float
    tail: float

    @property
    def usually(self) -> str:
        """What it mostly is at this time of day, in words."""
        low, high = amount(self.low, self.unit), amount(self.high, self.unit)
        return low if low == high else f"{low} to {high}"

    @property
    def figure(self) -> str:
        """What it is now, in words."""
        return amount(self.now, self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """The last judgement. at: its minute; None before the first.

    tail: the tail probability of all figures together; None while it learns. odd: the
    figures that are rare by themselves, the rarest first.
    """

    at: datetime | None = None
    tail: float | None = None
    odd: tuple[Odd, ...] = ()


def is_of_host(series: str) -> bool:
    """Say whether a series is a lasting figure of this host.

    Not what Prometheus' rules measure (`rule@host#labels`), nor single processes.
    """
    if "@" in series or _OF_PROCESSES in series:
        return False
    return series.partition("/")[0] not in _NO_FIGURES


def family(series: str) -> str:
    """Return what the figure is about; figures of one family often move together."""
    detector = series.partition("/")[0]
    for name, members in _FAMILIES.items():
        if series in members or detector in members:
            return name
    return detector


def named(series: str) -> str:
    """Return what people call the figure."""
    if series in _SPELT:
        return _SPELT[series]
    detector, _, subject = series.partition("/")
    words = detector.replace("_", " ")
    return f"{words[:1].upper()}{words[1:]} {subject}".strip()


def odds(tail: float) -> str:
    """Say a tail probability: `1 in 2,000`.

    >>> odds(0.0051), odds(4.9e-4), odds(0)
    ('1 in 200', '1 in 2,000', 'less than 1 in 1,000,000')
    """
    if tail < _RAREST:
        return f"less than 1 in {1 / _RAREST:,.0f}"
    return f"1 in {float(f'{1 / tail:.1g}'):,.0f}"
