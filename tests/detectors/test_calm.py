"""Where nothing is wrong nobody looks at processes: proven by what Python opens."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import detectors
from bot.host.host import HostSampler
from bot.model import Level
from bot.ports import Detector, NotTold
from tests.detectors.cards import PaperCards
from tests.detectors.pieces import PaperFacts, PaperProc, context

OPENED: list[str] = []
LISTENING = [False]


def _heard(event: str, arguments: tuple[object, ...]) -> None:
    if LISTENING[0] and event in ("open", "os.listdir", "os.scandir"):
        OPENED.append(str(arguments[0]))


sys.addaudithook(_heard)  # there is no way to take one back; it sleeps in between


@pytest.fixture
def listening() -> Iterator[list[str]]:
    OPENED.clear()
    LISTENING[0] = True
    yield OPENED
    LISTENING[0] = False


def paper(folder: Path) -> tuple[PaperProc, list[Detector]]:
    """A host with a thousand processes on which nothing is wrong."""
    cards = PaperCards(
        folder,
        tcp={"OutSegs": 9, "RetransSegs": 0},
        listen={"ListenOverflows": 0, "ListenDrops": 0},
    )
    proc = PaperProc(cards.proc, cards.clock, cores=4)
    proc.spend(100, busy=0.1)
    proc.memory(total=8_000_000, available=6_000_000)
    (proc.root / "loadavg").write_text("0.20 0.10 0.10 1/1200 4711\n")
    (proc.root / "diskstats").write_text("8 0 sda 100 0 800 100 9 0 8 1 0 50 101\n")
    (folder / "sys/block/sda").mkdir(parents=True)
    for name, text in {
        "pressure/io": "some avg10=0.00\n",
        "sys/fs/file-nr": "2000\t0\t100000\n",
        "sys/net/netfilter/nf_conntrack_count": "5\n",
        "sys/net/netfilter/nf_conntrack_max": "1000\n",
        "self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/sda rw\n",
    }.items():
        (proc.root / name).parent.mkdir(parents=True, exist_ok=True)
        (proc.root / name).write_text(text)
    for pid in range(2, 200):
        proc.process(pid)
    sampler = HostSampler(cards.clock, proc=cards.proc, sys=folder / "sys")
    host = context(cards.proc, cards.clock, PaperFacts(cards.proc), sampler=sampler)
    kinds = [k for k in detectors.known().values() if k.Section.needs_host]
    return proc, [kind(kind.Section(), host) for kind in kinds]


def levels(found: list[Detector]) -> dict[str, set[Level]]:
    told = {}
    for detector in found:
        try:
            told[detector.name] = {f.level for f in detector.check(())}
        except NotTold:
            continue
    return told


def test_no_process_is_opened_where_nothing_is_wrong(
    tmp_path: Path, listening: list[str]
) -> None:
    proc, found = paper(tmp_path)
    # The first round asks for descriptors once, and begins what needs two rounds.
    levels(found)
    proc.spend(20, busy=0.1)
    listening.clear()
    for _ in range(3):
        told = levels(found)
        proc.spend(20, busy=0.1)

    measured = {name for name, its in told.items() if its == {Level.OK}}
    assert measured >= {"cpu", "disk_latency", "listen_overflow", "load", "memory"}
    assert not {Level.WARNING, Level.CRITICAL} & set().union(*told.values())
    process = re.compile(rf"{re.escape(str(proc.root))}(/\d+.*)?|\d+(/.*)?")
    assert [name for name in listening if process.fullmatch(name)] == []


def test_this_test_would_see_it(tmp_path: Path, listening: list[str]) -> None:
    proc, found = paper(tmp_path)
    levels(found)
    listening.clear()
    for _ in range(2):
        proc.spend(20, busy=0.99)
        levels(found)

    assert "2/stat" in listening and "199/stat" in listening
