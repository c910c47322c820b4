"""What is usual here: learnt from the rounds, kept over restarts, not from incidents."""

import json
import logging
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from bot.blame.expected import ExpectedWork
from bot.detectors.surprise import SurpriseDetector, SurpriseSection
from bot.evidence.surprise import SurpriseEvidence
from bot.host.unusual import Unusual
from bot.measuring.habits import MAX_SERIES, Habits, habits
from bot.model import Finding, Level
from bot.runtime.telemetry import Telemetry
from bot.storage.database import Database
from bot.surprise.frozen import thawed
from bot.watch import Watch
from tests.detectors.pieces import PaperFacts, context, this_host
from tests.fakes.story import FakeDetector, Story
from tests.fakes.things import finding

PACE = timedelta(minutes=15)
"""Instead of a minute: a day is then 96 points, and the tests are short."""
DAY = 96


class Host:
    """A host that is watched: three figures in rounds, and their habits."""

    def __init__(self, story: Story, proc: Path) -> None:
        self.story = story
        self.random = random.Random(7)
        self.detectors = {
            name: FakeDetector(name) for name in ("cpu", "load", "conntrack")
        }
        self.habits = self.started()
        seen = context(proc, story.clock, PaperFacts(proc))
        self.context = replace(seen, unusual=self.look)
        self.surprise = SurpriseDetector(SurpriseSection(), self.context)
        self.watch = Watch(
            host="web-1",
            detectors=[*self.detectors.values(), self.surprise],
            respond=story.respond,
            clock=story.clock,
            history=story.history,
            telemetry=Telemetry(),
            expected=ExpectedWork((), this_host(), lambda *_: None),
        )

    def started(self) -> Habits:
        """As a new process starts."""
        return Habits(
            host="web-1",
            history=self.story.history,
            database=self.story.database,
            clock=self.story.clock,
            pace=PACE,
        )

    def look(self) -> Unusual:
        return self.habits.look()

    def grows_up(self, days: int = 8) -> None:
        """Let days pass as usual, without the rounds, which take their time."""
        for _ in range(days * DAY):
            self.story.clock.go(PACE.total_seconds())
            for name in self.detectors:
                value = self.random.gauss(40, 2)
                self.story.history.append(name, self.story.clock.wall, value, "%")
            self.habits.step()

    def lives(self, points: int, **off: float) -> None:
        """Let time pass; each figure is noise about 40, but for what is off.

        The last point is judged in the next one's turn, when its minute is whole.
        """
        for _ in range(points):
            self.story.clock.go(PACE.total_seconds())
            for name, detector in self.detectors.items():
                value = off.get(name, self.random.gauss(40, 2))
                detector.findings = [self.measured(name, value)]
                self.watch.round(name)
            self.habits.step()

    def measured(self, name: str, value: float) -> Finding:
        return finding(
            detector=name,
            label=name,
            series=name,
            value=value,
            at=self.story.clock.wall,
            level=Level.OK,
            culprits=(),
        )


@pytest.fixture
def host(story: Story, tmp_path: Path) -> Host:
    (tmp_path / "proc").mkdir()
    return Host(story, tmp_path / "proc")


def names(unusual: Unusual) -> set[str]:
    return {odd.series for odd in unusual.odd}


def learnt(host: Host) -> dict[str, int]:
    """How many points each series has learnt from."""
    host.habits.save()
    with host.story.database.read() as tx:
        kept = tx.execute(select(habits)).one()
    points = thawed(kept.state).baselines.learnt
    return dict(zip(json.loads(kept.names), map(int, points), strict=True))


def rows(database: Database) -> int:
    with database.read() as tx:
        return tx.execute(select(func.count()).select_from(habits)).scalar_one()


def test_it_learns_for_a_day_and_a_quarter(host: Host) -> None:
    host.lives(DAY)
    assert host.habits.look().tail is None

    host.lives(DAY // 4 + 3)
    assert host.habits.look().tail is not None


def test_what_is_odd_is_told_with_what_was_usual(host: Host) -> None:
    host.grows_up()
    host.lives(2, cpu=95)

    (odd,) = host.habits.look().odd
    assert (odd.series, odd.unit) == ("cpu", "%")
    assert odd.now == pytest.approx(95)
    assert 30 < odd.low <= odd.high < 50
    assert odd.tail <= 0.005


def test_a_slot_is_judged_once_however_often_it_looks(host: Host) -> None:
    host.grows_up(2)
    before = host.habits.look()

    host.habits.step()
    host.habits.step()

    assert host.habits.look() is before


def test_the_points_of_a_slot_are_their_mean(host: Host) -> None:
    host.grows_up()
    # The pace's slots begin at whole quarters; two more rounds fall into this one.
    for value in (60, 140):
        host.story.clock.go(200)
        host.story.history.append("cpu", host.story.clock.wall, value, "%")
    host.story.clock.go(500)
    host.habits.step()

    (odd,) = host.habits.look().odd
    assert odd.now == pytest.approx((60 + 140 + 40) / 3, abs=3)


def test_it_says_nothing_about_long_ago(host: Host) -> None:
    host.grows_up(2)
    host.story.clock.go(3600 * 3)

    assert host.habits.look() == Unusual()


def test_a_restart_forgets_nothing(host: Host) -> None:
    host.grows_up()
    host.habits.save()

    host.habits = host.started()
    host.lives(4)
    assert host.habits.look().tail is not None
    host.lives(2, load=95)

    assert names(host.habits.look()) == {"load"}
    assert rows(host.story.database) == 1


def test_a_read_that_fails_at_the_start_forgets_nothing(host: Host) -> None:
    host.grows_up(2)
    before = learnt(host)
    host.habits = host.started()
    with host.story.database.write() as tx:
        tx.exec_driver_sql("ALTER TABLE habits RENAME TO away")
    with pytest.raises(DBAPIError):
        host.habits.step()
    with host.story.database.write() as tx:
        tx.exec_driver_sql("ALTER TABLE away RENAME TO habits")

    host.lives(2)

    assert all(count >= before[name] for name, count in learnt(host).items())


def test_it_is_written_every_ten_minutes_and_not_before(host: Host) -> None:
    host.habits.step()
    assert rows(host.story.database) == 0

    host.story.clock.go(601)
    host.habits.step()
    assert rows(host.story.database) == 1


@pytest.mark.parametrize("broken", [{"state": b"garbage"}, {"names": '["one"]'}])
def test_what_cannot_be_read_is_learnt_anew(
    host: Host, broken: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    host.lives(4)
    host.habits.save()
    with host.story.database.write() as tx:
        tx.execute(update(habits).values(**broken))

    host.habits = host.started()
    with caplog.at_level(logging.WARNING):
        host.lives(2)

    assert ("habits.forgotten" in caplog.text) is ("state" in broken)
    assert host.habits.look().tail is None


def test_an_incident_teaches_nothing_for_six_hours(host: Host) -> None:
    host.grows_up(2)
    story = host.story
    opened = story.found(detector="cpu", series="cpu", value=99, label="CPU")
    story.sees(opened)
    before = learnt(host)
    host.detectors["cpu"].findings = []
    for _ in range(DAY // 2):  # Twelve hours.
        story.clock.go(PACE.total_seconds())
        for name in ("cpu", "load"):
            story.history.append(name, story.clock.wall, 99, "%")
        host.habits.step()

    after = learnt(host)
    assert after["load"] - before["load"] > DAY // 2 - 3
    assert after["cpu"] - before["cpu"] == pytest.approx(DAY // 4, abs=2)


def test_no_more_series_than_there_is_room_for(host: Host) -> None:
    story = host.story
    for at in range(2):
        for number in range(MAX_SERIES):
            story.history.append(f"disk{at}/{number}", story.clock.wall, 1.0)
        story.clock.go(PACE.total_seconds())
        host.habits.step()
        assert len(learnt(host)) == MAX_SERIES

    story.clock.go(60 * PACE.total_seconds())
    story.history.append("cpu", story.clock.wall, 1.0)
    story.clock.go(PACE.total_seconds())
    host.habits.step()

    assert list(learnt(host)) == ["cpu"]


# --- the whole way -------------------------------------------------------------------


def test_two_families_open_a_card_and_one_does_not(host: Host) -> None:
    host.grows_up()

    for off in ({"cpu": 95, "load": 95}, {"cpu": 95, "conntrack": 95}):
        assert host.story.open() == []
        host.lives(2, **off)
        host.watch.round("surprise")
        host.story.clock.go(61)
        host.watch.round("surprise")
        host.lives(6 if "load" in off else 0)

    (incident,) = host.story.open()
    assert incident.title == "Several figures unusual on web-1"
    assert incident.level is Level.WARNING
    assert incident.offered is None


def test_a_card_for_another_reason_says_what_else_is_unusual(host: Host) -> None:
    host.grows_up()
    host.lives(2, cpu=95, conntrack=95)
    opened = host.story.opens(detector="cpu", series="cpu", label="CPU", value=95)

    (item,) = SurpriseEvidence(host.context).gather(opened)

    assert item.title == "What else is unusual"
    assert item.table is not None
    ((figure, now, usually, odds),) = item.table.rows
    assert (figure, now) == ("Conntrack", "95 %")
    assert " to " in usually and odds.startswith("1 in ")


def test_a_card_on_a_host_that_is_as_usual_has_no_such_line(host: Host) -> None:
    host.grows_up()
    host.lives(2, cpu=95)
    opened = host.story.opens(detector="cpu", series="cpu", label="CPU", value=95)

    assert SurpriseEvidence(host.context).gather(opened) == []


def test_a_bot_that_leads_again_goes_on_with_what_the_other_learnt(host: Host) -> None:
    host.grows_up(1)
    host.habits.save()
    led_before = host.habits
    host.habits = host.started()
    host.grows_up(2)
    host.habits.save()

    host.habits = led_before
    host.habits.forget()
    host.lives(3)

    assert min(learnt(host).values()) > 2 * DAY
