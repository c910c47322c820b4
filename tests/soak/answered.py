"""Who said something was heard: clicks that were acknowledged, alerts that were taken."""

from collections import Counter

from tests.soak.books import Books
from tests.soak.crowd import Click
from tests.soak.verdict import Verdict

_LATEST = 12.0
"""Seconds within which an answer is tried for the last time."""
_ANSWERS = frozenset({"response_url", "chat.postEphemeral"})


def clicks(books: Books) -> Verdict:
    """Each acknowledged click is in the ledger, or its person was told why not."""
    acked = [click for click in books.clicks if click.done.acked]
    told = [sealed.event for sealed in books.record.events if sealed.event.actor]
    spoken = {(event.proposal, event.actor) for event in told}
    about = {(event.incident, event.actor) for event in told}
    cards = {posting.ts: number for number, posting in books.record.postings.items()}
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    for click in acked:
        is_vote = click.button in ("approve", "reject")
        in_ledger = (
            (click.value, click.who) in spoken
            if is_vote
            else ((cards.get(click.card), click.who) in about)
        )
        if in_ledger:
            counts["in the ledger"] += 1
        elif _is_answered(books, click):
            counts["answered"] += 1
        elif _could_not_be(books, click):
            counts["unanswered as Slack was out or the bot was killed"] += 1
        else:
            wrong.append(
                f"{click.button} of {click.who} at {click.at:.1f} on {click.card}"
            )
    said = ", ".join(f"{n} {what}" for what, n in counts.most_common())
    return Verdict(
        name="acknowledged clicks", figure=f"{len(acked)}: {said}", examples=wrong
    )


def _is_answered(books: Books, click: Click) -> bool:
    workspace = books.workspace
    hook = workspace.state.hooks.get(click.hook)
    if hook is not None and hook.uses:
        return True
    struck = {
        round(strike.at, 1)
        for strike in workspace.faults.struck
        if strike.method == "chat.postEphemeral"
    }
    return any(
        click.at <= call.at <= click.ended + _LATEST
        and call.args.get("user") == click.who
        and round(call.at, 1) not in struck
        for call in workspace.calls_of("chat.postEphemeral")
    )


def _could_not_be(books: Books, click: Click) -> bool:
    """Say whether Slack refused both ways of answering, or nobody lived to answer."""
    first, last = click.at, click.ended + _LATEST
    struck = Counter(
        strike.method
        for strike in books.workspace.faults.struck
        if first <= strike.at <= last and strike.method in _ANSWERS
    )
    is_killed = any(first <= at <= last for at in books.kills)
    return is_killed or len(struck) == len(_ANSWERS)


def alerts(books: Books) -> Verdict:
    """Each alert that was taken is in an incident, or the ledger says that it had passed."""
    incidents = books.record.incidents.values()
    hosts = {finding.host for each in incidents for finding in each.findings}
    over = books.record.of_kind("alert.passed")
    passed = Counter(sealed.event.text.split()[0] for sealed in over)
    wrong: list[str] = []
    taken = found = 0
    for name, each in books.alerts.items():
        inside = sum(host in hosts for host in each.hosts)
        taken += len(each.hosts)
        found += inside
        if inside + passed[name] < len(each.hosts):
            wrong.append(
                f"{name}: {inside} in incidents, {passed[name]} passed "
                f"of {len(each.hosts)}"
            )
    figure = (
        f"{taken} taken, {found} in incidents, {passed.total()} passed before a look"
    )
    return Verdict(name="accepted alerts", figure=figure, examples=wrong)
