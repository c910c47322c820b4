"""OOM kills: told at once, kept for a while, with the victim where that may be read."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.detectors.oom_kill import STAYS, OomKill, OomKillSection
from bot.host.host import HostSampler
from bot.kernel import oomlog
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.pieces import (
    HandClock,
    PaperFacts,
    PaperProc,
    as_root,
    context,
    this_host,
)
from tests.fakes.patience import until

LINE = (
    "4,{pid},5001,-;oom-kill:constraint={constraint},nodemask=(null),cpuset=/,"
    "mems_allowed=0,oom_memcg=/system.slice/shop.service,"
    "task_memcg=/system.slice/shop.service,task={task},pid={pid},uid=33\n"
)
# It waits until it is in its cgroup, then takes more than that allows.
GREEDY = (
    "import sys\n"
    "sys.stdin.readline()\n"
    "kept = bytearray(200_000_000)\n"
    "print('still here')\n"
)
V1 = Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")


@pytest.fixture
def proc(tmp_path: Path) -> PaperProc:
    return PaperProc(tmp_path, HandClock())


@pytest.fixture
def oom(proc: PaperProc) -> OomKill:
    sampler = HostSampler(proc.clock, proc=proc.root, sys=proc.root)
    host = context(proc.root, proc.clock, PaperFacts(proc.root), sampler=sampler)
    absent = proc.root / "journalctl"
    return OomKill(OomKillSection(), host, kmsg=proc.root / "kmsg", journalctl=absent)


def measured(oom: OomKill, proc: PaperProc, kills: int, after: float = 5) -> Finding:
    proc.file("vmstat", f"nr_free_pages 1\noom_kill {kills}\npswpin 0\n")
    proc.clock.forward(after)
    (finding,) = oom.check(())
    return finding


def test_kills_of_before_the_bots_start_are_no_news(
    oom: OomKill, proc: PaperProc
) -> None:
    levels = [measured(oom, proc, 7).level for _ in range(3)]

    assert levels == [Level.OK] * 3


def test_a_kill_fires_at_once_and_stays_for_ten_minutes(
    oom: OomKill, proc: PaperProc
) -> None:
    measured(oom, proc, 7)

    found = measured(oom, proc, 8)
    later = measured(oom, proc, 8, after=STAYS.total_seconds() - 1)
    over = measured(oom, proc, 8, after=2)

    assert (found.value, found.level) == (1, Level.WARNING)
    assert found.hold_for is not None
    assert found.hold_for.total_seconds() == 0
    assert [later.level, over.level] == [Level.WARNING, Level.OK]


def test_what_goes_on_is_critical(oom: OomKill, proc: PaperProc) -> None:
    levels = [measured(oom, proc, kills).level for kills in (0, 1, 3)]

    assert levels == [Level.OK, Level.WARNING, Level.CRITICAL]


def test_a_counter_that_fell_is_no_kill(oom: OomKill, proc: PaperProc) -> None:
    measured(oom, proc, 7)
    proc.clock.boot_id = "boot-2"

    assert measured(oom, proc, 9).level is Level.OK
    assert measured(oom, proc, 0).level is Level.OK


def test_the_log_tells_the_victim_and_its_unit(oom: OomKill, proc: PaperProc) -> None:
    old = LINE.format(constraint="CONSTRAINT_NONE", task="old", pid=3)
    new = LINE.format(constraint="CONSTRAINT_MEMCG", task="php,task=\\x1b[0m", pid=4711)
    proc.file("kmsg", old)
    measured(oom, proc, 0)
    proc.file("kmsg", old + new)

    found = measured(oom, proc, 1)

    (fact,) = found.facts
    assert "(pid 4711) of shop.service, for its cgroup's limit" in fact.value
    assert found.no_action is not None


def test_the_journal_serves_where_the_log_is_not_open(
    oom: OomKill, proc: PaperProc
) -> None:
    line = LINE.format(constraint="CONSTRAINT_NONE", task="postgres", pid=812)
    told = f"2026-11-21T14:00:00+0000 web-1 kernel: {line.partition(';')[2]}"
    program = proc.root / "journalctl"
    asked = proc.root / "asked"
    program.write_text(f"#!/bin/sh\necho $* > {asked}\ncat <<'END'\n{told}END\n")
    program.chmod(0o700)
    measured(oom, proc, 0)
    before = int(proc.clock.wall.timestamp())

    (fact,) = measured(oom, proc, 1).facts

    assert f"--since=@{before}" in asked.read_text()
    assert fact.value == "postgres (pid 812) of shop.service, for the host's memory"


def test_who_was_killed_before_is_not_named_for_a_kill_without_a_line(
    oom: OomKill, proc: PaperProc
) -> None:
    lines = [
        LINE.format(constraint="CONSTRAINT_NONE", task="php", pid=pid)
        for pid in (11, 12, 13)
    ]
    proc.file("kmsg", lines[0])
    measured(oom, proc, 4)
    named = []
    for kills, shown in ((5, 1), (6, 3), (7, 3)):
        proc.file("kmsg", "".join(lines[:shown]))
        named.append(measured(oom, proc, kills).facts[0].value[:14])

    assert named == ["the kernel's l", "php (pid 12) o", "php (pid 13) o"]


def test_the_kills_of_the_last_minutes_are_told_together(
    oom: OomKill, proc: PaperProc
) -> None:
    measured(oom, proc, 0)
    for pid in (11, 12):
        line = LINE.format(constraint="CONSTRAINT_NONE", task="php", pid=pid)
        proc.file("kmsg", line)
        found = measured(oom, proc, pid - 10)

    assert [fact.value[:12] for fact in found.facts] == ["php (pid 12)", "php (pid 11)"]


def test_without_a_log_the_cgroups_that_count_are_named(
    oom: OomKill, proc: PaperProc
) -> None:
    for unit, kills in (("shop", 2), ("calm", 0)):
        folder = f"fs/cgroup/system.slice/{unit}.service"
        proc.file(f"{folder}/memory.events", f"oom 3\noom_kill {kills}\n")
    measured(oom, proc, 0)

    facts = {fact.label: fact.value for fact in measured(oom, proc, 1).facts}

    assert facts["Kills counted in"] == "shop.service"
    assert "neither the kernel's log nor the journal" in facts["Killed"]


def test_a_kernel_that_does_not_count_them_does_not_tell(
    oom: OomKill, proc: PaperProc
) -> None:
    proc.file("vmstat", "pswpin 0\n")

    with pytest.raises(NotTold, match="does not count"):
        oom.check(())


@pytest.fixture
def tight() -> Iterator[Path]:
    """A cgroup that has room for 20 MB."""
    if not as_root or not V1.exists():
        pytest.skip("needs root and version 1 of the memory cgroups")
    folder = V1.parent / f"countersign-test-{os.getpid()}"
    folder.mkdir()
    (folder / V1.name).write_text("20000000")
    yield folder
    folder.rmdir()


def test_a_real_kill_is_told_with_its_victim(tight: Path) -> None:
    oom = OomKill(OomKillSection(), this_host())
    oom.check(())
    command = [sys.executable, "-S", "-c", GREEDY]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as greedy:
        (tight / "cgroup.procs").write_text(str(greedy.pid))
        said, _ = greedy.communicate(b"go\n")

    told = f"(pid {greedy.pid}) of /{tight.name}, for its cgroup's limit"

    def is_told() -> bool:
        (found,) = oom.check(())
        return any(told in fact.value for fact in found.facts)

    until(is_told)
    assert said == b""


def test_the_kernels_log_is_read_to_its_end() -> None:
    if not as_root:
        pytest.skip("/dev/kmsg is root's here")
    assert any(",-;" in line for line in oomlog.kernel_lines())
