"""A host made of files whose work changes each minute, and what node_exporter tells of it."""

import math
import random
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.detectors.pieces import HandClock, PaperProc

WEB_1 = 'instance="web-1:9100"'
HZ = 100.0


@dataclass
class Pressed:
    """Time lost as the kernel adds it up, and the averages that it lets fade."""

    total: float = 0.0
    averages: dict[int, float] = field(default_factory=lambda: {10: 0.0, 60: 0.0})

    def spend(self, seconds: float, share: float) -> None:
        self.total += seconds * share
        for span, before in self.averages.items():
            kept = math.exp(-seconds / span)
            self.averages[span] = kept * before + (1 - kept) * 100 * share

    def line(self, kind: str) -> str:
        ten, sixty = self.averages[10], self.averages[60]
        total = int(self.total * 1e6)
        return f"{kind} avg10={ten:.2f} avg60={sixty:.2f} avg300=0.00 total={total}\n"


class Machine:
    """A host made of files, whose work changes each minute, and its node_exporter."""

    def __init__(self, root: Path, begin: datetime) -> None:
        self.clock = HandClock(wall=begin)
        self.proc = PaperProc(root, self.clock, swap_free=1000)
        self.chance = random.Random(11)
        self.pressed = {name: Pressed() for name in ("cpu", "memory", "io")}
        self.faults = self.turned = self.opened = self.tracked = 0
        self.one, self.running = 0.0, 1
        self.shares: dict[str, float] = {}
        self.told: dict[str, list[tuple[datetime, float]]] = {}
        self.available = 800_000

    def turns(self) -> None:
        """Another minute, other work."""
        draw = self.chance.random
        self.shares = {name: 0.3 * draw() for name in ("busy", "iowait", "polite")}
        self.shares |= {name: draw() for name in ("steal", *self.pressed)}
        self.shares |= {
            "forks": 400 * draw(),
            "faults": 50 * draw(),
            "turned": 9 * draw(),
        }
        self.running, self.proc.blocked = self.chance.randint(0, 6), 0
        self.one = 3 * draw()
        self.available = self.chance.randint(200_000, 900_000)
        self.proc.swap_free = self.chance.randint(100, 1000)
        self.opened = self.chance.randint(1000, 9000)
        self.tracked = self.chance.randint(10, 900)

    def spends(self, seconds: int) -> None:
        share, proc = self.shares, self.proc
        for name, pressed in self.pressed.items():
            pressed.spend(seconds, share[name])
        proc.steal += round(HZ * seconds * share["steal"])
        proc.forks += round(seconds * share["forks"])
        self.faults += round(seconds * share["faults"])
        self.turned += round(seconds * share["turned"])
        proc.spend(
            seconds,
            busy=share["busy"],
            iowait=share["iowait"],
            polite=share["polite"],
        )
        self.writes()

    def writes(self) -> None:
        proc = self.proc
        proc.write()
        proc.memory(total=1_000_000, available=self.available)
        proc.vmstat(pgmajfault=self.faults, pswpin=0, pswpout=0, workingset_refault=0)
        proc.file("loadavg", f"{self.one:.2f} 0.00 0.00 {self.running}/300 4711\n")
        proc.file("sys/fs/file-nr", f"{self.opened} 0 100000\n")
        proc.file("sys/net/netfilter/nf_conntrack_count", f"{self.tracked}\n")
        proc.file("sys/net/netfilter/nf_conntrack_max", "1000\n")
        proc.file("net/snmp", "Tcp: OutSegs\nTcp: 1\n")
        proc.file("net/netstat", f"TcpExt: ListenOverflows\nTcpExt: {self.turned}\n")
        for name, pressed in self.pressed.items():
            text = pressed.line("some") + pressed.line("full")
            proc.file(f"pressure/{name}", text)

    def tells(self) -> None:
        """Be scraped; times as node_exporter has them, in seconds."""
        proc = self.proc
        for mode, ticks in (
            ("user", proc.busy),
            ("nice", proc.polite),
            ("idle", proc.idle),
            ("iowait", proc.iowait),
            ("steal", proc.steal),
        ):
            for core in range(proc.cores):
                seconds = ticks / HZ / proc.cores
                self.tell(f'cpu_seconds_total,cpu="{core}",mode="{mode}"', seconds)
        self.tell("load1", round(self.one, 2))
        self.tell("procs_running", self.running)
        self.tell("procs_blocked", proc.blocked)
        self.tell("memory_MemTotal_bytes", 1024 * 1_000_000)
        self.tell("memory_MemAvailable_bytes", 1024 * self.available)
        self.tell("memory_SwapTotal_bytes", 1024 * 1000)
        self.tell("memory_SwapFree_bytes", 1024 * proc.swap_free)
        self.tell("vmstat_pgmajfault", self.faults)
        self.tell("forks_total", proc.forks)
        self.tell("filefd_allocated", self.opened)
        self.tell("filefd_maximum", 100_000)
        self.tell("nf_conntrack_entries", self.tracked)
        self.tell("nf_conntrack_entries_limit", 1000)
        self.tell("netstat_TcpExt_ListenOverflows", self.turned)
        for name, pressed in self.pressed.items():
            what = "waiting" if name == "cpu" else "stalled"
            self.tell(f"pressure_{name}_{what}_seconds_total", pressed.total)

    def tell(self, name: str, value: float) -> None:
        metric, _, more = name.partition(",")
        labels = f"{WEB_1},{more}" if more else WEB_1
        points = self.told.setdefault(f"node_{metric}{{{labels}}}", [])
        points.append((self.clock.wall, value))
