"""The policy as it stands: the file's section in the vocabulary of remediation, and its hash."""

import hashlib
import json
from dataclasses import replace

from bot.config.policy import (
    Approvers,
    FreezeSection,
    Policy,
    RuleSection,
    When,
    risks,
)
from bot.config.settings import Settings
from remediation.ledger.leases import Caps
from remediation.policy import Rules
from remediation.rules.calendar import DAYS, Freeze, Time, Window
from remediation.rules.protect import ProtectSettings
from remediation.rules.rule import Circle, Rule, Targets
from remediation.rules.rulebook import RuleBook
from remediation.rules.unit_rules import ServiceSettings


def rules_of(settings: Settings) -> Rules:
    """Translate the policy section."""
    policy = settings.policy
    users = policy.processes.users
    return Rules(
        ttl=policy.approval_ttl,
        needed=policy.approvals,
        caps=Caps(cooldown=policy.cooldown, per_hour=policy.actions_per_hour),
        protect=ProtectSettings(
            users=None if users is None else frozenset(users),
            protect=policy.processes.protect,
            allow=policy.processes.allow,
        ),
        services=ServiceSettings(
            allow=frozenset(policy.services.allow),
            protect=(*policy.processes.protect, *policy.services.protect),
        ),
        stable_for=settings.verify.stable_for,
        book=replace(
            book_of(policy, digest=digest_of(settings)),
            observes=settings.mode == "observe",
        ),
        areas=tuple(policy.cleaning.areas()),
    )


def book_of(policy: Policy, *, digest: str = "") -> RuleBook:
    """Translate the team's own rules."""
    return RuleBook(
        rules=tuple(map(rule_of, policy.rules)),
        break_glass=circle_of(policy.break_glass),
        give_up_after=policy.give_up_after,
        reversible_first=policy.waits_for_reversible,
        digest=digest,
    )


def rule_of(section: RuleSection) -> Rule:
    """Translate one rule."""
    targets = section.targets
    return Rule(
        name=section.name,
        why=section.why,
        actions=frozenset(section.actions or ()),
        risks=risks(section.risk),
        reversible=section.reversible,
        hosts=section.hosts or (),
        targets=Targets()
        if targets is None
        else Targets(
            units=targets.units or (),
            exes=targets.exes or (),
            users=targets.users or (),
            cgroups=targets.cgroups or (),
            folders=targets.folders or (),
        ),
        when=time_of(section.when or section.freeze),
        deny=section.deny,
        approvals=section.approvals or 1,
        approvers=None if section.approvers is None else circle_of(section.approvers),
    )


def circle_of(section: Approvers) -> Circle:
    """Translate who may approve."""
    return Circle(users=frozenset(section.users), groups=frozenset(section.groups))


def digest_of(settings: Settings) -> str:
    """Return the SHA-256, in hex, of the policy as it is effective, defaults included.

    Who may approve belongs to it; the order of rules and the layout of the file do not.
    """
    policy = settings.policy.model_dump(mode="json", by_alias=True)
    policy["rules"].sort(key=lambda rule: rule["name"])
    approvers = settings.slack.approvers.model_dump(mode="json")
    whole: dict[str, object] = {"policy": policy, "approvers": approvers}
    if settings.mode != "act":
        whole["mode"] = settings.mode
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def time_of(section: When | FreezeSection | None) -> Time | None:
    """Translate when something holds; None is always."""
    match section:
        case When():
            days = frozenset(DAYS.index(day) for day in section.days)
            start, end = section.from_, section.to
            return Window(zone=section.zone, days=days, start=start, end=end)
        case FreezeSection():
            return Freeze(zone=section.zone, start=section.from_, end=section.to)
        case None:
            return None
