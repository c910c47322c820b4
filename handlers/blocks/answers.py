"""Answers to a person: refusals, status, lists, rehearsals, help, what was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.actions.simulate import Simulation
from bot.converse.question import Answer
from bot.host.enclosure import not_watched
from bot.model import Incident, Level, Table
from bot.oncall.handover import Handed
from bot.status import Board, HostHealth, OpenIncident
from bot.storage.lead import Standing
from bot.storage.quiet import Quiet
from bot.text.markdown import unlinked
from bot.text.words import level_word, measured
from handlers.blocks.buttons import button
from handlers.blocks.listing import listing
from handlers.blocks.markup import (
    MESSAGE_LIMIT,
    Message,
    characters,
    clock,
    context,
    cut,
    day_and_clock,
    escaped,
    field,
    mention,
    preformatted,
    section,
)
from remediation.ledger.proposal import Proposal
from remediation.rules.rulebook import OBSERVES

_TEXT = 2900
_TABLE = 2600
# Room for what stands below a list.
_NOTES = 400
_DOTS = {Level.OK: "🟢", Level.UNKNOWN: "⚪", Level.WARNING: "🟠", Level.CRITICAL: "🔴"}


def plain(text: str) -> Message:
    """Return an answer of one paragraph, in our own words."""
    return Message(text=text, blocks=(section(text),))


def refused(
    reason: str, *, by: str | None = None, who_may: Sequence[str] = ()
) -> Message:
    """Say that a click or command did not count, why, and who may."""
    decided = f" (by {mention(by)})" if by else ""
    may = f" Who may: {', '.join(map(mention, who_may))}." if who_may else ""
    return plain(f"Nothing was done: {escaped(reason)}{decided}.{may}")


def handed(over: Handed) -> Message:
    """Say what went to the next person; a paused process resumes by itself."""
    incidents = ", ".join(map(str, over.incidents)) or "none"
    lock = "the lock, " if over.lock else ""
    return plain(
        f"Handed over: incidents {incidents}; {lock}{len(over.mutes)} mutes. What is "
        "paused resumes by itself, and its card has Undo."
    )


def rejected(proposal: Proposal) -> Message:
    """Tell who rejected, and offer to say why."""
    text = f"You rejected {proposal.incident}{proposal.letter}. Nothing will be done."
    say_why = button("Say why", "say_why", proposal.id)
    row: dict[str, object] = {"type": "actions", "elements": [say_why]}
    return Message(text=text, blocks=(section(text), row))


def board(found: Board) -> Message:
    """Draw the status: hosts, open incidents, the lock."""
    lines = [_host(health) for health in found.hosts]
    blocks = [section("\n".join(lines) or "Nothing was measured yet.")]
    blocks += [section(_open_line(item)) for item in found.open[:20]]
    if not found.open:
        blocks.append(section("No open incident."))
    blocks += _restrictions(found)
    if found.standing is not None:
        blocks.append(context(_standing(found.standing)))
    blocks.append(context(f"As of {clock(found.at)}"))
    summary = f"{len(found.open)} open incidents on {len(found.hosts)} hosts"
    return Message(text=summary, blocks=tuple(blocks))


def _standing(found: Standing) -> str:
    """Say which of several bots leads since when, and whether it answers here."""
    if found.leader is None:
        return f"{escaped(found.me)} answers; no bot leads yet, so nothing is detected."
    since = (
        f"{escaped(found.leader.name)} leads since {day_and_clock(found.leader.since)}"
    )
    if found.leads:
        return f"{since} and answers here."
    if found.was_me:
        return f"{since}, but has lost the lead: look at the database."
    return (
        f"{since}. {escaped(found.me)} answers here and follows: it decides and acts, "
        "but measures nothing, so its figures are none. Ask again for the leader's."
    )


def declared(text: str) -> Message:
    """Show what would make an incident's work expected; nothing is changed by it."""
    said = (
        "Nothing was changed. This in the configuration lets such work be, at that time "
        "and up to that much; put in what is right, and commit it. Beyond it you are "
        "called as before."
    )
    return Message(text=said, blocks=(section(said), preformatted(text)))


def incident_list(incidents: Sequence[Incident]) -> Message:
    """Draw incidents, the newest first."""
    if not incidents:
        return plain("No incident in that time.")
    lines = [
        f"{_DOTS[i.level] if i.is_open else '🟢'} *{i.number}* {day_and_clock(i.opened_at)} "
        f"{escaped(i.title)}: {escaped(i.resolution) or i.phase}"
        for i in incidents[:30]
    ]
    return plain("\n".join(lines))


def simulation(found: Simulation) -> Message:
    """Draw a rehearsal for the person who asked."""
    name = f"{found.proposal.incident}{found.proposal.letter}"
    blocks = [
        section(f"*Simulation of {name}* (nothing was done)\n{escaped(found.action)}"),
        section(f"*{escaped(found.verdict)}*"),
    ]
    if found.facts:
        fields = [field(fact.label, escaped(fact.value)) for fact in found.facts[:10]]
        blocks.append({"type": "section", "fields": fields})
    blocks.append(context(escaped(found.consequence)))
    room = MESSAGE_LIMIT - characters(blocks) - _NOTES
    lists, shown = listing(found.listing, room)
    hidden = len(found.listing) - shown
    if hidden:
        count = len(found.listing)
        lists.append(context(f"*{hidden} of {count} are not shown here.*"))
    return Message(
        text=f"Simulation of {name}: {found.verdict}",
        blocks=(*blocks, *lists),
        whole="\n".join(found.listing) if hidden else "",
    )


def help_text(command: str, verbs: Mapping[str, str]) -> Message:
    """List what can be said."""
    lines = [
        f"`{command} {usage}`  {escaped(meaning)}" for usage, meaning in verbs.items()
    ]
    return plain("\n".join(lines))


def not_answered(reason: str) -> Message:
    """Say to the person who asked why they get no answer."""
    return plain(
        f"I answer full members of this workspace only: {escaped(reason)}. "
        "Nothing was looked up."
    )


def said(answer: Answer, link: str) -> Message:
    """Draw an answer as one message. link: to the card it speaks of, or ""."""
    text = escaped(cut(answer.text, _TEXT))
    return Message(text=text, blocks=(section(text), *below(answer, link)))


def pieces(answer: Answer) -> list[str]:
    """Return an answer's text as Markdown to be streamed: its first line, then the rest.

    Addresses are broken in it. What is alive in Markdown all the same `Stream.say`
    does not take; it is posted (`said`).
    """
    lines = unlinked(cut(answer.text, _TEXT)).splitlines()
    rest = "\n".join(lines[1:])
    return [*lines[:1], *([f"\n{rest}"] if rest else [])]


def below(answer: Answer, link: str) -> list[dict[str, object]]:
    """Return what stands below the text: table, command, card, what it rests on."""
    blocks = []
    if answer.table is not None:
        blocks.append(preformatted(cut(columns(answer.table), _TABLE)))
    if answer.command is not None:
        blocks.append(preformatted(answer.command))
    if link:
        blocks.append(section(f"<{link}|Open the card of incident {answer.card}>"))
    rests = f" · from {escaped(', '.join(answer.evidence))}" if answer.evidence else ""
    lacks = f" · missing: {escaped(answer.missing)}" if answer.missing else ""
    return [*blocks, context(f"By {escaped(answer.author)}{rests}{lacks}")]


def columns(table: Table) -> str:
    """Return a table in a fixed width; the last column is the longest, unpadded."""
    rows = [table.columns, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    widths[-1] = 0
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


def _host(health: HostHealth) -> str:
    figures = ", ".join(
        f"{escaped(f.label)} {escaped(measured(f))}" for f in health.figures
    )
    state = level_word(health.level)
    return f"{_DOTS[health.level]} *{escaped(health.host)}* {state} · {figures}"


def maintenance(found: Board) -> Message:
    """List what is in maintenance."""
    lines = [_quiet(one) for one in found.quiet if one.is_maintenance]
    return plain("\n".join(lines[:20]) or "Nothing is in maintenance.")


def maintenance_begun(begun: Quiet) -> Message:
    """Say what is quiet from now on."""
    said = plain(
        f"{_quiet(begun)}, {mention(begun.by)}. Until then nothing about it opens a card, "
        "calls anybody or is proposed; what is still wrong afterwards comes then."
    )
    return replace(said, is_public=True)


def maintenance_ended(target: str, by: str) -> Message:
    """Say that it is watched again."""
    said = plain(f"{mention(by)} ended the maintenance of {escaped(target)}.")
    return replace(said, is_public=True)


def _open_line(item: OpenIncident) -> str:
    incident = item.incident
    link = f" <{item.permalink}|card>" if item.permalink else ""
    waiting = ", ".join(f"{incident.number}{p.letter}" for p in item.waiting)
    asks = f" · waiting: {waiting}" if waiting else ""
    owner = f" · {mention(incident.owner)}" if incident.owner else ""
    return f"{_DOTS[incident.level]} *{incident.number}* {escaped(incident.title)}{owner}{asks}{link}"


def _restrictions(found: Board) -> list[dict[str, object]]:
    blocks = []
    if found.observes:
        blocks.append(section(f"👁️ {OBSERVES.reason.capitalize()}"))
    if found.unseen:
        blocks.append(section(f"⚪ {escaped(not_watched(found.unseen))}"))
    blocks += [context(f"Expected: {escaped(said)}") for said in found.expected[:5]]
    if found.untold:
        told = "; ".join(f"{name}: {why}" for name, why in sorted(found.untold.items()))
        blocks.append(context(cut(f"Not measured here: {escaped(told)}", 2000)))
    if found.learning:
        blocks.append(context(cut(escaped(found.learning), 1000)))
    if found.lock is not None:
        why = escaped(found.lock.why)
        blocks.append(section(f"🔒 *Locked* by {mention(found.lock.by)}: {why}"))
    blocks += [context(_quiet(one)) for one in found.quiet[:10]]
    return blocks


def _quiet(one: Quiet) -> str:
    if not one.is_maintenance:
        return f"Muted until {clock(one.until)}: {escaped(one.target)}"
    why = escaped(cut(one.why, 200))
    return f"🔧 In maintenance until {clock(one.until)}: {escaped(one.target)} ({why})"
