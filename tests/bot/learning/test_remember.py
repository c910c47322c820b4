"""What ended becomes a case: fixed, rejected, passed, false alarm; corrected later."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.learning.remember import Remember
from bot.learning.retell import case_of, past, service_of, symptoms_of, track_words
from bot.lore import Feedback
from bot.model import Incident
from memory.case import Case, Outcome, Recollection, TrackRecord
from memory.recollect import Memory
from remediation.ledger.audit import Event, append
from tests.fakes.story import ALICE, BOB, Story
from tests.fakes.things import culprit, finding, incident, process


class Notebook:
    """A `Keeper` that keeps everything in a dict."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.written = 0

    def follow(self) -> None:
        pass

    def knows(self, key: str) -> bool:
        return key in self.cases

    def remember(self, case: Case) -> None:
        self.cases[case.key] = case
        self.written += 1


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


def remembered(story: Story, notebook: Notebook) -> Case:
    Remember(record=story.record, memory=notebook, failed=print).step()
    (case,) = notebook.cases.values()
    return case


def fixed(story: Story) -> None:
    story.opens()
    story.acted()
    for _ in range(2):
        story.clock.go(20)
        story.sees(story.well())


def test_a_fixed_incident_is_remembered_with_what_was_done(
    story: Story, notebook: Notebook
) -> None:
    fixed(story)
    case = remembered(story, notebook)
    assert (case.outcome, case.action_kind) == (Outcome.FIXED, "terminate")
    assert case.action == "terminate python3.11 burn.py"
    assert (case.condition, case.service) == ("cpu", "python3.11 burn.py")
    assert case.took is not None


def test_an_open_incident_is_not_remembered(story: Story, notebook: Notebook) -> None:
    story.opens()
    Remember(record=story.record, memory=notebook, failed=print).step()
    assert notebook.cases == {}


def test_a_rejection_is_remembered_with_its_reason(
    story: Story, notebook: Notebook
) -> None:
    offered = story.opens().offered or ""
    story.decide.reject(offered, ALICE, None, why="it is the nightly build")
    story.sees(story.well())
    case = remembered(story, notebook)
    assert case.outcome is Outcome.REJECTED
    assert "it is the nightly build" in case.action


def test_what_passed_by_itself_is_called_so(story: Story, notebook: Notebook) -> None:
    story.opens()
    story.sees(story.well())
    case = remembered(story, notebook)
    assert (case.outcome, case.action) == (Outcome.BY_ITSELF, "")


def test_a_false_alarm_is_called_so(story: Story, notebook: Notebook) -> None:
    story.opens()
    story.own.false_alarm(1, ALICE)
    assert remembered(story, notebook).outcome is Outcome.FALSE_ALARM


def test_an_action_without_effect_is_remembered_as_such(
    story: Story, notebook: Notebook
) -> None:
    story.opens()
    story.acted()
    for _ in range(2):
        story.clock.go(20)
        story.sees(story.found())
    story.sees(story.well())
    assert remembered(story, notebook).outcome is Outcome.NO_EFFECT


def test_nothing_new_writes_nothing(story: Story, notebook: Notebook) -> None:
    fixed(story)
    for _ in range(3):
        Remember(record=story.record, memory=notebook, failed=print).step()
    assert notebook.written == 1


def test_what_a_person_says_later_is_written_anew(
    story: Story, notebook: Notebook
) -> None:
    fixed(story)
    remembered(story, notebook)
    said(story, Feedback(by=BOB.id, cause="a loop in the parser", is_right=True))
    case = remembered(story, notebook)
    assert (case.cause, case.confirmed) == ("a loop in the parser", True)
    assert notebook.written == 2


def said(story: Story, feedback: Feedback) -> None:
    from bot.storage import store

    with story.database.write() as tx:
        store.bump(tx, 1, feedback=feedback)
        at = story.clock.wall
        append(tx, Event(kind="feedback.given", text="said", at=at, incident=1))


def test_what_was_forgotten_stays_so(story: Story, notebook: Notebook) -> None:
    fixed(story)
    remembered(story, notebook)
    notebook.cases.clear()
    said(story, Feedback(by=BOB.id, helped=False))
    Remember(record=story.record, memory=notebook, failed=print).step()
    assert notebook.cases == {}


def test_a_correction_reaches_a_folded_incident(story: Story) -> None:
    memory = folded(story)
    said(story, Feedback(by=BOB.id, helped=False))
    Remember(record=story.record, memory=memory, failed=print).step()
    record = memory.track(symptoms_of(story.incident()), "terminate")
    assert (record.tried, record.worked) == (2, 1)


def test_a_folded_incident_that_was_forgotten_stays_so(story: Story) -> None:
    memory = folded(story)
    memory.forget("1")
    said(story, Feedback(by=BOB.id, helped=False))
    Remember(record=story.record, memory=memory, failed=print).step()
    assert [one.weight for one in memory.cases()] == [1]


def folded(story: Story) -> Memory:
    """Return a memory in which incident 1 and one like it, both fixed, are a pattern."""
    fixed(story)
    memory = Memory(story.database, None, None)
    Remember(record=story.record, memory=memory, failed=print).step()
    (alone,) = memory.cases()
    memory.remember(replace(alone, key="0", incident=0))
    assert memory.compact(alone.closed_at + timedelta(days=1)) == 1
    return memory


def test_more_events_than_one_batch_are_all_read(
    story: Story, notebook: Notebook
) -> None:
    story.opens()
    with story.database.write() as tx:
        for _ in range(1100):
            append(tx, Event(kind="noise", text="x", at=story.clock.wall, incident=1))
    story.sees(story.well())
    assert remembered(story, notebook).incident == 1


# --- words ---------------------------------------------------------------------------


def told(**feedback: object) -> Case:
    done = incident(
        culprit=culprit(), feedback=Feedback(by="U1", **feedback), resolution="over"
    )
    return case_of(done, ())


def test_a_corrected_cause_outranks_the_opinion() -> None:
    assert told(cause="the cache").cause == "the cache"


def test_the_service_is_the_unit_where_there_is_one() -> None:
    facts = process(unit="shop.service")
    found = incident(culprit=culprit())
    assert service_of(found) == "python3.11 burn.py"
    assert service_of(with_process(found, facts)) == "shop.service"
    assert service_of(incident(findings=(finding(subject="/var"),))) == "/var"


def test_a_rule_of_prometheus_is_a_condition_of_its_own() -> None:
    hosts = ("web-7", "web-8")
    seen = [
        finding(detector="prometheus", host=host, subject=f"disk@{host}#0123456789")
        for host in hosts
    ]
    told = [symptoms_of(incident(findings=(one,), host=one.host)) for one in seen]
    assert {(one.condition, one.service) for one in told} == {("prometheus disk", "")}


def with_process(found: Incident, facts: object) -> Incident:
    held = found.culprit
    assert held is not None
    return replace(found, culprit=replace(held, process=facts))  # type: ignore[arg-type]


def test_symptoms_are_what_all_findings_say() -> None:
    second = finding(detector="memory", summary="Memory is low.")
    asked = symptoms_of(incident(findings=(finding(), second)))
    assert "Memory is low." in asked.text
    assert asked.condition == "cpu"


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (TrackRecord(tried=0, worked=0, median=None), ""),
        (TrackRecord(tried=5, worked=4, median=None), "terminate worked 4 of 5 times"),
    ],
)
def test_a_track_record_is_said_in_one_phrase(record: TrackRecord, words: str) -> None:
    assert track_words(record, "terminate") == words


def test_a_recollection_never_says_it_is_the_same(story: Story) -> None:
    fixed(story)
    with story.database.read() as tx:
        proposals = story.ledger.of(tx, 1)
    case = case_of(story.incident(), proposals)
    shown = past(Recollection(case=case, similarity=0.99, seen=7, worked=5, tried=6))
    assert (shown.seen, shown.tried, shown.worked) == (7, 6, 5)
    assert shown.outcome == "it helped"
