"""One fault or control in front of the unmodified bot: what came, what was done, what helped."""

import contextlib
import re
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from handlers.workspace.message import Message
from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.bench.faults.fault import Control, Fault, Injected, Seen

TO_CARD = 60.0
"""Seconds within which a card must come."""
TO_END = 60.0
"""Seconds within which an approved action must have been judged, and all be quiet."""
QUIET = 4.0
"""Seconds after a control in which a late card would come."""


def cards(workspace: Workspace) -> list[Message]:
    """The cards in the channel, in their order."""
    return [p for p in workspace.posts() if "Incident " in p.all_text()]


Calls = set[tuple[str, int]]
"""What called people: cards, each with how often it came back."""


def calls(workspace: Workspace) -> Calls:
    """What has called people until now."""
    return {_call(workspace, card) for card in cards(workspace)}


def _call(workspace: Workspace, card: Message) -> tuple[str, int]:
    back = ["It is back" in line.all_text() for line in workspace.thread(card.ts)]
    return card.ts, sum(back)


def _fresh(workspace: Workspace, before: Calls) -> list[Message]:
    return [c for c in cards(workspace) if _call(workspace, c) not in before]


def tried(workspace: Workspace, faults: Sequence[Fault], folder: Path) -> list[Seen]:
    """Inject some faults at once, decide as a person would, and wait for quiet."""
    before = calls(workspace)
    seen = [Seen(name=fault.name) for fault in faults]
    with ExitStack() as world:
        began = time.monotonic()
        done = [world.enter_context(f.inject(folder)) for f in faults]
        for fault, injected, one in zip(faults, done, seen, strict=True):
            _follow(workspace, fault, injected, one, before, began)
        for injected in done:
            injected.mend()
        if not any(f.stays for f in faults) and not _quiet(workspace, before):
            seen[0].trouble = seen[0].trouble or "not resolved after its end"
    count = len(_fresh(workspace, before))
    for one in seen:
        one.cards = count
    return seen


def controlled(workspace: Workspace, control: Control, folder: Path) -> Seen:
    """Do the work; nobody may be called."""
    before = calls(workspace)
    began = time.monotonic()
    control.run(folder)
    time.sleep(QUIET)
    pages = _fresh(workspace, before)
    trouble = "; ".join(card.text[:120] for card in pages)
    return Seen(
        name=control.name,
        seconds=time.monotonic() - began,
        cards=len(pages),
        trouble=trouble,
    )


def _follow(
    workspace: Workspace,
    fault: Fault,
    injected: Injected,
    seen: Seen,
    before: Calls,
    began: float,
) -> None:
    def mine() -> Message | None:
        fresh = _fresh(workspace, before)
        return next((c for c in fresh if _is_about(c, fault, injected)), None)

    try:
        card = workspace.wait_for(mine, TO_CARD)
    except TimeoutError:
        news = [card.text[:100] for card in _fresh(workspace, before)]
        seen.trouble = f"no card; instead: {news}" if news else "no card"
        seen.named = seen.right = False
        return
    seen.seconds = time.monotonic() - began
    seen.named = True
    _decide(workspace, fault, card, seen)


def _is_about(card: Message, fault: Fault, injected: Injected) -> bool:
    text = card.all_text()
    named = injected.named in text if injected.named else False
    named = named or any(re.search(rf"pid {pid}\b", text) for pid in injected.pids)
    return named and re.search(fault.says, text) is not None


def _decide(workspace: Workspace, fault: Fault, card: Message, seen: Seen) -> None:
    if not fault.action:
        text = _now(workspace, card).all_text()
        seen.right = re.search(fault.reason, text) is not None
        seen.outcome = "no action, and why" if seen.right else "no reason"
        return

    def proposed() -> bool:
        text = _now(workspace, card).all_text()
        return "Proposed action" in text and fault.action in text

    seen.right = _within(workspace, proposed, 10)
    if not seen.right:
        seen.trouble = f"no {fault.action} proposed"
        return
    workspace.click(ALICE.id, card.ts, "Approve")
    verdict = re.compile(r"(Recovered|Unchanged|Worse|refused|was left alone)\b.{0,90}")

    def judged() -> str:
        thread = "\n".join(m.all_text() for m in workspace.thread(card.ts))
        found = verdict.search(thread)
        return found[0] if found else ""

    with contextlib.suppress(TimeoutError):
        seen.outcome = workspace.wait_for(judged, TO_END)
    if not seen.outcome.startswith("Recovered"):
        seen.trouble = f"after approval: {seen.outcome or 'no verdict'}"
    seen.outcome = seen.outcome.partition(":")[0]


def _now(workspace: Workspace, card: Message) -> Message:
    return next(post for post in workspace.posts() if post.ts == card.ts)


def _within(workspace: Workspace, look: Callable[[], bool], seconds: float) -> bool:
    try:
        return bool(workspace.wait_for(look, seconds))
    except TimeoutError:
        return False


def _quiet(workspace: Workspace, before: Calls) -> bool:
    """Wait until every new card is resolved."""

    def all_resolved() -> bool:
        fresh = _fresh(workspace, before)
        return all("Resolved" in card.all_text() for card in fresh)

    return _within(workspace, all_resolved, TO_END)
