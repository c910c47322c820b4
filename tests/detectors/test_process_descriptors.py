"""Processes that come near their own limit of open files, for real and on paper."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.detectors.file_descriptors import FileDescriptors, FileDescriptorsSection
from bot.detectors.leaking_descriptors import (
    WEEK,
    LeakingDescriptors,
    LeakingDescriptorsSection,
)
from bot.detectors.process_descriptors import (
    ProcessDescriptors,
    ProcessDescriptorsSection,
)
from bot.kernel import descriptors
from bot.kernel.roots import Roots
from bot.measuring import holding
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.pieces import (
    HandClock,
    PaperFacts,
    PaperProc,
    context,
    this_host,
)

PID = 2**23 + 5
"""Beyond any kernel's range: nothing real is looked at by accident."""


def test_of_many_processes_the_last_is_asked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "AT_ONCE", 2)
    paper = Paper(tmp_path)
    for pid in range(PID, PID + 5):
        paper.process(pid, 10)
    counts = holding.Holding(paper.host.sampler, margin=5)
    asked: set[int] = set()
    for _ in range(3):
        # Somebody opens more and more meanwhile.
        paper.used += 100
        paper.write()
        asked |= counts.measure(()).keys()
        paper.proc.clock.forward(30)

    assert asked == set(range(PID, PID + 5))


class Paper:
    """A host whose open files are counted by hand."""

    def __init__(self, root: Path) -> None:
        self.proc = PaperProc(root, HandClock())
        self.proc.spend(100, busy=0.1)
        self.used = 10_000
        self.host = context(root, self.proc.clock, PaperFacts(root))
        self.write()

    def write(self, most: int = 100_000) -> None:
        folder = self.proc.root / "sys/fs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "file-nr").write_text(f"{self.used}\t0\t{most}\n")

    def process(self, pid: int, opened: int, limit: object = 100) -> None:
        """Let a process have that many open; the host's own figure moves with it."""
        self.proc.process(pid)
        folder = self.proc.root / str(pid)
        # Of the kernel's folder the size is how many are open, as of a file here.
        known = (folder / "fd").stat().st_size if (folder / "fd").exists() else 0
        (folder / "fd").write_bytes(bytes(opened))
        self.used += opened - known
        text = f"Max open files            {limit}                 4096   files\n"
        (folder / "limits").write_text(text)
        self.write()


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    return Paper(tmp_path)


@pytest.fixture
def near(paper: Paper) -> ProcessDescriptors:
    section = ProcessDescriptorsSection(margin=40)
    return ProcessDescriptors(section, paper.host)


def levels(found: list[Finding]) -> list[Level]:
    return [finding.level for finding in found]


def test_who_is_near_its_limit_is_named_and_clears(
    near: ProcessDescriptors, paper: Paper
) -> None:
    paper.process(PID, 97)
    (found,) = near.check(())
    paper.process(PID, 40)
    paper.proc.clock.forward(15)
    after = near.check({found.subject})

    assert (found.level, found.value) == (Level.CRITICAL, 97)
    assert found.culprit is not None and found.culprit.identity.pid == PID
    assert found.summary.endswith("has 97 of 100 descriptors open.")
    assert levels(after) == [Level.OK]


def test_nobody_is_asked_again_while_the_host_gives_out_no_more(
    near: ProcessDescriptors, paper: Paper
) -> None:
    paper.process(PID, 35)
    assert near.check(()) == []
    (paper.proc.root / str(PID) / "fd").rename(paper.proc.root / "elsewhere")
    (paper.proc.root / str(PID) / "stat").write_text("no line of a process")
    paper.proc.clock.forward(15)

    assert near.check(()) == []


def test_everybody_is_asked_when_it_gave_out_more_than_at_its_lowest(
    near: ProcessDescriptors, paper: Paper
) -> None:
    for opened in (5, 70, 5, 97):
        paper.process(PID, opened)
        paper.proc.clock.forward(15)
        found = near.check(())

    assert levels(found) == [Level.CRITICAL]


def test_who_is_near_is_asked_in_each_round(
    near: ProcessDescriptors, paper: Paper
) -> None:
    paper.process(PID, 70)
    assert near.check(()) == []
    paper.process(PID, 85)  # fifteen more, which is below the margin
    paper.proc.clock.forward(15)

    assert levels(near.check(())) == [Level.WARNING]


def test_a_kernel_that_tells_them_to_root_only_does_not_tell(
    near: ProcessDescriptors, host: FileDescriptors, paper: Paper
) -> None:
    paper.process(PID, 0)  # its folder has no size and lets nobody in
    (paper.proc.root / "self").mkdir()
    (paper.proc.root / "self/fd").touch()
    paper.write(most=10_000)
    for _ in range(2):
        with pytest.raises(NotTold, match="root only"):
            near.check(())
        paper.proc.clock.forward(15)
    (found,) = host.check(())

    assert found.level is Level.CRITICAL
    assert found.no_action is not None
    assert found.no_action.reason == "who it is is told to nobody but root"


def test_who_may_open_any_number_is_left_out(
    near: ProcessDescriptors, paper: Paper
) -> None:
    paper.process(PID, 99, limit="unlimited")

    assert near.check(()) == []


def test_a_process_that_ended_is_well(near: ProcessDescriptors) -> None:
    assert levels(near.check({f"process:{PID}:50"})) == [Level.OK]


@pytest.fixture
def leak(paper: Paper) -> LeakingDescriptors:
    section = LeakingDescriptorsSection(margin=40)
    return LeakingDescriptors(section, paper.host)


def test_steady_growth_is_told_in_hours_left(
    leak: LeakingDescriptors, paper: Paper
) -> None:
    for rounds in range(300):
        paper.process(PID, 10 + rounds, limit=1024)
        paper.proc.clock.forward(30)
        found = leak.check(())

    # One in 30 s is 120 an hour, and 715 are left.
    (finding,) = found
    assert finding.value == pytest.approx(715 / 120, rel=0.05)
    assert "opens 120 per hour that it has not closed so far" in finding.summary
    assert finding.level is Level.WARNING
    assert finding.culprit is not None and finding.culprit.identity.pid == PID


def test_the_traffic_of_a_morning_is_no_leak(
    leak: LeakingDescriptors, paper: Paper
) -> None:
    for rounds in range(800):
        more = min(max(rounds - 100, 0), 180)  # it rises for an hour and a half
        paper.process(PID, 10 + 2 * more + rounds % 5, limit=1024)
        paper.proc.clock.forward(30)
        assert leak.check(()) == []


@pytest.mark.parametrize("shape", ["sawtooth", "plateau"])
def test_what_comes_down_or_ends_is_no_leak(
    leak: LeakingDescriptors, paper: Paper, shape: str
) -> None:
    for rounds in range(400):
        more = 10 * (rounds % 12) if shape == "sawtooth" else min(20 * rounds, 200)
        paper.process(PID, 10 + more, limit=1024)
        paper.proc.clock.forward(30)
        assert leak.check(()) == []


def test_a_leak_that_stopped_is_well(leak: LeakingDescriptors, paper: Paper) -> None:
    for rounds in range(500):
        paper.process(PID, 10 + min(rounds, 300), limit=1024)
        paper.proc.clock.forward(30)
        found = leak.check({f"process:{PID}:50"})

    assert [(f.level, f.value) for f in found] == [(Level.OK, WEEK)]


@pytest.fixture
def host(paper: Paper) -> FileDescriptors:
    return FileDescriptors(FileDescriptorsSection(), paper.host)


def test_the_host_itself_is_judged_with_who_holds_most(
    host: FileDescriptors, paper: Paper
) -> None:
    paper.used = 10
    paper.process(PID, 60)
    seen = []
    for most in (1000, 90, 75, 1000):
        paper.write(most)
        paper.proc.clock.forward(15)
        seen.extend(host.check(()))

    assert levels(seen) == [Level.OK, Level.WARNING, Level.CRITICAL, Level.OK]
    assert seen[2].culprit is not None
    assert seen[2].culprit.share == pytest.approx(60 / 70)


def test_a_calm_host_looks_at_no_process(host: FileDescriptors, paper: Paper) -> None:
    (paper.proc.root / "7").mkdir()
    (paper.proc.root / "7/stat").write_text("no line of a process")

    assert levels(host.check(())) == [Level.OK]


OPENS = (
    "import resource, time, sys\n"
    "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))\n"
    "kept = [open('/dev/null') for _ in range({first})]\n"
    "print('open', flush=True)\n"
    "for _ in range({more}):\n"
    "    time.sleep(0.05)\n"
    "    kept.append(open('/dev/null'))\n"
    "time.sleep(60)\n"
)


@contextmanager
def opening(first: int, more: int = 0) -> Iterator[int]:
    """A child that opens files, then one each twentieth of a second."""
    code = OPENS.format(first=first, more=more)
    command = [sys.executable, "-S", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


def test_the_kernels_own_figures() -> None:
    with opening(50) as pid:
        opened = descriptors.opened(Roots(), [pid, 2**22 + 1])
        limit = descriptors.soft_limit(Roots(), pid)

    assert opened == {pid: 53}
    assert limit == 100
    assert 0 < descriptors.allotted(Roots()).used <= descriptors.allotted(Roots()).most


def test_a_real_process_near_its_limit_is_named() -> None:
    section = ProcessDescriptorsSection.model_validate(
        {"interval": "0.2s", "margin": 5}
    )
    near = ProcessDescriptors(section, this_host())
    near.check(())
    with opening(94) as pid, opening(10) as other:
        named: set[int] = set()
        # Others on this machine may close as many as these open, in one round or two.
        for _ in range(20):
            time.sleep(0.2)
            named |= {f.culprit.identity.pid for f in near.check(()) if f.culprit}
            if pid in named:
                break

    assert pid in named and other not in named


def test_a_real_leak_is_found_and_named() -> None:
    section = LeakingDescriptorsSection.model_validate(
        {
            "interval": "0.2s",
            "for": "0.4s",
            "margin": 10,
            "min_growth": 20,
            "short": "2s",
            "long": "4s",
        }
    )
    leak = LeakingDescriptors(section, this_host())
    with opening(10, more=80) as pid, opening(60) as other:
        named: set[int] = set()
        for _ in range(20):
            named |= {f.culprit.identity.pid for f in leak.check(()) if f.culprit}
            if named:
                break
            time.sleep(0.2)

    assert pid in named and other not in named
