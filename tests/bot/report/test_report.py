"""A report counts what is in the record, and says what it could not count."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.config.report import ReportSection
from bot.llm import costs
from bot.llm.costs import Call, Price, Usage
from bot.model import REQUEST
from bot.quiet import unpaged
from bot.quiet.unpaged import Why
from bot.report import past, words
from bot.report.figures import Cause, Ending, Fate, Report
from bot.report.reports import Reports
from bot.storage import store
from tests.fakes.services import service
from tests.fakes.story import ALICE, BOB, Story
from tests.fakes.things import culprit
from tests.fakes.weeks import MINUTE, false_alarm, measured, opened, over
from tests.real.databases import KINDS, on

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)

database = on(*KINDS)


def report_of(story: Story, span: timedelta = WEEK, **assumed: int) -> Report:
    section = ReportSection.model_validate(assumed)
    return Reports(record=story.record, section=section).of(span)


def said(report: Report) -> dict[str, str]:
    return dict(words.lines(report))


# --- one incident, as it is lived ---------------------------------------------------


def test_an_action_that_helped_is_counted_from_the_card_to_the_end(
    story: Story,
) -> None:
    story.opens()
    story.clock.go(60)
    story.own.take(1, ALICE)
    story.clock.go(60)
    story.approved()
    story.carry_out.step()
    story.sees(story.well())
    story.clock.go(60)
    story.sees(story.well())
    found = report_of(story)
    assert (found.incidents, found.endings) == (1, {Ending.BY_ACTION: 1})
    assert found.fates[Fate.RECOVERED] == 1 and found.carried_out == 1
    took = found.acknowledge, found.decide, found.recover
    assert [one and one.median for one in took] == [MINUTE, 2 * MINUTE, 3 * MINUTE]
    (drop,) = found.drops
    assert (drop.of, drop.mean, drop.actions) == ("cpu", 93.0, 1)
    assert found.saved == 15 * MINUTE


def test_the_quiet_before_a_return_is_no_time_to_recover(story: Story) -> None:
    story.opens()
    story.sees(story.well())
    story.clock.go(50 * 60)
    story.sees(story.found())
    story.clock.go(60)
    story.sees(story.well())
    found = report_of(story)
    assert found.incidents == 1
    assert found.recover is not None
    assert found.recover.median == MINUTE


def test_what_did_not_help_saves_nobody_anything(story: Story) -> None:
    story.opens()
    story.acted()
    story.clock.go(60)
    story.sees(story.found())
    found = report_of(story)
    assert found.fates[Fate.UNCHANGED] == 1
    assert (found.recovered, found.carried_out, found.saved) == (0, 1, timedelta(0))
    assert "0 of 1 carried out helped (0%)" in said(found)["Actions"]
    assert "Spared" not in said(found)


def test_every_verification_counts_and_not_the_last_alone(story: Story) -> None:
    story.opens()
    story.acted()
    story.clock.go(60)
    story.sees(story.found())
    story.ask.again(1, BOB)
    story.acted()
    story.clock.go(5)
    story.sees(story.well())
    story.clock.go(60)
    story.sees(story.well())
    found = report_of(story)
    assert (found.fates[Fate.UNCHANGED], found.fates[Fate.RECOVERED]) == (1, 1)


def test_a_lock_acknowledges_no_incident(story: Story) -> None:
    story.opens()
    story.own.lock("odd", ALICE)
    assert report_of(story).acknowledge is None
    assert said(report_of(story))["Time to acknowledge"] == "nothing to measure"


def test_a_card_that_nobody_decided_is_noise(story: Story) -> None:
    story.opens()
    story.clock.go(3600)
    with story.database.write() as tx:
        story.ledger.expire(tx, now=story.clock.now())
    found = report_of(story)
    assert (found.noise.expired, found.decide) == (1, None)
    assert "1 card expired" in said(found)["Noise"]


# --- a past of many -------------------------------------------------------------------


def test_median_and_worst_are_told_apart(story: Story) -> None:
    now = story.clock.wall
    for minutes in (1, 2, 60):
        over(story, now - 2 * HOUR, after=minutes * MINUTE)
    took = report_of(story).recover
    assert took and (took.count, took.median, took.worst, took.mean) == (
        3,
        2 * MINUTE,
        60 * MINUTE,
        21 * MINUTE,
    )


def test_a_false_alarm_does_not_recover(story: Story) -> None:
    false_alarm(story, story.clock.wall - HOUR)
    found = report_of(story)
    assert (found.recover, found.endings) == (None, {Ending.FALSE_ALARM: 1})
    assert found.noise.false_alarms == 1


def test_causes_are_condition_and_service_the_most_frequent_first(story: Story) -> None:
    now = story.clock.wall
    over(story, now - HOUR)
    for _ in range(2):
        over(story, now - HOUR, service=service())
    found = report_of(story)
    assert found.causes == (
        Cause(condition="cpu", service="nginx.service", incidents=2),
        Cause(condition="cpu", service="", incidents=1),
    )
    assert said(found)["By cause"] == "cpu of nginx.service 2, cpu 1"
    (place,) = found.services
    assert (place.name, place.incidents) == ("nginx.service", 2)
    assert words.place(found.hosts[0]) == "3 incidents, recovered in 10 min"


def test_what_people_asked_for_is_no_alarm(story: Story) -> None:
    asked = replace(story.found(culprits=()), detector=REQUEST)
    opened(story, story.clock.wall - HOUR, findings=(asked,))
    found = report_of(story)
    assert (found.incidents, found.asked, found.noise.incidents) == (1, 1, 0)
    assert found.causes[0].condition == "asked for by a person"


def test_only_the_span_is_told(story: Story) -> None:
    now = story.clock.wall
    for days in (0, 6, 8):
        over(story, now - timedelta(days=days))
    assert report_of(story).incidents == 2
    assert report_of(story, timedelta(days=1)).incidents == 1


def test_each_day_has_its_column_and_long_spans_have_weeks(story: Story) -> None:
    now = story.clock.wall
    over(story, now - timedelta(days=2), after=3 * MINUTE)
    opened(story, now)
    found = report_of(story)
    assert [sum(one.endings.values()) for one in found.stretches] == [0] * 5 + [1, 0, 1]
    assert [one.recover for one in found.stretches][5:] == [3 * MINUTE, None, None]
    year = report_of(story, timedelta(days=366))
    assert (year.days, len(year.stretches)) == (7, 53)
    assert sum(sum(one.endings.values()) for one in year.stretches) == 2


def test_of_verifications_before_numbers_were_kept_the_verdict_counts(
    story: Story,
) -> None:
    incident = story.ends()
    last = incident.verification
    assert last is not None
    with story.database.write() as tx:
        store.bump(tx, 1, judged=(), verification=replace(last, measures=()))
    found = report_of(story)
    assert (found.fates[Fate.RECOVERED], found.drops) == (1, ())
    assert "CPU" not in said(found)


def test_the_assumption_stands_beside_the_figure(story: Story) -> None:
    story.ends()
    found = report_of(story, minutes_per_action=20)
    assert said(found)["Spared"] == (
        "20 min of people's work, if each of the 1 that helped spares 20 min "
        "(report.minutes_per_action)"
    )


def test_money_says_when_a_price_was_assumed(story: Story) -> None:
    usage = Usage(tokens_in=1000, tokens_out=100)
    for known in (True, False):
        call = Call(
            incident=None,
            at=story.clock.wall - HOUR,
            purpose="talk",
            model="a-model",
            calls=1,
            usage=usage,
            price=Price(dollars=1.25, known=known),
            seconds=1.0,
            outcome="answered",
        )
        with story.database.write() as tx:
            costs.record(tx, call)
    text = said(report_of(story))["Models"]
    assert text == "about $2.50 for 2 calls, prices partly assumed"


def test_what_called_nobody_stays_counted_after_the_digest(story: Story) -> None:
    assert "was not counted yet" in said(report_of(story))["Noise"]
    story.unpaged.add(story.found(), Why.BRIEF)
    story.unpaged.add(story.found(), Why.MUTED)
    story.unpaged.keep()
    with story.database.write() as tx:
        unpaged.forget(tx, unpaged.all_of(tx))
    story.unpaged.add(story.found(), Why.BRIEF)
    story.unpaged.keep()
    text = said(report_of(story))["Noise"]
    day = story.clock.wall.date()
    assert text.endswith(
        f"3 called nobody (2 over before its time, 1 muted, counted since {day})"
    )
    story.clock.go(30 * 86400)
    assert "0 called nobody" in said(report_of(story))["Noise"]


def test_numbers_by_day_go_after_a_year(story: Story) -> None:
    for _ in range(2):
        story.unpaged.add(story.found(), Why.BRIEF)
        story.unpaged.keep()
        story.clock.go((unpaged.COUNTED_FOR + timedelta(days=1)).total_seconds())
    with story.database.read() as tx:
        days = story.clock.wall.date() - timedelta(days=900), story.clock.wall.date()
        assert unpaged.counted(tx, *days) == {Why.BRIEF: 1}


def test_whoever_clicks_waits_for_no_report(story: Story) -> None:
    now = story.clock.wall
    for minutes in range(3):
        over(story, now - HOUR + minutes * MINUTE)
    with story.database.read() as tx:
        assert len(past.past(tx, now - WEEK, now).incidents) == 3
        # The report is still being read, and a decision is written all the same.
        story.opens()
        story.approved(4)
    assert report_of(story).incidents == 4


def test_an_empty_span_says_so(story: Story) -> None:
    found = report_of(story)
    text = said(found)
    assert text["Incidents"] == "none was opened in this time"
    assert (text["Actions"], text["Models"]) == (
        "none was proposed",
        "nothing was spent",
    )
    reports = Reports(record=story.record, section=ReportSection())
    assert reports.drawn(found) is None


def test_what_is_too_much_is_left_out_and_said(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "MOST", 3)
    monkeypatch.setattr(past, "_SLICE", 2)
    now = story.clock.wall
    for minutes in range(5):
        over(story, now - HOUR + minutes * MINUTE)
    found = report_of(story)
    assert (found.incidents, found.unread) == (3, 2)
    assert "2 older incidents" in said(found)["Not read"]


def test_verdicts_are_of_their_own_action(story: Story) -> None:
    incident = over(story, story.clock.wall - HOUR, judged=(measured("another"),))
    assert report_of(story).fates == {}
    assert incident.judged


def test_whoever_is_logged_in_is_no_service(story: Story) -> None:
    shell = culprit(unit="session-3.scope")
    over(story, story.clock.wall - HOUR, culprit=shell)
    found = report_of(story)
    assert found.services == ()
    assert found.causes == (Cause(condition="cpu", service="", incidents=1),)
