"""The policy's section: what a team may write, what a typo costs, and its hash."""

from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.config import yamlfile
from bot.config.policy import Policy
from bot.config.settings import Settings, check
from bot.config.yamlfile import BadConfiguration
from bot.policy.standing import book_of, digest_of, rules_of
from remediation.rules.asked import Risk
from remediation.rules.calendar import Freeze, Window
from remediation.rules.rule import Circle, Rule, Targets

BERLIN = ZoneInfo("Europe/Berlin")


def settings(text: str) -> Settings:
    return check(yamlfile.parse(text.encode(), source="the file"), {}).settings


def rules(*lines: str) -> str:
    return "policy:\n  rules:\n" + "".join(f"    - {line}\n" for line in lines)


def problem(*lines: str) -> str:
    with pytest.raises(BadConfiguration) as error:
        settings(rules(*lines))
    return str(error.value.problems[0])


def test_without_rules_nothing_is_denied() -> None:
    book = rules_of(settings("")).book
    assert (book.rules, book.give_up_after, book.reversible_first) == (
        (),
        2,
        frozenset(),
    )


def test_a_rule_is_read_as_it_was_meant() -> None:
    (found,) = rules_of(
        settings(
            """
            policy:
              rules:
                - name: friday
                  why: no restarts before the weekend
                  actions: [restart, stop]
                  risk: [medium, high]
                  hosts: [web-*]
                  targets:
                    units: [nginx, "pay*"]
                    exes: [/opt/pay/*]
                    users: [deploy]
                    cgroups: ["*/pay.slice/*"]
                  when: {days: [fri], from: "15:00", to: "24:00", zone: Europe/Berlin}
                  approvals: 2
                  approvers: {users: [U0ALICE], groups: [S0PAY]}
            """
        )
    ).book.rules
    assert found == Rule(
        name="friday",
        why="no restarts before the weekend",
        actions=frozenset({"restart", "stop"}),
        risks=frozenset({Risk.MEDIUM, Risk.HIGH}),
        hosts=("web-*",),
        targets=Targets(
            units=("nginx.service", "pay*"),
            exes=("/opt/pay/*",),
            users=("deploy",),
            cgroups=("*/pay.slice/*",),
        ),
        when=Window(
            zone=BERLIN,
            days=frozenset({4}),
            start=timedelta(hours=15),
            end=timedelta(hours=24),
        ),
        approvals=2,
        approvers=Circle(users=frozenset({"U0ALICE"}), groups=frozenset({"S0PAY"})),
    )


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-12-23 12:00", "2027-01-02"),
        ("2026-12-23T12:00", "2027-01-02 00:00:00"),
        ("'2026-12-23 12:00'", "'2027-01-02 00:00'"),
    ],
)
def test_a_freeze_is_read_in_its_zone(start: str, end: str) -> None:
    freeze = f"{{from: {start}, to: {end}, zone: Europe/Berlin}}"
    book = rules_of(settings(rules(f"{{name: x, deny: true, freeze: {freeze}}}"))).book
    assert book.rules[0].when == Freeze(
        zone=BERLIN,
        start=datetime.fromisoformat("2026-12-23 12:00"),
        end=datetime.fromisoformat("2027-01-02"),
    )


def test_classes_of_risk_stand_for_their_actions() -> None:
    book = book_of(Policy(reversible_first=("high", "restart")))
    assert book.reversible_first == {"terminate", "stop", "restart"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{name: x, deny: true, actoins: [stop]}", "did you mean actions?"),
        ("{name: x, deny: true, actions: [kill]}", "'kill' was read"),
        ("{name: x, deny: true, risk: [huge]}", "'huge' was read"),
        ("{name: x, deny: true, actions: []}", "leave the key out"),
        ("{name: x, deny: true, hosts: []}", "leave the key out"),
        ("{name: x, deny: true, targets: {unit: [a]}}", "did you mean units?"),
        ("{name: x, deny: true, targets: {exes: [nginx]}}", "whole paths"),
        ("{name: x, deny: true, targets: {cgroups: [web]}}", "whole paths"),
        ("{name: x, deny: true, when: {day: [fri]}}", "did you mean days?"),
        ("{name: x, deny: true, when: {days: [friday]}}", "'friday' was read"),
        ("{name: x, deny: true, when: {days: []}}", "leave the key out"),
        ("{name: x, deny: true, when: {from: 15:00}}", "in quotes"),
        ("{name: x, deny: true, when: {from: 15}}", "in quotes"),
        ("{name: x, deny: true, when: {from: '25:00'}}", "in quotes"),
        ("{name: x, deny: true, when: {to: '24:01'}}", "in quotes"),
        ("{name: x, deny: true, when: {from: '09:00', to: '09:00'}}", "differ"),
        ("{name: x, deny: true, when: {from: '24:00', to: '09:00'}}", "differ"),
        ("{name: x, deny: true, when: {zone: Europe/Berln}}", "no such time zone"),
        ("{name: x, deny: true, when: {zone: Europe}}", "no such time zone"),
        ("{name: x, deny: true, when: {zone: ../../etc/passwd}}", "no such time zone"),
        ("{name: x, deny: true, when: {zone: CEST}}", "no such time zone"),
        ("{name: x, deny: true, freeze: {to: 2026-01-01}}", "missing"),
        ("{name: x, deny: true, freeze: {from: soon, to: 2026-01-01}}", "are written"),
        ("{name: x, deny: true, freeze: {from: 2026-02-30, to: 2026-03-01}}", "YAML"),
        (
            "{name: x, deny: true, freeze: {from: '2026-02-30 00:00', to: 2026-03-01}}",
            "day is out of range",
        ),
        (
            "{name: x, deny: true, freeze: {from: 2026-03-02, to: 2026-03-01}}",
            "ends before it begins",
        ),
        (
            (
                "{name: x, deny: true, "
                "freeze: {from: 2026-03-01T00:00:00Z, to: 2026-03-02}}"
            ),
            "the zone has its own key",
        ),
        (
            (
                "{name: x, deny: true, when: {days: [fri]}, "
                "freeze: {from: 2026-03-01, to: 2026-03-02}}"
            ),
            "when or freeze",
        ),
        ("{name: x}", "deny: true, or approvals"),
        ("{name: x, deny: false}", "deny: true, or approvals"),
        ("{name: x, deny: true, approvals: 2}", "deny: true, or approvals"),
        ("{name: x, approvals: 1}", "at least 2"),
        ("{name: x, approvals: 9}", "at most 5"),
        ("{name: x, approvers: {}}", "names nobody"),
        ("{name: x, approvers: {users: [alice]}}", "like u0123456789"),
        ("{name: X y, deny: true}", "lower-case letters"),
        ("{deny: true}", "missing"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(line: str, said: str) -> None:
    assert said.lower() in problem(line).lower()


def test_a_problem_is_named_with_its_line() -> None:
    found = problem("{name: a, deny: true}", "{name: b, deny: true, whn: {}}")
    assert found.startswith("line 4: policy.rules.1.whn: unknown key")


def test_two_rules_of_one_name_are_a_mistake() -> None:
    found = problem("{name: a, deny: true}", "{name: a, approvals: 2}")
    assert "two rules are named a" in found


@given(st.text(max_size=20))
def test_any_words_are_a_time_or_a_problem(text: str) -> None:
    section = {"name": "x", "deny": True, "when": {"from": text, "zone": text}}
    with suppress(ValidationError):
        Policy.model_validate({"rules": [section]})


# --- the hash ------------------------------------------------------------------------

TWO = ("{name: a, deny: true}", "{name: b, approvals: 2}")


def test_the_hash_is_of_what_is_effective() -> None:
    plain = digest_of(settings(rules(*TWO)))
    spelt = settings(
        "# a comment\n" + rules(*TWO[::-1]) + "  approvals: 1\n  cooldown: 1800s\n"
    )
    assert digest_of(spelt) == plain
    assert len(plain) == 64


@pytest.mark.parametrize(
    "text",
    [
        rules(TWO[0]),
        rules(TWO[0], "{name: b, approvals: 3}"),
        rules(*TWO) + "  cooldown: 29m\n",
        rules(*TWO) + "slack: {approvers: {users: [U0ALICE]}}\n",
    ],
)
def test_whatever_changes_the_policy_changes_the_hash(text: str) -> None:
    assert digest_of(settings(text)) != digest_of(settings(rules(*TWO)))


def test_what_is_no_policy_does_not_change_the_hash() -> None:
    text = rules(*TWO) + "http: {listen: '127.0.0.1:1'}\n"
    assert digest_of(settings(text)) == digest_of(settings(rules(*TWO)))
