"""What the model has cost: today, this month, and the latest incidents."""

from datetime import datetime, timedelta

from bot.llm import costs
from bot.llm.costs import Call, Price, Usage
from bot.llm.spending import LATEST, Purse
from tests.fakes.clock import START
from tests.fakes.story import Story
from tests.real.databases import KINDS, on

database = on(*KINDS)


def called(
    story: Story, incident: int | None, at: datetime, model: str = "gemini-3.8-flash"
) -> None:
    call = Call(
        incident=incident,
        at=at,
        purpose="diagnosis",
        model=model,
        calls=2,
        usage=Usage(tokens_in=1000, tokens_out=100, tokens_thinking=50),
        price=Price(dollars=0.01, known=True),
        seconds=4.0,
        outcome="answered",
    )
    with story.database.write() as tx:
        costs.record(tx, call)


def purse(story: Story) -> Purse:
    return Purse(record=story.record, model="gemini-3.8-flash", per_day=5.0)


def test_nothing_was_spent_yet(story: Story) -> None:
    found = purse(story).spending()
    assert (found.today.calls, found.month.dollars) == (0, 0.0)
    assert found.incidents == ()
    assert found.models == {}


def test_days_and_months_are_told_apart(story: Story) -> None:
    story.clock.go(5 * 86400)
    for days in (0, 1, 30):
        called(story, 12, story.clock.wall - timedelta(days=days))
    found = purse(story).spending()
    assert (found.today.calls, found.month.calls) == (2, 4)
    assert found.incidents[0].total.calls == 6


def test_the_latest_incidents_come_first_with_their_models(story: Story) -> None:
    for number in range(1, LATEST + 3):
        called(story, number, START + timedelta(seconds=number))
    called(story, 2, START + timedelta(minutes=5), "another")
    called(story, None, START + timedelta(minutes=6))
    story.clock.go(600)
    found = purse(story).spending().incidents
    assert [item.number for item in found[:3]] == [2, 12, 11]
    assert len(found) == LATEST
    assert found[0].models == ("another", "gemini-3.8-flash")
