"""What tests look for in the local workspace."""

from collections import Counter
from collections.abc import Iterator

from handlers.blocks.thread import CARD_TELLS
from handlers.workspace import Workspace
from handlers.workspace.message import Message

NO_LINE = frozenset({*CARD_TELLS, "chart.due"})
"""Events without a line: the card shows them, or a picture."""


def whispered(workspace: Workspace, who: str, words: str = "") -> str:
    """The latest thing that only this person sees, once it has the words."""

    def last() -> str | None:
        said = [message.all_text() for message in reversed(workspace.ephemerals(who))]
        return next((text for text in said if words in text), None)

    return workspace.wait_for(last)


def thread_says(
    workspace: Workspace, ts: str, words: str, *, seconds: float = 10
) -> str:
    """The answers in a thread as one text, once it has the words."""

    def found() -> str | None:
        text = "\n".join(m.all_text() for m in workspace.thread(ts)[1:])
        return text if words in text else None

    return workspace.wait_for(found, seconds)


def cards(workspace: Workspace) -> Counter[str]:
    """How often each incident has a card, by the card's own name."""
    return Counter(name for post in workspace.posts() for name in named(post, "card"))


def lines(workspace: Workspace) -> Counter[int]:
    """How often each event has a line in a thread."""
    return Counter(seq for _, seq in lines_of(workspace))


def lines_of(workspace: Workspace) -> Iterator[tuple[str, int]]:
    """Each line: the thread in which it stands, and the event's number."""
    for message in workspace.messages():
        for name in named(message, "event"):
            yield message.root_ts, int(name.split(":")[1])


def pictures(workspace: Workspace) -> Counter[str]:
    """How often each picture was posted."""
    ids = [file for message in workspace.messages() for file in message.file_ids]
    return Counter(workspace.state.files[file].name for file in ids)


def posted_twice(workspace: Workspace) -> int:
    """How many cards, lines and pictures stand there more often than once."""
    counts = (cards(workspace), lines(workspace), pictures(workspace))
    return sum(n - 1 for found in counts for n in found.values())


def named(message: Message, kind: str) -> list[str]:
    """The names of its blocks that begin with the kind."""
    ids = (str(block.get("block_id", "")) for block in message.blocks)
    return [name for name in ids if name.startswith(f"{kind}:")]
