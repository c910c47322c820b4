"""Full within the day, told before it is full; and a disk that is only used."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.detectors.filesystem_forecast import (
    WEEK,
    FilesystemForecast,
    ForecastSection,
)
from bot.model import Finding, Level
from tests.detectors.pieces import (
    HandClock,
    PaperFacts,
    context,
    mounted,
    this_host,
)

BLOCKS = 1_000_000


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


class Disk:
    """A file system of 4 GB whose free blocks and inodes are set by hand."""

    def __init__(self, folder: Path, clock: HandClock) -> None:
        (folder / "self").mkdir()
        line = "1 0 8:1 / /srv rw - ext4 /dev/vdb rw\n"
        (folder / "self/mountinfo").write_text(line)
        self.blocks = self.inodes = 0.9
        self.clock = clock
        host = context(folder, clock, PaperFacts(folder))
        host.sampler._mounts._ask = self._asked
        self.detector = FilesystemForecast(ForecastSection(), host)

    def _asked(self, _: bytes) -> os.statvfs_result:
        free, nodes = int(BLOCKS * self.blocks), int(BLOCKS * self.inodes)
        return os.statvfs_result(
            (4096, 4096, BLOCKS, free, free, BLOCKS, nodes, nodes, 0, 255)
        )

    def hours(
        self, count: float, blocks: Callable[[float], float], watched: str = ""
    ) -> list[Finding]:
        """Let hours pass, looked at once a minute; return the last round's findings."""
        found: list[Finding] = []
        for minute in range(int(60 * count) + 1):
            self.blocks = blocks(minute / 60)
            self.clock.forward(60)
            found = self.detector.check({watched} if watched else ())
        return found


@pytest.fixture
def disk(tmp_path: Path, clock: HandClock) -> Disk:
    return Disk(tmp_path, clock)


def test_full_within_the_day_is_a_warning(disk: Disk) -> None:
    (found,) = disk.hours(6, lambda hour: 0.45 - 0.03 * hour)

    assert (found.subject, found.level) == ("/srv", Level.WARNING)
    assert found.value == pytest.approx(9, rel=0.05)
    assert found.mount == "/srv"
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["Growth"] == "123 MB per hour"
    assert facts["Full in"].endswith("(limit 24 h)")


def test_full_before_the_shift_ends_is_critical(disk: Disk) -> None:
    (found,) = disk.hours(6, lambda hour: 0.45 - 0.05 * hour)

    assert found.level is Level.CRITICAL
    assert found.value == pytest.approx(3, rel=0.05)


def test_a_fifth_of_room_is_never_critical(disk: Disk) -> None:
    (found,) = disk.hours(3, lambda hour: 0.55 - 0.1 * hour)

    assert found.value is not None and found.value < 4
    assert found.level is Level.WARNING


def test_half_empty_is_left_alone_however_fast(disk: Disk) -> None:
    assert disk.hours(4, lambda hour: 0.9 - 0.12 * hour) == []


def test_logs_that_are_rotated_hourly_say_nothing(disk: Disk) -> None:
    assert disk.hours(7, lambda hour: 0.35 - 0.15 * (hour % 1)) == []


def test_what_was_as_full_yesterday_says_nothing(disk: Disk) -> None:
    # A daily rotation: down to 5 % in 24 hours, then back to 29 %.
    assert disk.hours(24 + 20, lambda hour: 0.29 - 0.01 * (hour % 24)) == []


def test_inodes_have_their_own_finding_and_page(disk: Disk) -> None:
    disk.inodes = 0.45
    found: list[Finding] = []
    for _ in range(360):
        disk.inodes -= 0.0005
        found = disk.hours(0, lambda _: 0.9)

    (finding,) = found
    assert (finding.subject, finding.runbook) == ("inodes:/srv", "inodes")
    assert finding.level is Level.WARNING


def test_it_is_well_again_when_it_fills_no_more(disk: Disk) -> None:
    disk.hours(6, lambda hour: 0.45 - 0.05 * hour)
    (found,) = disk.hours(3, lambda _: 0.15, watched="/srv")

    assert (found.level, found.value) == (Level.OK, WEEK)


def test_nothing_is_known_in_the_first_two_hours(disk: Disk) -> None:
    assert disk.hours(1.5, lambda hour: 0.3 - 0.1 * hour) == []
    (found,) = disk.hours(0.1, lambda _: 0.1, watched="/srv")

    assert (found.level, found.value) == (Level.UNKNOWN, None)


def test_a_real_disk_that_fills_is_told_before_it_is_full(tmp_path: Path) -> None:
    section = ForecastSection.model_validate(
        {"interval": "0.2s", "for": "1s", "short": "1s", "long": "3s"}
    )
    detector = FilesystemForecast(section, this_host())
    with mounted(tmp_path / "disk", "size=4M") as folder:
        seen: list[Finding] = []
        with (folder / "log").open("wb", buffering=0) as log:
            log.write(bytes(2_000_000))
            for _ in range(25):
                log.write(bytes(60_000))
                time.sleep(0.12)
                seen += [f for f in detector.check(()) if f.subject == str(folder)]
        there = os.statvfs(folder)

    assert there.f_bavail > 0
    assert seen[-1].level in (Level.WARNING, Level.CRITICAL)
    assert seen[-1].summary.startswith(f"{folder} will be full in ")
