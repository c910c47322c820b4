"""How the bot itself bore it: its chain, its memory, its log, its end."""

import re
import statistics
from collections import Counter
from collections.abc import Iterator

from tests.soak.books import Books
from tests.soak.lives import SAME_AGE
from tests.soak.verdict import Verdict

SLOPE = 2.0
"""Megabytes a minute that the longest life may grow after its warm-up."""
GROWN = 1.15
"""How much more the last third of the lives may hold than the first, at the same age."""
_EXPECTED = (
    r"sqlalchemy\.exc\.OperationalError: .*(disk is full|disk I/O error)",
    r"sqlite3\.OperationalError: .*(disk is full|disk I/O error)",
    r"OSError: \[Errno 28\]",
    r"bot\.runtime\.loop\.Unfinished",
    r"bot\.llm\.costs\.AskedInVain",
    # slack_sdk has no such method of its own where it tells of a connection that is gone.
    r"AttributeError: 'SocketModeClient' object has no attribute 'session_id'",
)
"""How a full disk, a model that fails or an ack over a connection that was just cut end a
piece of work; nothing else may end one."""
_TRACEBACK = "Traceback (most recent call last):\n"
_LEADS_ON = ("another exception occurred:", "cause of the following exception:")


def chain(books: Books) -> Verdict:
    """The chain of events verifies, by the product's own command too."""
    code, said = books.proof
    wrong = [books.record.chain.fault] if books.record.chain.fault else []
    wrong += [f"audit verify: {said.strip()}"] if code else []
    figure = f"{books.record.chain.rows} events, verify ended with {code}"
    return Verdict(name="chain", figure=figure, examples=wrong)


def settled(books: Books) -> Verdict:
    """In good weather all came to rest, everything answered, and it stopped when told."""
    wrong = list(books.hung)
    wrong += ["it did not come to rest"] if books.settled is None else []
    wrong += [f"it stopped with {books.code}"] if books.code else []
    took = "never" if books.settled is None else f"{books.settled:.0f} s"
    return Verdict(name="nothing hangs", figure=f"at rest after {took}", examples=wrong)


def deaths(books: Books) -> Verdict:
    """It dies by `kill -9` only, or does not begin where its disk is full."""
    after = (life.connected_after(books.outages) for life in books.lives)
    ready = [seconds for seconds in after if seconds is not None]
    own = [life for life in books.lives if life.ended.startswith("by")]
    wrong = [life.ended for life in own if not life.could_not_begin(books.full)]
    if books.log.count("is full: make room") < len(own) - len(wrong):
        wrong.append("did not begin, and did not say that its disk is full")
    middle = statistics.median(ready) if ready else 0.0
    figure = (
        f"{len(books.lives)} lives, {len(books.kills)} killed, {len(wrong)} ended by "
        f"themselves, {len(own) - len(wrong)} not begun on a full disk; connected {middle:.1f} s after a start, "
        f"{max(ready, default=0):.1f} at most with no outage"
    )
    return Verdict(name="ends of its own", figure=figure, examples=wrong)


def faults_in_log(books: Books) -> Verdict:
    """Nothing failed in a way that nobody thought of."""
    found = list(ends_of(books.log))
    wrong = Counter(
        line[:200] for line in found if not any(re.match(e, line) for e in _EXPECTED)
    )
    wrong += Counter(re.findall(r"database is locked", books.log))
    figure = f"{len(found)} tracebacks, {wrong.total()} of an unexpected kind"
    said = [f"{n} x {line}" for line, n in wrong.most_common()]
    return Verdict(name="log", figure=figure, examples=said)


def ends_of(log: str) -> Iterator[str]:
    """Yield how each traceback ended, of a chain of them the last one."""
    for part in log.split(_TRACEBACK)[1:]:
        told = (line for line in part.splitlines() if line and not line[0].isspace())
        if not part.rstrip().endswith(_LEADS_ON):
            yield next(told, "nothing")


def grown_with_age(books: Books) -> Verdict:
    """The longest life holds no more and more memory once it is warm."""
    longest = max(books.lives, key=lambda life: life.age)
    slope = longest.slope()
    held = longest.memory[-1][1] if longest.memory else 0.0
    figure = f"a life of {longest.age:.0f} s held {held:.0f} MB at its end"
    if slope is None:
        return Verdict(
            name="memory of one life", figure=f"{figure}; too short for a slope"
        )
    wrong = [f"{slope:.2f} MB a minute"] if slope > SLOPE else []
    figure = f"{figure}; {slope:+.2f} MB a minute after the warm-up"
    return Verdict(name="memory of one life", figure=figure, examples=wrong)


def grown_from_life_to_life(books: Books) -> Verdict:
    """A late life holds no more than an early one did at its age."""
    ages = [life.megabytes_at(*SAME_AGE) for life in books.lives]
    held = [statistics.median(found) for found in ages if len(found) >= 10]
    name, third = "memory of lives", len(held) // 3
    if not third:
        return Verdict(
            name=name, figure=f"{len(held)} lives of an age to compare: too few"
        )
    first, last = statistics.median(held[:third]), statistics.median(held[-third:])
    wrong = [f"{last / first:.2f} times as much"] if last > GROWN * first else []
    figure = (
        f"{len(held)} lives at the same age: {first:.0f} MB in the first third, "
        f"{last:.0f} MB in the last"
    )
    return Verdict(name=name, figure=figure, examples=wrong)
