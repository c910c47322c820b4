"""Network cards made of files, whose counters are moved by hand; and a real wire."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.host.host import HostContext, HostSampler
from tests.detectors.pieces import HandClock, PaperFacts, as_root, context


@dataclass
class PaperCards:
    """/proc/net and /sys/class/net of some cards; eth0 and eth1 have 1 Gb/s."""

    folder: Path
    clock: HandClock = field(default_factory=HandClock)
    counted: dict[str, list[int]] = field(default_factory=dict)
    tcp: dict[str, int] = field(default_factory=dict)
    listen: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.proc / "net").mkdir(parents=True)
        self.card("eth0")
        self.card("eth1")
        self.route("eth0")
        self.write()

    @property
    def proc(self) -> Path:
        return self.folder / "proc"

    @property
    def host(self) -> HostContext:
        sampler = HostSampler(self.clock, proc=self.proc, sys=self.folder / "sys")
        return context(self.proc, self.clock, PaperFacts(self.proc), sampler=sampler)

    def card(self, name: str, *, is_card: bool = True) -> None:
        place = self.folder / "sys/class/net" / name
        place.mkdir(parents=True)
        if is_card:
            (place / "device").mkdir()
        self.counted[name] = [0] * 16
        self.set(name, "carrier", 1)
        self.set(name, "speed", 1000)
        self.set(name, "flags", "0x1003")

    def route(self, card: str) -> None:
        """Let a card have the default route; the other one has its own network's."""
        line = "{}\t{}\t0100A8C0\t0003\t0\t0\t0\t{}\t0\t0\t0\n"
        default = line.format(card, "00000000", "00000000")
        own = line.format("eth0", "0000A8C0", "00FFFFFF")
        (self.proc / "net/route").write_text(f"Iface\tDestination\n{default}{own}")

    def set(self, name: str, what: str, value: object) -> None:
        (self.folder / "sys/class/net" / name / what).write_text(f"{value}\n")

    def lose_all(self) -> None:
        """Leave no card on the host, only interfaces without one."""
        for device in (self.folder / "sys/class/net").glob("*/device"):
            device.rmdir()
        self.round(15)

    def passed(
        self,
        name: str,
        *,
        received: int = 0,
        sent: int = 0,
        bytes_each: int = 1000,
        errors: int = 0,
        dropped: int = 0,
    ) -> None:
        counted = self.counted[name]
        counted[0] += received * bytes_each
        counted[1] += received
        counted[2] += errors
        counted[3] += dropped
        counted[8] += sent * bytes_each
        counted[9] += sent

    def write(self) -> None:
        head = "Inter-| Receive | Transmit\n face |bytes packets\n"
        lines = [f"{n}: {' '.join(map(str, c))}\n" for n, c in self.counted.items()]
        (self.proc / "net/dev").write_text(head + "".join(lines))
        (self.proc / "net/snmp").write_text(_pair("Tcp", self.tcp))
        (self.proc / "net/netstat").write_text(_pair("TcpExt", self.listen))

    def round(self, seconds: float) -> None:
        """Let time pass and show what was counted."""
        self.clock.forward(seconds)
        self.write()


def _pair(protocol: str, counted: dict[str, int]) -> str:
    numbers = " ".join(map(str, counted.values()))
    return f"{protocol}: {' '.join(counted)}\n{protocol}: {numbers}\n"


@contextmanager
def wired() -> Iterator[tuple[str, str]]:
    """Two real interfaces that are joined by a wire; skip where that is not possible."""
    if not as_root:
        pytest.skip("making an interface needs root")
    here, there = (f"cs{os.getpid()}{end}"[:15] for end in "ab")
    make = ["/usr/sbin/ip", "link", "add", here, "type", "veth", "peer", "name", there]
    if subprocess.run(make, check=False, capture_output=True).returncode:
        pytest.skip("this container may not make interfaces")
    try:
        for name in (here, there):
            subprocess.run(["/usr/sbin/ip", "link", "set", name, "up"], check=True)
        yield here, there
    finally:
        subprocess.run(["/usr/sbin/ip", "link", "del", here], check=True)
