"""Money is held before a model is asked, and corrected after."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest

from bot.config.model import Budget
from bot.diagnosis.account import Account, Work
from bot.diagnosis.provider import Allowance, Reply
from bot.llm import costs
from bot.llm.costs import Usage
from bot.ports import ModelUnavailable
from bot.storage.database import Database
from tests.fakes.clock import FakeClock
from tests.real.databases import KINDS, on

MODEL = "gemini-3.8-flash"
BUDGET = Budget()

database = on(*KINDS)


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


def test_a_turn_that_never_ended_counts_what_was_held_for_it(
    account: Account, database: Database
) -> None:
    most = begin(account).meter.next_turn(300)
    held = costs.price(MODEL, Usage(tokens_in=100, tokens_out=most.tokens_out))
    assert dollars(database) == pytest.approx(held.dollars, rel=0.001)


def test_a_turn_holds_what_it_can_cost_at_most(
    account: Account, database: Database
) -> None:
    begin(account, Budget(tokens=1000, dollars_per_incident=1)).meter.next_turn(300)
    most = costs.price(MODEL, Usage(tokens_in=100, tokens_out=900))
    assert dollars(database) == pytest.approx(most.dollars)


def test_money_held_at_an_assumed_price_is_marked(
    account: Account, database: Database
) -> None:
    account.begin(7, "diagnosis", "no-such-model", BUDGET).meter.next_turn(300)
    with database.read() as tx:
        assert not costs.by_incident(tx, 7).all_known


def test_between_turns_nothing_is_held(account: Account, database: Database) -> None:
    begin(account).meter.ask(300, answered)
    spent = costs.price(MODEL, Usage(tokens_in=100)).dollars
    assert dollars(database) == pytest.approx(spent)


@pytest.mark.parametrize("model", [MODEL, "gpt-5"])
def test_two_works_about_one_incident_ask_side_by_side(
    account: Account, database: Database, model: str
) -> None:
    both_ask, sums = Barrier(2, timeout=20), list[float]()

    def turn(allowance: Allowance) -> Reply:
        both_ask.wait()
        sums.append(dollars(database))
        return answered(allowance)

    def work(purpose: str) -> Reply:
        return account.begin(7, purpose, model, BUDGET).meter.ask(9000, turn)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, ("diagnosis", "conversation")))
    assert len(sums) == 2
    assert max(sums) <= BUDGET.dollars_per_incident


def test_works_at_once_that_spend_all_they_may_stay_below_both_caps(
    account: Account, database: Database
) -> None:
    budget = Budget(rounds=20, dollars_per_incident=0.05, dollars_per_day=0.12)

    def greedy(allowance: Allowance) -> Reply:
        usage = Usage(tokens_in=100, tokens_out=allowance.tokens_out)
        return Reply(text="", calls=(), usage=usage, raw=None)

    def work(number: int) -> None:
        meter = begin(account, budget, incident=7 + number % 4).meter
        with suppress(ModelUnavailable):
            for _ in range(20):
                meter.ask(300, greedy)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    with database.read() as tx:
        its = [costs.by_incident(tx, number).dollars for number in range(7, 11)]
    assert max(its) <= 0.05 + 1e-9
    assert 0.1 < sum(its) <= 0.12 + 1e-9


def test_what_it_took_replaces_what_was_held(
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


def test_money_is_counted_on_the_day_the_work_began(
    account: Account, database: Database, clock: FakeClock
) -> None:
    day = clock.wall
    work = begin(account)
    work.meter.ask(300, answered)
    clock.go(86_400)
    account.enter(work, "answered")
    with database.read() as tx:
        assert costs.by_day(tx, day).calls == 1


def test_turns_at_once_cannot_hold_the_same_money(
    account: Account, database: Database
) -> None:
    budget = Budget(dollars_per_incident=0.05, dollars_per_day=0.06)
    works = [begin(account, budget, incident=number) for number in range(1, 9)]

    def ask(work: Work) -> bool:
        try:
            return work.meter.next_turn(300).tokens_out > 0
        except ModelUnavailable:
            return False

    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(ask, works))
    with database.read() as tx:
        rows = tx.execute(costs.model_calls.select()).all()
    assert 2 <= sum(asked) < 8
    assert sum(row.dollars for row in rows) <= 0.06 + 1e-9
