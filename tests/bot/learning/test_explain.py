"""Memory, runbooks and the model write prose beside the facts, after the card stands."""

from contextlib import suppress
from dataclasses import replace

from bot.diagnosis.context import context_of
from bot.learning.explain import MOST_LOOKS, REST_SECONDS, Explain, Sources
from bot.lore import Diagnosis, Knowledge
from bot.model import Incident
from bot.runtime.loop import Unfinished
from bot.storage import store
from remediation.rules.drilled import DRILL
from tests.fakes.knowing import FakeCritic, FakeMemory, FakeModel, FakeShelf
from tests.fakes.story import Story
from tests.fakes.things import culprit, process


def explainer(story: Story, **sources: object) -> Explain:
    given = {"memory": FakeMemory(), "shelf": FakeShelf(), **sources}
    made = Sources(**given)  # type: ignore[arg-type]
    return Explain(record=story.record, sources=made, poster=story.poster, failed=print)


def explain(story: Story, **sources: object) -> None:
    explains = explainer(story, **sources)
    explains.look_up()
    explains.ask()


def test_memory_and_runbook_are_written_beside_the_facts(story: Story) -> None:
    before = story.opens()
    explain(story)
    knowledge = story.incident().knowledge
    assert knowledge is not None
    assert knowledge.past[0].incident == 7
    assert knowledge.track == "terminate worked 4 of 5 times, median 38 s"
    assert knowledge.runbooks[0].steps == ("a", "b", "c")
    assert story.incident().findings == before.findings
    assert story.incident().offered == before.offered


def test_without_a_model_one_look_is_enough(story: Story) -> None:
    story.opens()
    memory = FakeMemory()
    explain(story, memory=memory)
    version = story.incident().version
    explain(story, memory=memory)
    assert len(memory.asked) == 1
    assert story.incident().version == version
    assert story.incident().is_explained


def test_the_models_opinion_comes_with_its_objections(story: Story) -> None:
    story.opens()
    model = FakeModel()
    explain(story, model=model, critic=FakeCritic(), policy=lambda: "not on Fridays")
    told = story.incident()
    assert told.diagnosis is not None
    assert (told.diagnosis.author, told.objections) == (
        "fake-model",
        ("not on Fridays",),
    )
    assert story.events(1)[-1] == "diagnosis.formed"


def test_the_model_sees_letters_past_cases_and_runbooks(story: Story) -> None:
    story.opens()
    model = FakeModel()
    explain(story, model=model)
    candidates, context = model.seen[0]
    assert [letter for letter, _ in candidates] == ["a", "b", "c"]
    assert [item.id for item in context] == ["M1", "R1"]


def test_the_model_is_asked_once(story: Story) -> None:
    story.opens()
    model = FakeModel()
    for _ in range(3):
        explain(story, model=model)
    assert len(model.seen) == 1


class Broken(FakeModel):
    """Fails as nothing should."""

    asked = 0

    def diagnose(self, incident: Incident, **_: object) -> Diagnosis:
        self.asked += 1
        raise ValueError(incident.number)


class Slow(FakeModel):
    """Answers when the incident is over."""

    def __init__(self, story: Story) -> None:
        super().__init__()
        self._story = story

    def diagnose(self, incident: Incident, **asked: object) -> Diagnosis:
        self._story.sees(self._story.well())
        return super().diagnose(incident, **asked)  # type: ignore[arg-type]


def test_what_was_asked_and_lost_is_not_asked_again(story: Story) -> None:
    story.opens()
    broken = Broken()
    for _ in range(3):
        with suppress(Unfinished):
            explain(story, model=broken)
    assert broken.asked == 1
    assert story.incident().is_explained


def test_an_incident_that_fails_holds_up_no_other(story: Story) -> None:
    story.opens()
    story.sees(story.found(detector="memory", culprits=()))
    with suppress(Unfinished):
        explain(story, model=Broken())
    assert [story.incident(n).is_asked for n in (1, 2)] == [True, True]


def test_a_late_opinion_leaves_a_closed_incident_alone(story: Story) -> None:
    before = story.opens().diagnosis
    explain(story, model=Slow(story))
    assert story.incident().diagnosis == before
    assert story.incident().is_explained


def test_what_is_missing_stands_on_the_card(story: Story) -> None:
    story.opens()
    explain(story, memory=FakeMemory(unwell="The index is being rebuilt"))
    knowledge = story.incident().knowledge
    assert knowledge is not None
    assert knowledge.missing == "The index is being rebuilt"


def test_what_ended_meanwhile_is_left_alone(story: Story) -> None:
    story.opens()
    story.sees(story.well())
    explain(story)
    assert story.incident().knowledge is None


def test_nothing_known_is_no_context() -> None:
    assert context_of(None) == ()


# --- looking again -------------------------------------------------------------------


def test_what_was_missing_is_looked_up_when_it_is_back(story: Story) -> None:
    story.opens()
    memory = FakeMemory(unwell="The index is being rebuilt")
    explains = explainer(story, memory=memory)
    explains.look_up()
    memory.unwell = ""
    woken = story.poster.times
    for _ in range(3):
        explains.look_up()
    assert story.incident().knowledge == replace(seen(story), missing="")
    assert (len(memory.asked), story.poster.times) == (2, woken + 1)


def test_what_stays_missing_is_tried_again_seldom_and_not_for_ever(
    story: Story,
) -> None:
    story.opens()
    memory = FakeMemory(unwell="No vectors")
    explains = explainer(story, memory=memory)
    explains.look_up()
    version = story.incident().version
    story.clock.go(REST_SECONDS - 1)
    explains.look_up()
    assert len(memory.asked) == 1
    for _ in range(500):
        story.clock.go(REST_SECONDS)
        explains.look_up()
    assert len(memory.asked) == MOST_LOOKS - 1
    assert story.incident().version == version
    memory.unwell = ""
    explains.look_up()
    assert seen(story).missing == ""


def test_another_condition_is_looked_up_and_the_card_renewed(story: Story) -> None:
    story.opens()
    memory = FakeMemory()
    explains = explainer(story, memory=memory)
    explains.look_up()
    story.sees(story.found(detector="memory", label="Memory"))
    assert len(story.open()) == 1
    explains.look_up()
    assert len(memory.asked) == 2
    assert story.incident().is_explained


def test_conditions_that_come_and_go_are_not_looked_up_for_ever(story: Story) -> None:
    story.opens()
    memory = FakeMemory()
    explains = explainer(story, memory=memory)
    for number in range(20):
        other = culprit(5000 + number)
        with story.database.write() as tx:
            named = replace(other, process=process(label=f"worker-{number}"))
            store.bump(tx, 1, culprit=named)
        explains.look_up()
    assert len(memory.asked) == MOST_LOOKS


def test_looking_again_that_fails_is_counted_too(story: Story) -> None:
    story.opens()
    memory = FakeMemory(unwell="The index is being rebuilt")
    explains = explainer(story, memory=memory)
    explains.look_up()
    memory.unwell, memory.breaks = "", True
    for _ in range(20):
        with suppress(Unfinished):
            explains.look_up()
    assert len(memory.asked) == MOST_LOOKS


def test_looking_again_does_not_ask_the_model_again(story: Story) -> None:
    story.opens()
    memory, model = FakeMemory(unwell="Rebuilding"), FakeModel()
    explains = explainer(story, memory=memory, model=model)
    explains.look_up()
    explains.ask()
    memory.unwell = ""
    explains.look_up()
    explains.ask()
    assert (len(memory.asked), len(model.seen)) == (2, 1)
    assert story.incident().is_explained


def test_a_model_that_was_taken_away_leaves_nobody_waiting(story: Story) -> None:
    story.opens()
    explainer(story, model=FakeModel()).look_up()
    assert not story.incident().is_explained
    after = explainer(story)
    assert not after.has_model
    after.look_up()
    assert story.incident().is_explained


def seen(story: Story) -> Knowledge:
    """What stands on the card."""
    found = story.incident().knowledge
    assert found is not None
    return found


def test_a_drill_explains_itself_and_costs_no_model(story: Story) -> None:
    story.opens(detector=DRILL)
    explain(story, model=FakeModel())
    found = story.incident()
    assert (found.knowledge, found.is_asked) == (None, False)
