"""Money is reserved before a model is asked, and corrected after."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot import costs
from bot.costs import Usage
from bot.database import Database
from bot.diagnosis.account import Account, Work
from bot.diagnosis.provider import Allowance, Reply
from bot.model_section import Budget
from bot.ports import ModelUnavailable
from tests.fakes.clock import FakeClock
from tests.real.databases import KINDS, fresh

MODEL = "gemini-3.8-flash"
BUDGET = Budget()


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def account(database: Database, clock: FakeClock) -> Account:
    return Account(database, clock)


def begin(account: Account, budget: Budget = BUDGET, *, incident: int = 7) -> Work:
    return account.begin(incident, "diagnosis", MODEL, budget)


def dollars(database: Database) -> float:
    with database.read() as tx:
        return costs.by_incident(tx, 7).dollars


def answered(allowance: Allowance) -> Reply:
    del allowance
    return Reply(text="", calls=(), usage=Usage(tokens_in=100), raw=None)


def test_work_that_never_ended_counts_what_was_reserved(
    account: Account, database: Database
) -> None:
    begin(account)
    assert dollars(database) == pytest.approx(BUDGET.dollars_per_incident)
    with pytest.raises(ModelUnavailable, match="money"):
        begin(account).meter.next_turn(100)


def test_a_reservation_is_what_the_tokens_cost_at_most(
    account: Account, database: Database
) -> None:
    begin(account, Budget(tokens=1000, dollars_per_incident=1))
    most = costs.price(MODEL, Usage(tokens_in=1000, tokens_out=1000))
    assert dollars(database) == pytest.approx(most.dollars)


def test_what_it_took_replaces_the_reservation(
    account: Account, database: Database
) -> None:
    work = begin(account)
    work.meter.ask(300, answered)
    account.enter(work, "answered")
    spent = costs.price(MODEL, Usage(tokens_in=100)).dollars
    assert dollars(database) == pytest.approx(spent)
    with database.read() as tx:
        rows = tx.execute(costs.model_calls.select()).all()
    assert [(row.calls, row.outcome) for row in rows] == [(1, "answered")]


def test_an_answer_without_a_count_costs_what_it_was_allowed(account: Account) -> None:
    work = begin(account)
    most = work.meter.next_turn(300).tokens_out

    def uncounted(allowance: Allowance) -> Reply:
        assert allowance.tokens_out == most
        return Reply(text="{}", calls=(), usage=Usage(), raw=None)

    work.meter.ask(300, uncounted)
    assert work.meter.usage == Usage(tokens_in=100, tokens_out=most)


def test_money_is_counted_on_the_day_it_was_reserved(
    account: Account, database: Database, clock: FakeClock
) -> None:
    day = clock.wall
    work = begin(account)
    work.meter.ask(300, answered)
    clock.go(86_400)
    account.enter(work, "answered")
    with database.read() as tx:
        assert costs.by_day(tx, day).calls == 1


def test_works_at_once_cannot_spend_the_same_money(
    account: Account, database: Database
) -> None:
    budget = Budget(dollars_per_incident=0.05, dollars_per_day=0.12)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: begin(account, budget, incident=n), range(1, 9)))
    with database.read() as tx:
        rows = tx.execute(costs.model_calls.select()).all()
    assert len(rows) == 8
    assert sum(row.dollars for row in rows) == pytest.approx(0.12)


def test_it_knows_that_somebody_was_asked(account: Account) -> None:
    assert not account.was_asked(7, "diagnosis")
    begin(account)
    assert account.was_asked(7, "diagnosis")
    assert not account.was_asked(7, "critic")
    assert not account.was_asked(8, "diagnosis")
