"""For any rules: order means nothing, more rules never allow more, no clock opens a denial."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from remediation.rules.asked import RISKS, Asked, Risk, Subject
from remediation.rules.calendar import Freeze, Window
from remediation.rules.rule import Circle, Rule, Targets, Voter
from remediation.rules.rulebook import RuleBook, Terms
from remediation.rules.verdict import Refusal
from tests.remediation.rules.test_calendar import INSTANTS, NEAR_A_JUMP, ZONES, windows

UNITS = ("nginx.service", "pay.service", "batch@1.service")
EXES = ("/usr/bin/python3.11", "/opt/pay/x", "")
USERS = (("deploy", "1000"), ("batch", "1001"), ())
HOSTS = ("web-1", "db-1")
PEOPLE = ("U1", "U2", "U3")
GROUPS = ("S1", "S2")

AT = INSTANTS | NEAR_A_JUMP


def some(*choices: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(choices), max_size=2, unique=True).map(tuple)


@st.composite
def freezes(draw: st.DrawFn) -> Freeze:
    start = draw(AT).replace(tzinfo=None)
    span = timedelta(minutes=draw(st.integers(1, 60 * 24 * 20)))
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    return Freeze(zone=zone, start=start, end=start + span)


SUBJECTS = st.builds(
    Subject,
    units=some(*UNITS),
    exe=st.sampled_from(EXES),
    users=st.sampled_from(USERS),
    cgroup=st.sampled_from(("/system.slice/x", "/user.slice/y", "")),
)
ASKED = st.builds(
    Asked,
    kind=st.sampled_from(sorted(RISKS)),
    host=st.sampled_from(HOSTS),
    subjects=st.lists(SUBJECTS, max_size=3).map(tuple),
)
TARGETS = st.builds(
    Targets,
    units=some("nginx*", "pay.service", "*"),
    exes=some("/usr/bin/*", "*/x"),
    users=some("deploy", "1001", "*"),
    cgroups=some("/system.slice/*"),
)
CIRCLES = st.builds(
    Circle,
    users=st.frozensets(st.sampled_from(PEOPLE)),
    groups=st.frozensets(st.sampled_from(GROUPS)),
)
BODIES = st.fixed_dictionaries(
    {
        "actions": st.frozensets(st.sampled_from(sorted(RISKS)), max_size=3),
        "risks": st.frozensets(st.sampled_from(Risk), max_size=2),
        "hosts": some("web-*", "db-1"),
        "targets": TARGETS,
        "when": st.none() | windows() | freezes(),
        "deny": st.booleans(),
        "approvals": st.integers(1, 4),
        "approvers": st.none() | CIRCLES,
    }
)
# Rules about everything, so that what they ask for meets what others ask for.
WIDE = st.fixed_dictionaries(
    {"approvals": st.integers(1, 3), "approvers": st.none() | CIRCLES}
)
RULES = (st.lists(BODIES, max_size=6) | st.lists(WIDE | BODIES, max_size=3)).map(
    lambda bodies: tuple(Rule(name=f"r{n}", **body) for n, body in enumerate(bodies))
)
VOTERS = st.lists(
    st.builds(
        Voter,
        id=st.sampled_from(PEOPLE),
        groups=st.frozensets(st.sampled_from(GROUPS)),
    ),
    max_size=4,
    unique_by=lambda voter: voter.id,
).map(tuple)


@given(RULES, ASKED, AT, VOTERS, st.randoms(use_true_random=False))
def test_no_order_of_rules_changes_a_verdict(
    rules: tuple[Rule, ...],
    asked: Asked,
    at: datetime,
    votes: tuple[Voter, ...],
    dice: object,
) -> None:
    shuffled = list(rules)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = RuleBook(rules=rules), RuleBook(rules=tuple(shuffled))
    assert one.judge(asked, at) == other.judge(asked, at)
    assert one.refuse(asked, votes, at) == other.refuse(asked, votes, at)


@given(RULES, RULES, ASKED, AT, VOTERS)
def test_more_rules_never_allow_more(
    rules: tuple[Rule, ...],
    more: tuple[Rule, ...],
    asked: Asked,
    at: datetime,
    votes: tuple[Voter, ...],
) -> None:
    few, many = RuleBook(rules=rules), RuleBook(rules=rules + more)
    before, after = few.judge(asked, at), many.judge(asked, at)
    if few.refuse(asked, votes, at) is not None:
        assert many.refuse(asked, votes, at) is not None
    if isinstance(before, Refusal):
        assert isinstance(after, Refusal)
    elif isinstance(after, Terms):
        assert after.needed >= before.needed
        assert set(before.circles) <= set(after.circles)


@given(RULES, ASKED, AT, VOTERS)
def test_every_matching_rule_is_obeyed(
    rules: tuple[Rule, ...], asked: Asked, at: datetime, votes: tuple[Voter, ...]
) -> None:
    matching = [rule for rule in rules if rule.matches(asked, at)]
    book = RuleBook(rules=rules)
    verdict = book.judge(asked, at)
    assert isinstance(verdict, Refusal) is any(rule.deny for rule in matching)
    if book.refuse(asked, votes, at) is None:
        circles = [rule.approvers for rule in matching if rule.approvers]
        able = [v for v in votes if all(circle.has(v) for circle in circles)]
        assert len(able) >= max([1, *(rule.approvals for rule in matching)])


@given(RULES, ASKED, AT)
def test_a_verdict_names_a_rule_that_matches(
    rules: tuple[Rule, ...], asked: Asked, at: datetime
) -> None:
    verdict = RuleBook(rules=rules).judge(asked, at)
    matching = {rule.full_name for rule in rules if rule.matches(asked, at)}
    assert verdict.rule is None or verdict.rule in matching


@given(RULES, ASKED, AT, st.sampled_from(ZONES))
def test_an_instant_is_judged_alike_in_every_zone(
    rules: tuple[Rule, ...], asked: Asked, at: datetime, zone: str
) -> None:
    book = RuleBook(rules=rules)
    assert book.judge(asked, at) == book.judge(asked, at.astimezone(ZoneInfo(zone)))


@given(st.lists(windows() | freezes(), min_size=1, max_size=4), ASKED, AT)
def test_overlapping_times_deny_whenever_one_of_them_does(
    times: list[Window | Freeze], asked: Asked, at: datetime
) -> None:
    rules = tuple(
        Rule(name=f"r{n}", when=when, deny=n % 2 == 0, approvals=2)
        for n, when in enumerate(times)
    )
    denied = any(when.covers(at) for when in times[::2])
    assert isinstance(RuleBook(rules=rules).judge(asked, at), Refusal) is denied


@given(RULES, ASKED, AT)
def test_one_more_process_to_touch_never_allows_more(
    rules: tuple[Rule, ...], asked: Asked, at: datetime
) -> None:
    alone = Asked(kind=asked.kind, host=asked.host, subjects=asked.subjects[:1])
    book = RuleBook(rules=rules)
    if isinstance(book.judge(alone, at), Refusal):
        assert isinstance(book.judge(asked, at), Refusal)


def test_without_rules_one_approval_is_enough() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    asked = Asked(kind="stop", host="web-1", subjects=())
    assert RuleBook().judge(asked, at) == Terms()
    assert RuleBook().refuse(asked, (Voter(id="U1"),), at) is None
