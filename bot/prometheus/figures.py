"""Our own figures of a host, as node_exporter tells them to Prometheus: for the warm-up.

Each expression gives the mean of the minute that ends, in our unit and by our meaning,
with the same fading where a detector looks back. A counter's rise is the difference of
two minutes and no `rate`, which extrapolates; so each pace of scraping that divides a
minute gives the same. A minute in which a counter began anew has no figure.

Left out is what has no equal there: means of quotients and of maxima over our rounds
(`disk_latency`, `network_errors`, `network_saturation`, `tcp_retransmits`), what needs a
collector that is off by default (`tasks`, `zombies`), and events and judgements of ours.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from bot.text.gostring import quoted

_ROLLING_20: Final = (5 / 6, 1 / 6)
"""The mean over a minute of a window of 20 s: what this minute and the one before add."""


def _fading(times: float, minutes: int) -> tuple[float, ...]:
    """Return the same of an average of the kernel's that fades so many times in a minute.

    By quarters of a minute, the last first.
    """

    def left(quarters: int) -> float:
        return math.exp(-times * quarters / 4)

    shares = [1 / 4 - (left(n) - left(n + 1)) / times for n in range(4)]
    rest = range(4 * (minutes - 1))
    shares += [(1 - left(4)) * (left(n) - left(n + 1)) / times for n in rest]
    return tuple(share / sum(shares) for share in shares)


_FADING_MINUTE: Final = _fading(1, 5)
_FADING_10: Final = _fading(6, 2)
_ONE: Final = (1.0,)


def _rise(counter: str, shares: Sequence[float] = _ONE, *, seconds: int = 60) -> str:
    """Return a counter's rise in so many seconds, or a mean of the last ones.

    counter: with $ago where the offset stands.
    """
    # The rises' shares of each reading: what ends at it, less what begins there.
    parts = [now - later for now, later in zip((*shares, 0), (0, *shares), strict=True)]
    then = (f" offset {n * seconds}s" if n else "" for n in range(len(parts)))
    read = (counter.replace(" $ago", ago) for ago in then)
    return f"({' + '.join(f'{p!r} * {r}' for p, r in zip(parts, read, strict=True))})"


def _count(name: str, shares: Sequence[float] = _ONE, *, seconds: int = 60) -> str:
    return _rise(f"max({name}{{$host}} $ago)", shares, seconds=seconds)


def _cpu(modes: str) -> str:
    return _rise(f"sum(node_cpu_seconds_total{{{modes}$host}} $ago)")


_ALL: Final = _cpu("")


def _rolling(expr: str) -> str:
    """Return the mean of what is looked at four times in the minute."""
    # 60 s would begin with the end of the minute before.
    return f"avg_over_time(({expr})[59s:15s])"


def _of_all_time(mode: str) -> str:
    part = _cpu(f'mode="{mode}",')
    # The kernel lets iowait fall a little now and then: proc_stat(5).
    return f"clamp_min({_rolling(f'100 * {part} / ({_ALL} > 0)')}, 0)"


def _lost(what: str, shares: Sequence[float]) -> str:
    counter = f"node_pressure_{what}_seconds_total"
    return f"100 / 15 * {_count(counter, shares, seconds=15)} >= 0"


def _mean(name: str) -> str:
    return f"max(avg_over_time({name}{{$host}}[1m]))"


def _used(size: str, free: str, available: str) -> str:
    """Return percent used as df(1) counts it, by mount point."""
    names = (f"node_filesystem_{name}{{$host}}" for name in (size, free, available))
    all_, left, usable = (f"avg_over_time({name}[1m])" for name in names)
    used = f"({all_} - {left})"
    return f"max by (mountpoint) (100 * {used} / ({used} + {usable} > 0))"


_CORES: Final = 'count(node_cpu_seconds_total{mode="idle",$host})'
_WANTING: Final = "(max(node_procs_running{$host}) + max(node_procs_blocked{$host}))"
_LOAD: Final = f"((max(node_load1{{$host}}) < {_WANTING}) or {_WANTING}) / {_CORES}"
_URGENT: Final = _cpu('mode=~"user|system|irq|softirq",')
_GIVEN: Final = _cpu('mode!="steal",')

_FIGURES: Final[Mapping[str, str]] = {
    "cpu": f"100 * {_URGENT} / ({_GIVEN} > 0) >= 0",
    "load": _rolling(_LOAD),
    "iowait": _of_all_time("iowait"),
    "steal": _of_all_time("steal"),
    "memory": f"100 * {_mean('node_memory_MemAvailable_bytes')} "
    "/ max(node_memory_MemTotal_bytes{$host})",
    "swap": "100 * (max(node_memory_SwapTotal_bytes{$host}) "
    f"- {_mean('node_memory_SwapFree_bytes')}) "
    "/ clamp_min(max(node_memory_SwapTotal_bytes{$host}), 1)",
    "thrashing": _rolling(f"{_count('node_vmstat_pgmajfault')} / 60 >= 0"),
    "fork_storm": f"{_count('node_forks_total', _ROLLING_20)} / 60 / {_CORES} >= 0",
    "pressure/cpu": _lost("cpu_waiting", _FADING_MINUTE),
    "pressure/memory": _lost("memory_stalled", _FADING_10),
    "pressure/io": _lost("io_stalled", _FADING_MINUTE),
    "file_descriptors": f"100 * {_mean('node_filefd_allocated')} "
    "/ max(node_filefd_maximum{$host})",
    "conntrack": f"100 * {_mean('node_nf_conntrack_entries')} "
    "/ max(node_nf_conntrack_entries_limit{$host})",
    "listen_overflow": f"{_count('node_netstat_TcpExt_ListenOverflows')} / 60 >= 0",
    "filesystem": _used("size_bytes", "free_bytes", "avail_bytes"),
    "inodes": _used("files", "files_free", "files_free"),
}
_BY_MOUNT: Final = ("filesystem", "inodes")
MOUNT: Final = "mountpoint"
"""The label that says which of several series a figure is."""


def told_by(series: str) -> str:
    """Return the figure that tells of a series of ours; "" where none does.

    >>> told_by("cpu"), told_by("filesystem//var"), told_by("tasks")
    ('cpu', 'filesystem', '')
    """
    if series in _FIGURES:
        return "" if series in _BY_MOUNT else series
    figure = series.partition("/")[0]
    return figure if figure in _BY_MOUNT else ""


def question(figure: str, instance: str) -> str:
    """Return the expression of a figure for one node_exporter."""
    return _FIGURES[figure].replace("$host", _instance(instance))


def points_of_late(instance: str) -> str:
    """Return the question how many points of the last ten minutes there are."""
    return f"max(count_over_time(node_load1{{{_instance(instance)}}}[10m]))"


def _instance(instance: str) -> str:
    return f"instance={quoted(instance)}"
