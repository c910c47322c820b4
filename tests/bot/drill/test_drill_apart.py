"""What a drill stays out of: calls, memory, reports, other incidents."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.actions.calling import call_people
from bot.config.escalation import SecondApprover
from bot.config.report import ReportSection
from bot.learning.remember import Remember
from bot.model import Incident, Level, Phase
from bot.oncall.escalate import Escalate, why
from bot.oncall.second_approver import CallSecond
from bot.opening import is_same
from bot.quiet.false_alarms import FalseAlarms
from bot.quiet.unpaged import counted
from bot.report.reports import Reports
from bot.storage import store
from remediation.ledger.decision import NotDecided
from remediation.rules.drilled import DRILL
from tests.fakes.drilling import CHILDS_UNIT, Stage
from tests.fakes.services import service
from tests.fakes.story import ALICE, BOB
from tests.fakes.things import culprit

# --- what it stays out of ---------------------------------------------------------------


def test_it_calls_nobody_whatever_becomes_of_it(stage: Stage) -> None:
    found = stage.begins()
    story = stage.story
    with pytest.raises(NotDecided, match="is a drill, which calls nobody"):
        story.own.escalate(1, BOB)
    with story.database.write() as tx:
        store.bump(tx, 1, level=Level.CRITICAL)
        call_people(tx, found, "nobody came", story.clock.now())
    story.clock.go(36_000)
    escalate = Escalate(
        record=story.record, poster=story.poster, after=timedelta(minutes=1)
    )
    escalate.sweep()
    critical, now = replace(stage.incident(), owner=None), story.clock.now()
    assert why(critical, story.proposals(), now, timedelta(minutes=1)) is None
    assert stage.incident().phase is Phase.OPEN
    assert "incident.escalated" not in story.events()


def test_a_second_approver_is_not_called_for_it(stage: Stage) -> None:
    story = stage.story
    story.candidates._rules = replace(story.candidates._rules, needed=2)
    stage.begins()
    story.approved()
    story.clock.go(100)
    section = SecondApprover.model_validate({"then": ["S0SECOND"], "after": "10s"})
    CallSecond(record=story.record, poster=story.poster, section=section).sweep()
    assert story.proposals()[0].voters == (ALICE.id,)
    assert "approval.wanted" not in story.events()


class NoMemory:
    """A `Keeper` that has never heard of anything, and must not."""

    def follow(self) -> None:
        """Nothing changes."""

    def knows(self, key: str) -> bool:
        del key
        return False

    def forget(self, key: str) -> bool:
        del key
        return False

    def remember(self, case: object) -> None:
        raise AssertionError(case)


def _rejected(stage: Stage) -> Incident:
    found = stage.begins()
    stage.story.decide.reject(found.offered or "", BOB, None)
    stage.drill.step()
    stage.ends()
    stage.goes_on()
    assert not stage.incident().is_open
    return stage.incident()


def test_it_is_neither_remembered_nor_counted(stage: Stage) -> None:
    _rejected(stage)
    story = stage.story
    Remember(record=story.record, memory=NoMemory(), failed=print).step()
    week = timedelta(days=7)
    found = Reports(record=story.record, section=ReportSection()).of(week)
    assert (found.incidents, found.noise.expired, found.decide) == (0, 0, None)
    assert not any(found.fates.values())
    day = story.clock.wall.date()
    with story.database.read() as tx:
        assert not any(counted(tx, day, day).values())


def test_the_next_one_is_no_return_of_it(stage: Stage) -> None:
    first = _rejected(stage)
    stage.drill.step()
    stage.drill.ask(ALICE)
    stage.goes_on()
    second = stage.story.incident(2)
    assert not is_same(first, second)
    assert second.returned == ()


def test_a_real_trouble_of_the_bots_own_service_is_not_part_of_it(
    stage: Stage,
) -> None:
    story = stage.story
    ours = replace(service(), identity=replace(service().identity, name=CHILDS_UNIT))
    story.opens(detector="unit_failed", subject=CHILDS_UNIT, service=ours, culprits=())
    stage.drill.ask(ALICE)
    stage.goes_on()
    assert [i.lead.detector for i in story.open()] == ["unit_failed", DRILL]


def test_what_begins_meanwhile_has_a_card_of_its_own(stage: Stage) -> None:
    stage.begins()
    story = stage.story
    # Even what blames the very child is no part of the drill.
    blamed = replace(culprit(), process=story.reader.living[stage.pid])
    story.sees(story.found(detector="runaway_process", subject="x", culprits=(blamed,)))
    assert [len(incident.findings) for incident in story.open()] == [1, 1]
    assert story.proposals(2) == []


def test_a_round_that_failed_keeps_no_later_one_from_measuring(stage: Stage) -> None:
    stage.begins()
    [found] = stage.detector.check(["", stage.child.subject])
    assert found.level is Level.WARNING


def test_what_was_called_nothing_teaches_no_limit(stage: Stage) -> None:
    stage.begins()
    stage.story.own.false_alarm(1, ALICE)
    story = stage.story
    FalseAlarms(record=story.record, sections={}, poster=story.poster).step()
    assert "limit.suggested" not in story.events()
