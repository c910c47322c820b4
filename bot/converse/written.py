"""What is written down: runbooks, the rules under which anything is done, the bot itself."""

import re
from collections.abc import Sequence
from typing import Final

from bot.converse.asked import Asked
from bot.converse.question import Answer
from bot.runbooks.matching import Match
from bot.text.words import seconds

_STEPS: Final = 6
_PAGES: Final = 3
_FRAME: Final = re.compile(
    r"\b(?:run ?books?|playbooks?|procedures?|what|which|does|do|is|are|there|the|a|an|"
    r"say|says|about|for|show|find|me|please|have|we|you|any|on|of|how|to|this|that|it|"
    r"when|should|i|tell|open|read)\b|[^\w.-]"
)


def runbook(asked: Asked) -> Answer:
    """Find the runbook for the words, else for the incident of the thread."""
    words = " ".join(_FRAME.sub(" ", asked.words).split())
    incident = asked.incident
    shelf = asked.sources.shelf
    if incident is not None and (not words or words == str(incident.number)):
        found = shelf.pick(incident, limit=_PAGES)
    else:
        found = shelf.find(words, limit=_PAGES)
    if not found:
        return Answer(text="No runbook speaks of that.")
    return Answer(
        text="\n".join(_pages(found)),
        evidence=tuple(f"runbook {match.page.name}" for match in found[:1]),
        about=incident.number if incident else None,
    )


def _pages(found: Sequence[Match]) -> list[str]:
    first = found[0].page
    steps = [f"{n}) {step}" for n, step in enumerate(first.steps[:_STEPS], start=1)]
    more = len(first.steps) - _STEPS
    others = ", ".join(f"{match.page.title} ({match.page.name})" for match in found[1:])
    return [
        f"Runbook {first.title} ({first.name}); {found[0].why}.",
        *(steps or ["It has no numbered steps."]),
        *([f"and {more} more"] if more > 0 else []),
        *([f"Also near: {others}."] if others else []),
    ]


def policy(asked: Asked) -> Answer:
    """Say who may decide and which limits hold."""
    settings = asked.sources.settings
    rules, may = settings.policy, settings.slack.approvers
    users, groups = may.users, may.groups
    ids = ", ".join((*users, *groups)) or "nobody is listed, so nobody may"
    kinds = ", ".join(kind.replace("_", " ") for kind in rules.candidates)
    lines = [
        f"Who may approve: {len(users)} people and {len(groups)} groups ({ids}).",
        (
            f"Approvals needed: {rules.approvals}. Whoever asks for an action by "
            "command cannot approve it."
        ),
        f"A button lives for {seconds(rules.approval_ttl)}.",
        (
            f"Limits: {rules.actions_per_hour} actions an hour on {settings.host}, and "
            f"{seconds(rules.cooldown)} of quiet for a target after an action."
        ),
        f"What may be proposed for a process, in this order: {kinds}.",
        _protected(rules.processes.users),
    ]
    return Answer(text="\n".join(lines))


def _protected(users: Sequence[str] | None) -> str:
    whose = (
        "accounts that are no system accounts" if users is None else ", ".join(users)
    )
    return (
        f"Only processes of {whose or 'nobody'}; never pid 1, kernel threads, sshd, "
        "systemd, container runtimes or myself."
    )


def oneself(asked: Asked) -> Answer:
    """Say what the bot is and what it does not do."""
    settings = asked.sources.settings
    command = settings.slack.command
    text = (
        f"I am Countersign, the on-call teammate for {settings.host}. I measure, "
        "explain with evidence, and propose exact actions. I act only when a teammate "
        "clicks Approve on a card; words never do that. Every decision stands in the "
        f"incident's thread and in a sealed ledger. {command} help lists the commands."
    )
    return Answer(text=text)
