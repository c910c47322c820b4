"""A resolved incident saved as the draft of a runbook, by an approver, in two steps.

First `prefill` gives what a dialog shows; then `save` writes what the approver made
of it into a new file. The front matter is always made here, so that it can be read.
A file is there with all of its text or not at all: the shelf never reads half a runbook.
"""

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from bot.config.policy import ActionKind
from bot.model import Incident
from bot.person import Person
from bot.ports import Wakeable
from bot.runbooks import draft as drafting
from bot.runbooks.folder import NOT_PAGES
from bot.runbooks.page import TITLE_CHARACTERS, parse
from bot.storage import store
from bot.storage.record import Record
from bot.text.markdown import cleaned
from remediation.action import kind_of
from remediation.ledger.audit import happened, read
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import Proposal, State
from remediation.verify import Verdict

BODY_CHARACTERS = 3000
"""What one input of a Slack dialog can hold."""

_STEPS = (
    "proposal.approved",
    "proposal.glass_broken",
    "proposal.rejected",
    "action.",
    "verified.",
)
"""Kinds of events that become steps."""
_UNSAFE = re.compile(r"[^a-z0-9]+")
_TRIES = 100
_TAKEN = (40, 20, 10, 5, 2, 0)
"""How many events are taken: fewer, until the draft fits the dialog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the dialog shows: the runbook's title, and the text below its heading."""

    incident: int
    title: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What a draft is made from."""

    incident: Incident
    events: tuple[str, ...]
    permits: tuple[ActionKind, ...]


class Drafts:
    """Makes and saves them. folder: the bot's own among the runbook folders."""

    def __init__(self, *, record: Record, folder: Path, poster: Wakeable) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._folder = folder
        self._poster = poster

    def prefill(self, number: int, who: Person) -> Draft:
        """Return the draft for the dialog; raise `NotDecided`."""
        source = self._source(number, who)
        made = (_made(source, "", taken) for taken in _TAKEN)
        fits = (one for one in made if len(one[2]) <= BODY_CHARACTERS)
        title, _, body = next(fits, None) or _made(source, "", 0)
        return Draft(incident=number, title=title, body=body[:BODY_CHARACTERS])

    def save(self, number: int, who: Person, *, title: str, body: str) -> str:
        """Write the draft into a new file and return its name; raise `NotDecided`.

        title, body: as they came from the dialog.
        """
        named = " ".join(cleaned(title).split())[:TITLE_CHARACTERS]
        if not named:
            raise NotDecided("please give the runbook a title")
        _, head, _ = _made(self._source(number, who), named, 0)
        text = cleaned(body)[:BODY_CHARACTERS].strip()
        name = _new_file(self._folder, f"{head}{text}\n", title=named).name
        self._tell(number, who, name)
        return name

    def _source(self, number: int, who: Person) -> _Source:
        who.must_approve("save a runbook")
        with self._database.read() as tx:
            incident = store.get(tx, number)
            events = read(tx, incident=number)
            proposals = self._ledger.of(tx, number)
        if incident.is_open:
            raise NotDecided(f"incident {number} is not resolved yet")
        told = (s.event for s in events if s.event.kind.startswith(_STEPS))
        return _Source(
            incident=incident,
            events=tuple(event.text for event in told),
            permits=helped(incident, proposals),
        )

    def _tell(self, number: int, who: Person, name: str) -> None:
        text, now = f"saved a runbook draft: {name}", self._clock.now()
        with self._database.write() as tx:
            happened(tx, "runbook.drafted", text, now, incident=number, actor=who.id)
        self._poster.wake()


def helped(incident: Incident, proposals: Sequence[Proposal]) -> tuple[ActionKind, ...]:
    """Return the kinds of actions that helped here and a runbook may permit. Pure."""
    said = incident.feedback.helped if incident.feedback else None
    check = incident.verification
    recovered = check is not None and check.verdict is Verdict.RECOVERED
    if not (recovered if said is None else said):
        return ()
    done = {kind_of(p.action) for p in proposals if p.state is State.DONE}
    return tuple(kind for kind in get_args(ActionKind) if kind in done)


def _made(source: _Source, title: str, taken: int) -> tuple[str, str, str]:
    """Return title, front matter with heading, and the text below, as `draft` wrote it."""
    events = source.events[-taken:] if taken else ()
    markdown = drafting.draft(
        source.incident, events, title=title, permits=source.permits
    )
    front, mark, rest = markdown.partition("\n\n# ")
    heading, gap, body = rest.partition("\n\n")
    page = parse(markdown.encode(), path=Path("draft.md"), shown="draft.md").page
    named = page.title if page else heading
    return named, f"{front}{mark}{heading}{gap}", body.strip()


def _new_file(folder: Path, markdown: str, *, title: str) -> Path:
    """Write a file of the folder, named by the title, and return its path.

    The name is made of the title's letters and digits. An existing file is never
    written: a number is added. Raises `NotDecided` with the reason.
    """
    stem = _UNSAFE.sub("_", title.lower()).strip("_")[:60] or "runbook"
    numbered = (f"{stem}_{number}.md" for number in range(2, _TRIES))
    names = [n for n in (f"{stem}.md", *numbered) if n not in NOT_PAGES]
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        path = _written(folder, markdown, names)
    except OSError as error:
        reason = error.strerror or "no reason given"
        raise NotDecided(
            f"the draft was not saved: the runbook folder cannot be written ({reason})"
        ) from error
    if path is None:
        raise NotDecided(f"there are {len(names)} drafts of this name; delete some")
    return path


def _written(folder: Path, text: str, names: Sequence[str]) -> Path | None:
    """Write the text under the first free name, or not at all; None if none is free."""
    handle, unnamed = tempfile.mkstemp(prefix=".draft-", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
            os.fchmod(handle, 0o644)
        return _named(Path(unnamed), names)
    finally:
        Path(unnamed).unlink()


def _named(whole: Path, names: Sequence[str]) -> Path | None:
    for name in names:
        path = whole.with_name(name)
        try:
            # Unlike a rename it refuses a file or a link that stands there.
            path.hardlink_to(whole)
        except FileExistsError:
            continue
        return path
    return None
