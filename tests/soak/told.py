"""What stands in Slack: each event once in its thread, each incident with a card that ended."""

from collections import Counter

from bot.model import Phase
from tests.fakes import slack
from tests.soak.books import Books
from tests.soak.verdict import Verdict

_DECIDING = frozenset({"approve", "reject"})


def lines(books: Books) -> Verdict:
    """Each event that has a line has it once, in the thread of its incident's card."""
    workspace = books.workspace
    stands = Counter(slack.lines_of(workspace))
    events = [
        sealed
        for sealed in books.record.events
        if sealed.event.incident is not None and sealed.event.kind not in slack.NO_LINE
    ]
    wrong = []
    for sealed in events:
        posting = books.record.postings.get(sealed.event.incident or 0)
        there = stands.pop((posting.ts or "", sealed.seq), 0) if posting else 0
        if there != 1:
            wrong.append(f"{sealed.event.kind} {sealed.seq} stands {there} times")
    wrong += [f"event {seq} stands in thread {ts}" for ts, seq in stands]
    pictures = slack.pictures(workspace)
    wrong += [f"{name} {n} times" for name, n in pictures.items() if n > 1]
    figure = f"{len(events)} events, {pictures.total()} pictures, {len(wrong)} not exactly once"
    return Verdict(name="events in their threads", figure=figure, examples=wrong)


def cards(books: Books) -> Verdict:
    """Each incident has one card; a second one only where an answer was lost."""
    stands = slack.cards(books.workspace)
    found = Counter({int(name.split(":")[1]): n for name, n in stands.items()})
    wrong, allowed = [], 0
    for number in books.record.incidents:
        posting = books.record.postings.get(number)
        is_doubtful = posting is not None and posting.doubtful
        allowed += found[number] == 2 and is_doubtful
        if found[number] != 1 and not (found[number] == 2 and is_doubtful):
            wrong.append(f"incident {number} has {found[number]} cards")
    figure = f"{len(books.record.incidents)} incidents, {found.total()} cards, {allowed} allowed duplicates"
    return Verdict(name="one card each", figure=figure, examples=wrong)


def open_ends(books: Books) -> Verdict:
    """Every incident is over, and its card says so and offers nothing to decide."""
    workspace = books.workspace
    posts = {post.ts: post for post in workspace.posts()}
    wrong = []
    for number, incident in books.record.incidents.items():
        if incident.phase is not Phase.RESOLVED:
            wrong.append(f"incident {number} is {incident.phase}: {incident.title}")
        posting = books.record.postings.get(number)
        post = posts.get(posting.ts or "") if posting else None
        offered = {b["action_id"] for b in post.buttons()} if post else set()
        if post is None or offered & _DECIDING or "Resolved" not in post.all_text():
            said = post.all_text()[:80] if post else "nothing"
            wrong.append(f"the card of {number} has no end: {said!r} {sorted(offered)}")
    figure = f"{len(books.record.incidents)} incidents, {len(wrong)} without an end"
    return Verdict(name="cards without an end", figure=figure, examples=wrong)
