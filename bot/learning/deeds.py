"""What was proposed, decided, done and measured in an incident, as Markdown. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.model import Incident
from bot.text.markdown import code, inert, table
from bot.text.words import seconds
from remediation.action import in_words
from remediation.ledger.proposal import Proposal

_ROWS = 20


def done(
    incident: Incident, proposals: Sequence[Proposal], names: Mapping[str, str]
) -> str:
    """Say what was carried out, what was measured afterwards, and what people say."""
    told = [_carried_out(proposal) for proposal in proposals if proposal.outcome]
    check = incident.verification
    if check is not None:
        took = f", clear after {seconds(check.took)}" if check.took else ""
        measured = f"{check.verdict.capitalize()}: {check.figures}{took}"
        told.append(f"Measured afterwards: {inert(measured)}.")
    said = incident.feedback
    if said is not None and said.helped is not None:
        verb = "helped" if said.helped else "did not help"
        told.append(f"{person(said.by, names)} says that it {verb}.")
    return "\n\n".join(told) or "Nothing was carried out."


def deciders(
    incident: Incident, proposals: Sequence[Proposal], names: Mapping[str, str]
) -> str:
    """Return the proposals with who asked, approved and decided, and the objections."""
    if not proposals:
        return "No action was proposed."
    columns = ("proposal", "state", "asked by", "approved by", "decided", "hash", "why")
    made = table(columns, [_decision(p, names) for p in proposals[:_ROWS]])
    against = "".join(f"\n* {inert(text)}" for text in incident.objections[:_ROWS])
    return (
        f"{made}\n\nObjections from the written policy:\n{against}" if against else made
    )


def person(who: str | None, names: Mapping[str, str]) -> str:
    """Say who it was; None is the bot itself. An id is never a mention."""
    if who is None:
        return "Countersign"
    return f"{inert(names[who], limit=80)} ({code(who)})" if who in names else code(who)


def time(at: datetime) -> str:
    """Say a time (UTC) to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _carried_out(proposal: Proposal) -> str:
    outcome = proposal.outcome
    if outcome is None:
        return ""
    steps = "".join(
        f"\n* {time(step.at)} {inert(step.text)}" for step in outcome.steps[:_ROWS]
    )
    name = f"{proposal.incident}{proposal.letter}"
    return (
        f"**{name}** {inert(in_words(proposal.action))}: {outcome.result.value}. "
        f"{inert(outcome.summary)}{steps}"
    )


def _decision(proposal: Proposal, names: Mapping[str, str]) -> tuple[str, ...]:
    voters = ", ".join(
        person(vote.id, names) + (" alone" if vote.broke_glass else "")
        for vote in proposal.votes
    )
    decided = person(proposal.decided_by, names)
    at = f" at {time(proposal.decided_at)}" if proposal.decided_at else ""
    return (
        f"{proposal.incident}{proposal.letter}",
        proposal.state.value,
        person(proposal.requested_by, names),
        voters or "nobody",
        f"{decided}{at}" if proposal.decided_by else "by nobody",
        code(proposal.digest[:8]),
        inert(proposal.note),
    )
