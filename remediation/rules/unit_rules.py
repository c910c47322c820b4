"""Which services may be operated, and how: decided by what their manager says of them.

Nothing may be operated that the team has not listed by its canonical name. What is
protected stays so even when it is listed: the machine's own services and the bot's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from remediation.action import OperateUnit
from remediation.rules.protect import OwnTree
from remediation.rules.unit_protect import of_kinds, protected_unit
from remediation.rules.verdict import Refusal
from remediation.target.unit import UnitFacts, Verb, is_service_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What the operator decides about services.

    allow: exact canonical names that may be operated. protect: further patterns
    (fnmatch, case counts) of names or aliases; nothing lifts them.
    """

    allow: frozenset[str] = frozenset()
    protect: tuple[str, ...] = ()


def refuse_unit(
    action: OperateUnit, facts: UnitFacts, settings: ServiceSettings, own: OwnTree
) -> Refusal | None:
    """Return the first rule that forbids this to this service, or None."""
    for found in _rules(action, facts, settings, own):
        return found
    return None


def _rules(
    action: OperateUnit, facts: UnitFacts, settings: ServiceSettings, own: OwnTree
) -> Iterator[Refusal]:
    yield from _unfit(facts)
    yield from _protected(facts, settings, own)
    yield from _unlisted(facts, settings)
    for other in action.dependents if action.takes_dependents else ():
        yield from of_kinds((other,), f"{other} needs it, and ")
    yield from _denied(action.verb, facts)
    yield from _pointless(action.verb, facts)


def _denied(verb: Verb, facts: UnitFacts) -> Iterator[Refusal]:
    for denied, reason in facts.denied:
        if denied is verb:
            by_hand = f"systemctl {verb} {facts.name}  (as root, after a look at it)"
            yield Refusal(rule="privilege", reason=reason, by_hand=by_hand)


def _unfit(facts: UnitFacts) -> Iterator[Refusal]:
    if not is_service_name(facts.name):
        yield Refusal(rule="services.name", reason="it is not one service")
    if facts.load == "masked":
        yield Refusal(
            rule="services.masked",
            reason="somebody masked it, so it must not run",
            by_hand=f"systemctl unmask {facts.name}  (if that was a mistake)",
        )
    elif facts.load != "loaded":
        yield Refusal(
            rule="services.not_loaded",
            reason=f"its manager could not load its definition ({facts.load})",
            by_hand=f"systemctl status {facts.name}",
        )


def _protected(
    facts: UnitFacts, settings: ServiceSettings, own: OwnTree
) -> Iterator[Refusal]:
    names = (facts.name, *facts.names)
    yield from protected_unit(names, facts.cgroup, own)
    for pattern in settings.protect:
        if any(fnmatchcase(name, pattern) for name in names):
            yield Refusal(
                rule="protected.pattern", reason=f"the configuration protects {pattern}"
            )


def _unlisted(facts: UnitFacts, settings: ServiceSettings) -> Iterator[Refusal]:
    if facts.name in settings.allow:
        return
    alias = next((name for name in facts.names if name in settings.allow), None)
    if alias is not None:
        yield Refusal(
            rule="policy.services.allow",
            reason=f"{alias} is listed, but that is an alias; list {facts.name} itself",
        )
    yield Refusal(
        rule="policy.services.allow",
        reason=f"{facts.name} is not among the services that may be operated",
        by_hand=f"systemctl restart {facts.name}  (as root, after a look at it)",
    )


def _pointless(verb: Verb, facts: UnitFacts) -> Iterator[Refusal]:
    refused = {
        Verb.START: None if facts.may_start else "it cannot be started by hand",
        Verb.STOP: None if facts.may_stop else "it cannot be stopped by hand",
        Verb.RELOAD: None if facts.can_reload else "it knows no reload",
        Verb.RESTART: None
        if facts.may_start and facts.may_stop
        else "it cannot be started and stopped by hand",
    }[verb]
    if refused is not None:
        yield Refusal(rule=f"services.no_{verb}", reason=refused)
    if verb is Verb.START and facts.is_running:
        yield Refusal(rule="services.state", reason="it runs already")
    if verb in (Verb.STOP, Verb.RELOAD) and facts.is_down:
        yield Refusal(rule="services.state", reason="it does not run")
