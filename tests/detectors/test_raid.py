"""Arrays that lost disks, as /proc/mdstat tells them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.detectors.raid import Raid, RaidSection
from bot.kernel.mdstat import parse
from bot.model import Finding, Level
from tests.detectors.pieces import HandClock, PaperFacts, context

HEAD = "Personalities : [raid1] [raid6] [raid5] [raid4] [raid0]\n"
WHOLE = "md0 : active raid1 sdb1[1] sda1[0]\n      104320 blocks [2/2] [UU]\n\n"
LAST_COPY = "md0 : active raid1 sdb1[1] sda1[0](F)\n      104320 blocks [2/1] [_U]\n\n"
REBUILDS = (
    "md5 : active raid6 sde1[4] sdd1[3] sdc1[2] sdb1[1]\n"
    "      585890304 blocks level 6, 64k chunk, algorithm 2 [5/4] [_UUUU]\n"
    "      [==>..................]  recovery = 12.6% (37043392/292945152)"
    " finish=127.5min speed=33440K/sec\n"
    "      bitmap: 0/2 pages [0KB], 65536KB chunk\n\n"
)
STRIPES = "md1 : active raid0 sdd[1] sdc[0]\n      41908224 blocks 512k chunks\n\n"
INACTIVE = "md9 : inactive sdf1[0](S)\n      104320 blocks\n\n"
READS_ONLY = (
    "md2 : active (auto-read-only) raid5 sdh[2] sdg[1]\n"
    "      41908224 blocks level 5, 64k chunk, algorithm 2 [3/2] [_UU]\n\n"
)
TAIL = "unused devices: <none>\n"


def found(folder: Path, text: str, watched: str = "") -> list[Finding]:
    (folder / "mdstat").write_text(f"{HEAD}{text}{TAIL}")
    host = context(folder, HandClock(), PaperFacts(folder))
    return Raid(RaidSection(), host).check({watched} if watched else ())


def test_whole_arrays_and_those_without_redundancy_say_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, WHOLE + STRIPES + INACTIVE) == []


def test_the_last_copy_is_critical_and_says_which_disk(tmp_path: Path) -> None:
    (seen,) = found(tmp_path, STRIPES + LAST_COPY)

    assert (seen.subject, seen.value, seen.level) == ("md0", 100, Level.CRITICAL)
    assert seen.summary == "The raid1 md0 of web-1 has 1 of 2 disks."
    facts = {fact.label: fact.value for fact in seen.facts}
    assert facts["Thrown out"] == "sda1"
    assert facts["Rebuild"] == "none is under way"
    assert seen.no_action is not None
    assert seen.no_action.by_hand.startswith("mdadm --detail /dev/md0")


def test_one_of_two_that_may_fail_is_a_warning_until_it_is_rebuilt(
    tmp_path: Path,
) -> None:
    (seen,) = found(tmp_path, REBUILDS)

    assert (seen.subject, seen.value, seen.level) == ("md5", 50, Level.WARNING)
    facts = {fact.label: fact.value for fact in seen.facts}
    assert facts["Rebuild"] == "recovery at 12.6%"


def test_an_array_that_was_not_written_to_yet_counts(tmp_path: Path) -> None:
    (seen,) = found(tmp_path, READS_ONLY)
    assert (seen.subject, seen.level) == ("md2", Level.CRITICAL)


def test_it_is_over_when_the_disk_is_back(tmp_path: Path) -> None:
    (seen,) = found(tmp_path, WHOLE, watched="md0")
    assert (seen.value, seen.level) == (0, Level.OK)


@pytest.mark.parametrize("text", ["", INACTIVE.replace("md9", "md0")])
def test_an_array_that_is_gone_is_not_well(tmp_path: Path, text: str) -> None:
    (seen,) = found(tmp_path, text, watched="md0")
    assert (seen.value, seen.level) == (None, Level.UNKNOWN)


@given(st.binary(max_size=400))
def test_no_bytes_break_it(text: bytes) -> None:
    for array in parse(b"md0 : active raid1 sda[0]\n " + text):
        assert array.name
