"""What models cost, summed for people and for the budget."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.llm import costs
from bot.llm.costs import Call, Price, Usage
from bot.storage.database import Database
from tests.real.databases import KINDS, on

NOON = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)

database = on(*KINDS)


def call(at: datetime = NOON, *, dollars: float = 0.25, known: bool = True) -> Call:
    return Call(
        incident=12,
        at=at,
        purpose="diagnosis",
        model="gemini-3.8-flash",
        calls=2,
        usage=Usage(tokens_in=100, tokens_out=20, tokens_thinking=5),
        price=Price(dollars=dollars, known=known),
        seconds=1.5,
        outcome="answered",
    )


def test_a_day_and_a_month_end_at_midnight_utc(database: Database) -> None:
    midnight = NOON.replace(hour=0)
    with database.write() as tx:
        for at in (
            midnight,
            midnight - timedelta(microseconds=1),
            midnight + timedelta(days=1),
        ):
            costs.record(tx, call(at))
    with database.read() as tx:
        assert costs.spent(tx, NOON) == 0.25
        assert costs.by_day(tx, NOON).calls == 2
        assert costs.by_month(tx, NOON).dollars == 0.5
        assert costs.by_month(tx, NOON + timedelta(days=1)).dollars == 0.25


def test_an_incident_has_its_total(database: Database) -> None:
    with database.write() as tx:
        costs.record(tx, call())
        costs.record(tx, call(known=False))
    with database.read() as tx:
        total = costs.by_incident(tx, 12)
        nothing = costs.by_incident(tx, 13)
    assert (total.tokens_in, total.tokens_out, total.tokens_thinking) == (200, 40, 10)
    assert (total.dollars, total.seconds, total.all_known) == (0.5, 3.0, False)
    assert (nothing.calls, nothing.all_known) == (0, True)


def test_a_correction_replaces_what_was_reserved(database: Database) -> None:
    with database.write() as tx:
        costs.record(tx, call())
        row = costs.record(tx, replace(call(dollars=9), outcome="asked"))
        costs.correct(tx, row, call(dollars=0.5))
    with database.read() as tx:
        assert costs.by_incident(tx, 12).dollars == 0.75


def test_each_model_has_its_total(database: Database) -> None:
    with database.write() as tx:
        costs.record(tx, call())
    with database.read() as tx:
        found = costs.models(tx, NOON, NOON + timedelta(hours=1))
    assert list(found) == ["gemini-3.8-flash"]
    assert found["gemini-3.8-flash"].calls == 2


def test_thinking_costs_what_an_answer_costs() -> None:
    thought = costs.price("gemini-3.8-flash", Usage(tokens_thinking=1000))
    answered = costs.price("gemini-3.8-flash", Usage(tokens_out=1000))
    assert thought == answered
    assert thought.known and thought.dollars > 0


def test_an_unknown_model_is_counted_high_and_marked() -> None:
    usage = Usage(tokens_in=1_000_000, tokens_out=1_000_000)
    unknown = costs.price("somebodys-own", usage)
    assert not unknown.known
    assert unknown.dollars == 30
    assert unknown.dollars > costs.price("gemini-3.8-flash", usage).dollars
