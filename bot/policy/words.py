"""Rules in sentences, and what is doubtful about them. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from fnmatch import fnmatchcase

from bot.config.settings import Settings
from bot.policy.standing import circle_of
from remediation.action import IRREVERSIBLE
from remediation.policy import Rules
from remediation.rules.asked import RISKS
from remediation.rules.calendar import Freeze
from remediation.rules.rule import Circle, Rule

OF_SERVICES = frozenset({"start", "stop", "restart", "reload"})

_UNDONE = {None: "", True: " that can be undone", False: " that cannot be undone"}


def sentence(rule: Rule) -> str:
    """Say what the rule is about and what it asks for, in one sentence."""
    about = _listed(rule.actions) or "every action"
    undone = _UNDONE[rule.reversible]
    risk = f" of {_listed(rule.risks)} risk" if rule.risks else ""
    hosts = f" on {_listed(rule.hosts)}" if rule.hosts else ""
    when = f", {rule.when.in_words()}" if rule.when else ""
    why = f" ({rule.why})" if rule.why else ""
    return f"{about}{risk}{undone}{_targets(rule)}{hosts}{when}: {demand(rule)}{why}"


def demand(rule: Rule) -> str:
    """Say what the rule asks for."""
    if rule.deny:
        return "denied"
    people = f"needs {rule.approvals} different people" if rule.approvals > 1 else ""
    who = f"only {people_of(rule.approvers)} may approve" if rule.approvers else ""
    return ", ".join(filter(None, (people, who)))


def people_of(circle: Circle) -> str:
    """Name who is meant, by their ids."""
    groups = [f"members of {group}" for group in sorted(circle.groups)]
    return ", ".join([*sorted(circle.users), *groups]) or "nobody"


def doubts(settings: Settings, rules: Rules, now: datetime) -> Iterator[str]:
    """Yield what is probably not meant: rules that never match, or that nobody can meet."""
    for rule in rules.book.rules:
        for doubt in (*_never(rule, settings, now), *_unmet(rule, settings)):
            yield f"{rule.name}: {doubt}"
    yield from _unheard(settings)


def _never(rule: Rule, settings: Settings, now: datetime) -> Iterator[str]:
    kinds = rule.actions or frozenset(RISKS)
    left = {kind for kind in kinds if _is_about(rule, kind)}
    if not left:
        risk = f" of {_listed(rule.risks)} risk" if rule.risks else ""
        undone = _UNDONE[rule.reversible]
        yield f"it never matches: {_listed(kinds)} is nothing{risk}{undone}"
    if isinstance(rule.when, Freeze) and rule.when.is_over(now):
        yield "it never matches: its freeze is over"
    hosts = (settings.host, *settings.hosts)
    if rule.hosts and not any(_any(host, rule.hosts) for host in hosts):
        yield f"it never matches here: this is {settings.host}"
    if left and left <= OF_SERVICES:
        yield from _no_service(rule, settings)
    if left == {"clean"}:
        yield from _no_area(rule, settings)
    if rule.deny and rule == Rule(name=rule.name, why=rule.why, deny=True):
        yield "it denies everything, always"


def _is_about(rule: Rule, kind: str) -> bool:
    is_reversible = kind not in IRREVERSIBLE
    of_risk = not rule.risks or RISKS[kind] in rule.risks
    return of_risk and rule.reversible in (None, is_reversible)


def _unheard(settings: Settings) -> Iterator[str]:
    """Yield who may break the glass, but is no approver."""
    glass = circle_of(settings.policy.break_glass)
    everybody = circle_of(settings.slack.approvers)
    if everybody.groups:
        return  # only Slack knows who is in them
    for person in sorted(glass.users - everybody.users):
        yield f"break_glass: {person} is not among slack.approvers"


def _no_service(rule: Rule, settings: Settings) -> Iterator[str]:
    targets, allowed = rule.targets, settings.policy.services.allow
    if targets.exes or targets.users:
        yield "it never matches: of a service neither executable nor user is known"
    elif targets.units and not any(_any(name, targets.units) for name in allowed):
        yield "it never matches: policy.services.allow has no such service"


def _no_area(rule: Rule, settings: Settings) -> Iterator[str]:
    folders = [area.folder for area in settings.policy.cleaning.areas()]
    named = rule.targets.folders
    if not folders:
        yield "it never matches: policy.cleaning lists nothing"
    elif named and not any(_any(folder, named) for folder in folders):
        yield "it never matches: policy.cleaning lists no such folder"


def _unmet(rule: Rule, settings: Settings) -> Iterator[str]:
    if rule.deny:
        return
    everybody = circle_of(settings.slack.approvers)
    own = rule.approvers or everybody
    if own.groups or everybody.groups:
        return  # only Slack knows who is in them
    able = own.users & everybody.users
    needed = max(rule.approvals, settings.policy.approvals)
    if len(able) < needed:
        yield (
            f"nobody can meet it: it needs {needed} approvals, and {len(able)} "
            "of slack.approvers may give them"
        )


def _targets(rule: Rule) -> str:
    targets = rule.targets
    named = {
        "unit": targets.units,
        "executable": targets.exes,
        "user": targets.users,
        "cgroup": targets.cgroups,
        "folder": targets.folders,
    }
    parts = [f"{kind} {_listed(found)}" for kind, found in named.items() if found]
    return f" to {' and '.join(parts)}" if parts else ""


def _any(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
