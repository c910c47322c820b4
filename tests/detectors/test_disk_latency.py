"""Slow disks that somebody waits for; busy ones, idle ones and stacks of them."""

from pathlib import Path

import pytest

from bot.detectors.disk_latency import TOLD, DiskLatency, DiskLatencySection
from bot.host.host import HostSampler
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.pieces import HandClock, PaperFacts, PaperProc, context, this_host

SECOND = 1000


class Disks:
    """Disks whose counters are moved by hand; a round is 15 s."""

    def __init__(self, folder: Path) -> None:
        self.proc = PaperProc(folder / "proc", HandClock())
        self.sys = folder / "sys"
        self.proc.root.mkdir()
        (self.proc.root / "pressure").mkdir()
        self.counted: dict[str, list[int]] = {}
        sampler = HostSampler(self.proc.clock, proc=self.proc.root, sys=self.sys)
        facts = PaperFacts(self.proc.root)
        host = context(self.proc.root, self.proc.clock, facts, sampler=sampler)
        self.detector = DiskLatency(DiskLatencySection(), host)
        self.waiting(60)

    def disk(self, name: str, *, turns: bool = False, on: str = "") -> None:
        folder = self.sys / "block" / name
        (folder / "queue").mkdir(parents=True)
        (folder / "queue/rotational").write_text(f"{turns:d}\n")
        if on:
            (folder / "slaves" / on).mkdir(parents=True)
        self.counted[name] = [0] * 11

    def waiting(self, some: float) -> None:
        line = f"some avg10={some:.2f} avg60=0.00 avg300=0.00 total=1\n"
        (self.proc.root / "pressure/io").write_text(line)

    def work(
        self,
        name: str,
        *,
        requests: int,
        each_ms: int,
        busy: float = 1,
        under_way: int = 0,
    ) -> None:
        counted = self.counted[name]
        counted[0] += requests
        counted[2] += 8 * requests
        counted[3] += requests * each_ms
        counted[8] = under_way
        counted[9] += int(15 * SECOND * busy)

    def check(self, watched: str = "") -> dict[str, Finding]:
        lines = [
            f"8 0 {name} {' '.join(map(str, counted))}\n"
            for name, counted in self.counted.items()
        ]
        (self.proc.root / "diskstats").write_text("".join(lines))
        self.proc.spend(15, busy=0.1)
        found = self.detector.check({watched} if watched else ())
        return {finding.subject: finding for finding in found}


@pytest.fixture
def disks(tmp_path: Path) -> Disks:
    made = Disks(tmp_path)
    made.disk("sda")
    made.check()
    return made


@pytest.mark.parametrize(
    ("each", "level"), [(20, Level.OK), (150, Level.WARNING), (600, Level.CRITICAL)]
)
def test_what_a_request_takes_is_judged(disks: Disks, each: int, level: Level) -> None:
    disks.work("sda", requests=400, each_ms=each)

    found = disks.check()["sda"]

    assert (found.value, found.level) == (each, level)


def test_a_disk_that_turns_may_take_twice_as_long(disks: Disks) -> None:
    disks.disk("sdb", turns=True)
    disks.check()
    disks.work("sdb", requests=400, each_ms=150)
    assert disks.check()["sdb"].level is Level.OK

    disks.work("sdb", requests=400, each_ms=250)
    assert disks.check()["sdb"].level is Level.WARNING


def test_a_disk_that_answers_nothing_at_all_is_critical(disks: Disks) -> None:
    disks.work("sda", requests=0, each_ms=0, under_way=3)
    disks.check()
    disks.work("sda", requests=0, each_ms=0, under_way=3, busy=0)

    found = disks.check()["sda"]

    assert (found.level, found.value) == (Level.CRITICAL, 15 * SECOND)


def test_a_backup_that_keeps_a_healthy_disk_busy_is_well(disks: Disks) -> None:
    disks.work("sda", requests=3000, each_ms=40)

    assert disks.check()["sda"].level is Level.OK


def test_a_slow_disk_that_is_hardly_used_makes_nobody_wait(disks: Disks) -> None:
    disks.work("sda", requests=3, each_ms=400, busy=0.1)

    assert disks.check()["sda"].level is Level.OK


def test_where_no_task_waits_nothing_is_wrong(disks: Disks) -> None:
    disks.waiting(1)
    disks.work("sda", requests=400, each_ms=600)

    assert disks.check()["sda"].level is Level.OK


def test_of_a_stack_the_lowest_disk_is_told(disks: Disks) -> None:
    disks.disk("dm-0", on="sda")
    disks.check()
    for name in ("sda", "dm-0"):
        disks.work(name, requests=400, each_ms=600)

    found = disks.check()

    assert {n: f.level for n, f in found.items()} == {
        "sda": Level.CRITICAL,
        "dm-0": Level.OK,
    }


def test_who_moves_most_is_named(disks: Disks) -> None:
    for rounds in range(1, 4):
        for pid, moved in ((41, 1), (42, 3)):
            disks.proc.process(pid)
            io = f"rchar: 9\nread_bytes: 0\nwrite_bytes: {400_000 * moved * rounds}\n"
            (disks.proc.root / str(pid) / "io").write_text(io)
        disks.work("sda", requests=400, each_ms=600)
        found = disks.check()["sda"]

    assert found.culprit is not None
    assert found.culprit.identity.pid == 42
    # 1.2 MB of the 1.6 MB that 400 requests of 4 KiB are.
    assert found.culprit.share == pytest.approx(1_200_000 / (400 * 4096))


def test_where_nobody_does_the_device_is_looked_at(disks: Disks) -> None:
    disks.work("sda", requests=400, each_ms=600)
    found = disks.check()["sda"]

    assert found.culprits == ()
    assert found.no_action is not None
    assert found.no_action.by_hand.startswith("iostat -xz")
    assert found.no_action.reason.startswith("no process makes half")


def test_where_others_are_hidden_it_says_so(disks: Disks) -> None:
    (disks.proc.root / "1/io").mkdir(parents=True)  # it cannot be read
    disks.work("sda", requests=400, each_ms=600)
    found = disks.check()["sda"]

    assert found.no_action is not None
    assert found.no_action.reason.startswith("who it is is told to nobody but root")


def test_no_process_is_looked_at_while_disks_are_well(disks: Disks) -> None:
    (disks.proc.root / "7").mkdir()
    (disks.proc.root / "7/stat").write_text("no line of a process")
    disks.work("sda", requests=400, each_ms=20)

    assert disks.check()["sda"].level is Level.OK


def test_of_a_thousand_disks_the_slowest_are_told(disks: Disks) -> None:
    for number in range(200):
        disks.disk(f"vd{number}")
    disks.check()
    for number in range(200):
        disks.work(f"vd{number}", requests=10, each_ms=number)

    found = disks.check(watched="vd0")

    assert len(found) == TOLD + 1
    assert "vd199" in found and "vd0" in found


def test_it_is_well_again_below_its_limit(disks: Disks) -> None:
    disks.work("sda", requests=400, each_ms=600)
    disks.check()
    disks.work("sda", requests=400, each_ms=10)

    assert disks.check("sda")["sda"].level is Level.OK


def test_a_disk_that_is_gone_is_unknown(disks: Disks) -> None:
    assert disks.check("sdz")["sdz"].level is Level.UNKNOWN


def test_after_a_night_of_sleep_no_round_is_judged(disks: Disks) -> None:
    disks.work("sda", requests=400, each_ms=600)
    disks.proc.clock.forward(30_000)

    assert disks.check() == {}


def test_a_host_that_lists_no_disks_does_not_tell(tmp_path: Path) -> None:
    with pytest.raises(NotTold, match="block"):
        Disks(tmp_path).check()


def test_a_host_without_a_disk_of_its_own_does_not_tell(disks: Disks) -> None:
    disks.counted.clear()

    with pytest.raises(NotTold, match="no disk"):
        disks.check("sda")


def test_the_disks_of_this_host() -> None:
    section = DiskLatencySection.model_validate({"interval": "0.2s", "for": "1s"})
    detector = DiskLatency(section, this_host())

    assert detector.check(()) == []
    assert all(f.level is Level.UNKNOWN for f in detector.check({"no such disk"}))
