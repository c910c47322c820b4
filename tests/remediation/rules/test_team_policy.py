"""A team's policy as a table: situations and verdicts, and who may approve then."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from remediation.action import Action, LowerPriority, OperateUnit
from remediation.attempt import TargetFacts
from remediation.ledger.leases import Caps
from remediation.policy import Past, Rules, Situation, review
from remediation.rules.asked import Risk, asked_of
from remediation.rules.calendar import Freeze, Window
from remediation.rules.protect import OwnTree, ProtectSettings
from remediation.rules.rule import Circle, Rule, Targets, Voter
from remediation.rules.rulebook import RuleBook, Terms
from remediation.rules.unit_rules import ServiceSettings
from remediation.rules.verdict import Allowed, Refusal
from remediation.target.unit import Verb
from tests.fakes.services import running
from tests.fakes.things import identity, process, terminate
from tests.remediation.rules.test_calendar import BERLIN, berlin, shown

OWNER, OTHER = Voter(id="U1OWNER"), Voter(id="U2OTHER")
MEMBER = Voter(id="U3MEMBER", groups=frozenset({"S1PAY"}))
BOOK = RuleBook(
    rules=(
        Rule(
            name="friday",
            why="no restarts before the weekend",
            actions=frozenset({"restart", "stop"}),
            when=Window(zone=BERLIN, days=frozenset({4}), start=timedelta(hours=15)),
            deny=True,
        ),
        Rule(
            name="year-end",
            when=Freeze(
                zone=BERLIN,
                start=shown("2026-12-23 12:00"),
                end=shown("2027-01-02 00:00"),
            ),
            risks=frozenset({Risk.MEDIUM, Risk.HIGH}),
            deny=True,
        ),
        Rule(name="two-for-high", risks=frozenset({Risk.HIGH}), approvals=2),
        Rule(
            name="three-for-payments",
            targets=Targets(units=("pay*.service",)),
            approvals=3,
        ),
        Rule(
            name="payments-own",
            targets=Targets(units=("pay*.service",)),
            approvers=Circle(users=frozenset({OWNER.id}), groups=frozenset({"S1PAY"})),
        ),
        Rule(
            name="batch-user",
            targets=Targets(users=("batch",)),
            actions=frozenset({"terminate"}),
            deny=True,
        ),
        Rule(
            name="only-web",
            hosts=("db-*",),
            deny=True,
        ),
    ),
    give_up_after=2,
)
RULES = Rules(
    ttl=timedelta(minutes=15),
    needed=1,
    caps=Caps(cooldown=timedelta(minutes=30), per_hour=6),
    protect=ProtectSettings(users=frozenset({"deploy", "batch"})),
    services=ServiceSettings(allow=frozenset({"nginx.service", "pay.service"})),
    book=BOOK,
)
OWN = OwnTree(pid=999_999, ancestors=frozenset(), service=None)
THURSDAY, FRIDAY_NOON = berlin("2026-11-19 16:00"), berlin("2026-11-20 12:00")
FRIDAY_LATE, SATURDAY = berlin("2026-11-20 17:00"), berlin("2026-11-21 00:00")
YULE = berlin("2026-12-25 12:00")
BATCH = process(user="batch", identity=identity(uid=1001))
IN_PAY = process(unit="pay.service")


def on(verb: Verb, name: str = "nginx.service", host: str = "web-1") -> OperateUnit:
    return OperateUnit(host=host, unit=running(name).identity, verb=verb)


def lower(nice: int = 10) -> LowerPriority:
    return LowerPriority(host="web-1", process=identity(), label="x", nice=nice)


@pytest.mark.parametrize(
    ("action", "facts", "at", "rule", "needed"),
    [
        # what                      to what     when          by which rule     approvals
        (on(Verb.RESTART), running(), THURSDAY, "policy.services.restart", 1),
        (on(Verb.RESTART), running(), FRIDAY_NOON, "policy.services.restart", 1),
        (on(Verb.RESTART), running(), FRIDAY_LATE, "policy.rules.friday", None),
        (on(Verb.RESTART), running(), SATURDAY, "policy.services.restart", 1),
        (on(Verb.RESTART), running(), YULE, "policy.rules.year-end", None),
        (on(Verb.STOP), running(), THURSDAY, "policy.rules.two-for-high", 2),
        (on(Verb.STOP), running(), FRIDAY_LATE, "policy.rules.friday", None),
        (
            on(Verb.STOP, host="db-1"),
            running(),
            THURSDAY,
            "policy.rules.only-web",
            None,
        ),
        (on(Verb.RELOAD), running(can_reload=True), YULE, "policy.services.reload", 1),
        (
            on(Verb.RESTART, "pay.service"),
            running("pay.service"),
            THURSDAY,
            "policy.rules.three-for-payments",
            3,
        ),
        (terminate(), process(), THURSDAY, "policy.rules.two-for-high", 2),
        (terminate(), process(), FRIDAY_LATE, "policy.rules.two-for-high", 2),
        (terminate(), process(), YULE, "policy.rules.year-end", None),
        (terminate(), BATCH, THURSDAY, "policy.rules.batch-user", None),
        (terminate(), IN_PAY, THURSDAY, "policy.rules.three-for-payments", 3),
        (lower(), process(), YULE, "policy.processes.lower_priority", 1),
        (lower(), BATCH, THURSDAY, "policy.processes.lower_priority", 1),
        (terminate(), process(user="root"), THURSDAY, "protected.user", None),
        (
            on(Verb.RESTART, "db.service"),
            running("db.service"),
            THURSDAY,
            "policy.services.allow",
            None,
        ),
    ],
)
def test_the_verdict_names_its_rule(
    action: Action, facts: TargetFacts, at: datetime, rule: str, needed: int | None
) -> None:
    found = review(action, (facts,), situation(at), RULES, OWN)
    assert found.rule == rule
    assert (found.needed if isinstance(found, Allowed) else None) == needed


def situation(at: datetime, past: Past | None = None) -> Situation:
    return Situation(locked=None, hold=None, at=at, past=past or Past())


@pytest.mark.parametrize(
    ("voter", "refused_by"),
    [(OWNER, None), (MEMBER, None), (OTHER, "policy.rules.payments-own")],
)
def test_a_rule_says_who_may_approve(voter: Voter, refused_by: str | None) -> None:
    asked = asked_of(on(Verb.RESTART, "pay.service"), (running("pay.service"),))
    terms = BOOK.judge(asked, THURSDAY)
    assert isinstance(terms, Terms)
    refused = terms.refuse_voter(voter)
    assert (refused.rule if refused else None) == refused_by


@pytest.mark.parametrize(
    ("votes", "at", "refused_by"),
    [
        ((), THURSDAY, "policy.approvals"),
        ((OTHER,), THURSDAY, None),
        ((OTHER,), FRIDAY_LATE, "policy.rules.friday"),
    ],
)
def test_what_was_approved_is_asked_again(
    votes: tuple[Voter, ...], at: datetime, refused_by: str | None
) -> None:
    asked = asked_of(on(Verb.RESTART), (running(),))
    refused = BOOK.refuse(asked, votes, at)
    assert (refused.rule if refused else None) == refused_by


@pytest.mark.parametrize(
    ("votes", "refused_by"),
    [
        ((OWNER, MEMBER), "policy.rules.three-for-payments"),
        ((OWNER, MEMBER, OTHER), "policy.rules.payments-own"),
        ((OWNER, MEMBER, replace(OWNER, id="U4", groups=MEMBER.groups)), None),
    ],
)
def test_enough_of_the_right_people_must_have_approved(
    votes: tuple[Voter, ...], refused_by: str | None
) -> None:
    asked = asked_of(on(Verb.RESTART, "pay.service"), (running("pay.service"),))
    refused = BOOK.refuse(asked, votes, THURSDAY)
    assert (refused.rule if refused else None) == refused_by


def test_two_circles_need_people_who_are_in_both() -> None:
    first = Rule(name="a", approvers=Circle(users=frozenset({"U1", "U2"})))
    second = Rule(name="b", approvers=Circle(users=frozenset({"U2", "U3"})))
    book = RuleBook(rules=(first, second))
    asked = asked_of(terminate(), (process(),))
    one, two, three = (Voter(id=f"U{n}") for n in (1, 2, 3))
    assert book.refuse(asked, (one, three), THURSDAY) is not None
    assert book.refuse(asked, (two,), THURSDAY) is None


def test_the_policys_own_number_holds_where_no_rule_asks_for_more() -> None:
    found = review(
        lower(), (process(),), situation(THURSDAY), replace(RULES, needed=2), OWN
    )
    assert found == Allowed(rule="policy.processes.lower_priority", needed=2)


@pytest.mark.parametrize(
    ("ineffective", "rule"),
    [
        (0, "policy.rules.two-for-high"),
        (1, "policy.rules.two-for-high"),
        (2, "policy.give_up_after"),
        (7, "policy.give_up_after"),
    ],
)
def test_after_two_actions_in_vain_nothing_more_is_proposed(
    ineffective: int, rule: str
) -> None:
    past = Past(ineffective=ineffective)
    found = review(terminate(), (process(),), situation(THURSDAY, past), RULES, OWN)
    assert found.rule == rule


def test_a_denial_says_why_and_when() -> None:
    found = review(on(Verb.RESTART), (running(),), situation(FRIDAY_LATE), RULES, OWN)
    assert found == Refusal(
        rule="policy.rules.friday",
        reason="no restarts before the weekend (fri 15:00-24:00 Europe/Berlin)",
    )
