"""Promises 3 and 8: whatever rules, clocks and people, nothing denied is carried out."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.person import Person
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import Proposal, State
from remediation.ledger.tables import proposals
from remediation.rules.asked import RISKS, Risk, kind_of
from remediation.rules.calendar import Freeze, Time, Window
from remediation.rules.rule import Circle, Rule, Targets
from remediation.rules.rulebook import RuleBook
from tests.promises.house import PEOPLE, House, rules

pytestmark = pytest.mark.promise(3, 8)

ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Africa/Cairo", "Asia/Kathmandu")
JUMPS = ("2026-03-29 01:00", "2026-10-25 01:00", "2026-11-01 04:30", "2026-04-23 22:00")
GROUPS = frozenset({"S0ONE", "S0TWO"})
QUARTER = timedelta(minutes=15)
tally = {"runs": 0, "executions": 0, "denied": 0, "stopped": 0}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


STARTS = st.builds(
    lambda text, quarters: instant(text) + quarters * QUARTER,
    st.sampled_from(JUMPS),
    st.integers(-12, 12),
)


@st.composite
def times(draw: st.DrawFn) -> Time | None:
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    start, length = draw(st.integers(0, 95)), draw(st.integers(1, 60))
    if draw(st.booleans()):
        first = draw(STARTS).replace(tzinfo=None)
        return Freeze(zone=zone, start=first, end=first + length * QUARTER)
    days = draw(st.frozensets(st.integers(0, 6), min_size=3))
    end = (start + length) % 96 * QUARTER
    return Window(zone=zone, days=days, start=start * QUARTER, end=end)


BODIES = st.fixed_dictionaries(
    {
        "actions": st.sampled_from([(), ("terminate",), ("lower_priority",)]),
        "risks": st.sampled_from([(), (Risk.HIGH,), (Risk.LOW,)]),
        "targets": st.sampled_from(
            [Targets(), Targets(users=("ada",)), Targets(users=("bob",))]
        ),
        "when": times(),
        "deny": st.booleans(),
        "approvals": st.sampled_from([1, 1, 2, 3]),
        "approvers": st.none()
        | st.builds(
            Circle,
            users=st.frozensets(st.sampled_from([p.id for p in PEOPLE]), min_size=2),
            groups=st.frozensets(st.sampled_from(sorted(GROUPS))),
        ),
    }
)
STEPS = st.lists(
    st.one_of(
        st.just("carry out"),
        st.sampled_from([60, 300, 600]),
        st.builds(
            Person,
            id=st.sampled_from([p.id for p in PEOPLE]),
            is_approver=st.just(value=True),
            groups=st.frozensets(st.sampled_from(sorted(GROUPS))),
        ),
    ),
    min_size=3,
    max_size=12,
)


def shows_inside(when: Time, at: datetime) -> bool:
    """Say what the wall clock says; where it jumps, the rules may say more, never less."""
    here = at.astimezone(when.zone).replace(tzinfo=None)
    if isinstance(when, Freeze):
        return when.start <= here < when.end
    since = timedelta(hours=here.hour, minutes=here.minute)
    today, yesterday = (
        here.weekday() in when.days,
        (here.weekday() - 1) % 7 in when.days,
    )
    if when.start < when.end:
        return today and when.start <= since < when.end
    return (today and since >= when.start) or (yesterday and since < when.end)


def is_about(rule: Rule, done: Proposal, at: datetime) -> bool:
    kind = kind_of(done.action)
    return (
        (not rule.actions or kind in rule.actions)
        and (not rule.risks or RISKS[kind] in rule.risks)
        and rule.targets != Targets(users=("bob",))
        and (rule.when is None or shows_inside(rule.when, at))
    )


def breaks(rule: Rule, done: Proposal) -> bool:
    """Say whether what was done is against a rule that is about it."""
    right = [
        vote
        for vote in done.votes
        if rule.approvers is None
        or vote.id in rule.approvers.users
        or rule.approvers.groups & vote.groups
    ]
    return rule.deny or len(right) < rule.approvals


@given(st.lists(BODIES, max_size=4), STARTS, STEPS)
def nothing_denied_is_carried_out(
    bodies: list[dict[str, object]], start: datetime, steps: list[object]
) -> None:
    book = RuleBook(rules=tuple(Rule(name=f"r{n}", **b) for n, b in enumerate(bodies)))  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        house = House.in_folder(Path(folder), wanted=rules(book=book))
        house.clock.wall = start
        house.propose(house.open_incident(0, at=house.clock.now()))
        for step in steps:
            take(house, step)
            with house.database.read() as tx:
                done = house.ledger.in_state(tx, State.DONE)
            for proposal in done:
                at = proposal_time(house, proposal)
                against = [
                    r
                    for r in book.rules
                    if is_about(r, proposal, at) and breaks(r, proposal)
                ]
                tally["denied"] += len(against)
                assert against == []
        tally["runs"] += 1
        tally["executions"] += sum(house.hands.signals.values())
        with house.database.read() as tx:
            tally["stopped"] += len(house.ledger.in_state(tx, State.REFUSED))
        house.close()


def proposal_time(house: House, proposal: Proposal) -> datetime:
    """Return when it was done: the instant of its claim."""
    with house.database.read() as tx:
        query = select(proposals.c.claimed_at).where(proposals.c.id == proposal.id)
        found = tx.execute(query).scalar_one()
    assert found is not None
    return found


def take(house: House, step: object) -> None:
    match step:
        case Person():
            with house.database.read() as tx:
                pending = house.ledger.in_state(tx, State.PENDING)
            for proposal in pending[:1]:
                try:
                    house.decide.approve(proposal.id, step, None)
                except NotDecided:
                    return
        case int():
            house.clock.passes(step)
        case _:
            house.carry_out.step()


@pytest.mark.timeout(1800)
def test_whatever_rules_and_clocks_nothing_denied_is_carried_out(
    *, full_counts: bool
) -> None:
    for name in tally:
        tally[name] = 0
    settings(
        max_examples=1000 if full_counts else 50,
        database=None,
        suppress_health_check=list(HealthCheck),
    )(nothing_denied_is_carried_out)()
    print(
        f"promises 3, 8: {tally['runs']} policies, {tally['executions']} executions, "
        f"{tally['stopped']} stopped after the approval, denied and done "
        f"{tally['denied']}"
    )
    assert tally["executions"] > 0
