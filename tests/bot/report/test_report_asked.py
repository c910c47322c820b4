"""What may be asked of reports, how many at once, and what they look like."""

import struct
from datetime import timedelta

import pytest

from bot.config.report import ReportSection
from bot.report.reports import NotReported, Reports, span_of
from tests.fakes.story import Story
from tests.fakes.weeks import opened, over

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("typed", ["7x", "0d", "10y", "367d", "1h", "7d 8d", "-1d"])
def test_a_time_that_is_none_is_told_what_may_be(typed: str) -> None:
    with pytest.raises(NotReported, match=r"between 1d and 366d"):
        span_of(tuple(typed.split()))


def test_without_a_time_it_is_the_week() -> None:
    assert span_of(()) == WEEK
    assert span_of(("30d",)) == timedelta(days=30)


def test_a_glance_is_kept_for_a_minute(story: Story) -> None:
    reports = Reports(record=story.record, section=ReportSection())
    first = reports.week()
    opened(story, story.clock.wall)
    assert reports.week() is first
    story.clock.go(60)
    assert reports.week().incidents == 1


def test_a_third_at_once_is_asked_to_come_again(story: Story) -> None:
    reports = Reports(record=story.record, section=ReportSection())
    with reports._room, reports._room, pytest.raises(NotReported, match="Two reports"):
        reports.of(WEEK)
    assert reports.of(WEEK).incidents == 0


# --- the picture ----------------------------------------------------------------------


@pytest.mark.parametrize("days", [1, 7, 31, 366])
def test_every_span_has_a_picture_of_one_size(story: Story, days: int) -> None:
    now = story.clock.wall
    over(story, now, after=timedelta(0))
    over(story, now - HOUR, after=timedelta(days=3))
    opened(story, now - timedelta(hours=20))
    reports = Reports(record=story.record, section=ReportSection())
    png = reports.drawn(reports.of(timedelta(days=days)))
    assert png and struct.unpack(">II", png[16:24]) == (1200, 540)
