"""`countersign policy check` and `explain`: what the policy says, before it is needed."""

import os
import sys
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.config.environment import Environment
from bot.config.instants import parse_instant
from bot.config.policy_case import Case, Said, case_of
from bot.config.settings import Settings
from bot.config.yamlfile import BadConfiguration
from bot.policy.standing import circle_of, rules_of
from bot.policy.words import demand, doubts, people_of, sentence
from bot.runtime.clock import SystemClock
from bot.wiring.parts import configured
from remediation.policy import Rules, Situation, review
from remediation.rules.asked import Asked, asked_of
from remediation.rules.protect import OwnTree
from remediation.rules.rule import Circle, Rule
from remediation.rules.verdict import Allowed, Refusal

_NOBODY = OwnTree(pid=-1, ancestors=frozenset(), service=None)


def check() -> int:
    """Print each rule as a sentence and what is doubtful; 0 well, 1 doubts, 2 bad file."""
    environment = Environment.read(os.environ)
    try:
        settings = configured(environment).settings
    except BadConfiguration as error:
        return _bad(str(error))
    rules = rules_of(settings)
    for rule in sorted(rules.book.rules, key=lambda rule: rule.name):
        print(f"{rule.name}: {sentence(rule)}")
    found = list(doubts(settings, rules, SystemClock().now().wall))
    for doubt in found:
        print(f"doubtful: {doubt}")
    count = len(rules.book.rules)
    words = "1 rule" if count == 1 else f"{count} rules"
    print(f"{words}, {len(found) or 'no'} doubtful; policy {rules.book.digest[:12]}")
    return 1 if found else 0


def explain(
    words: str,
    *,
    host: str | None = None,
    at: str | None = None,
    user: str | None = None,
    exe: str | None = None,
) -> int:
    """Print the verdict on a case and what each rule says; 0 allowed, 1 refused, 2 bad."""
    environment = Environment.read(os.environ)
    try:
        settings = configured(environment).settings
        rules = rules_of(settings)
        said = Said(words=words, host=host or settings.host, user=user, exe=exe)
        case, instant = case_of(said, rules), _instant(at, rules)
    except (BadConfiguration, ValueError) as error:
        return _bad(str(error))
    situation = Situation(locked=None, hold=None, at=instant)
    verdict = review(case.action, (case.facts,), situation, rules, _NOBODY)
    for line in _told(case, instant, verdict, settings, rules):
        print(line)
    return 0 if isinstance(verdict, Allowed) else 1


def _told(
    case: Case,
    at: datetime,
    verdict: Allowed | Refusal,
    settings: Settings,
    rules: Rules,
) -> Iterator[str]:
    asked = asked_of(case.action, (case.facts,))
    yield f"{case.words} on {asked.host}, {at:%a %Y-%m-%d %H:%M} {at.tzinfo}"
    yield f"risk       {asked.risk}"
    match verdict:
        case Refusal(rule=rule, reason=reason):
            yield f"verdict    refused by {rule}: {reason}"
        case Allowed(rule=rule, needed=needed):
            yield f"verdict    allowed by {rule}"
            people = "1 person" if needed == 1 else f"{needed} different people"
            yield f"approvals  {people}, not whoever asks for it"
            yield f"who        {people_of(circle_of(settings.slack.approvers))}"
            for name, circle in _circles(rules, asked, at):
                yield f"           and by {name} only {people_of(circle)}"
            if needed > 1 and rules.book.break_glass != Circle():
                alone = people_of(rules.book.break_glass)
                yield f"alone      {alone}, by breaking the glass with a reason"
    for rule_ in sorted(rules.book.rules, key=lambda rule: rule.name):
        yield f"rule       {_said_by(rule_, asked, at, verdict)}"


def _circles(
    rules: Rules, asked: Asked, at: datetime
) -> tuple[tuple[str, Circle], ...]:
    terms = rules.book.judge(asked, at)
    return () if isinstance(terms, Refusal) else terms.circles


def _said_by(rule: Rule, asked: Asked, at: datetime, verdict: Allowed | Refusal) -> str:
    passed = rule.passed_over(asked, at)
    if passed is not None:
        return f"{rule.name} does not match: {passed}"
    part = "decides" if verdict.rule == rule.full_name else "matches too"
    return f"{rule.name} {part}: {demand(rule)}"


def _instant(at: str | None, rules: Rules) -> datetime:
    now = SystemClock().now().wall
    zones = {rule.when.zone.key for rule in rules.book.rules if rule.when}
    zone = ZoneInfo(zones.pop()) if len(zones) == 1 else ZoneInfo("UTC")
    if at is None:
        return now.astimezone(zone)
    return parse_instant(at, now=now, zone=zone)


def _bad(words: str) -> int:
    sys.stderr.write(f"countersign policy: {words}\n")
    return 2
