"""What people say about an incident after its end; it outranks every opinion.

Each word is one transaction with its event: the thread tells it, and `remember.py`
reads the event and writes the incident's case anew.

Whose word counts: an approver's. It is what the incident's feedback holds, and with
that what memory calls confirmed by a person. What anybody else says is written down
under their name, in the ledger and in the thread, and changes nothing else: it neither
confirms a case nor takes the place of what an approver said.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bot.lore import FALSE_ALARM, Feedback
from bot.model import Incident
from bot.person import Person
from bot.ports import Wakeable
from bot.storage import store
from bot.storage.record import Record
from bot.text.redact import redact
from remediation.ledger.audit import Event, append, read
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import Proposal, State
from remediation.printable import printable

CAUSE_CHARACTERS = 300
"""How long a corrected cause may be."""

_GIVEN = "feedback.given"
_MOST_WORDS = 4
"""What somebody whose word does not count may say about one incident."""
_NOTED = " (noted; what an approver says counts)"
_CARRIED_OUT = (State.DONE, State.FAILED, State.INTERRUPTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One thing that a person says; None and "" leave what was said before.

    is_right: whether the cause that stood was right. cause: the right one, where it
    was wrong and is known. helped: whether the action helped.
    """

    is_right: bool | None = None
    cause: str = ""
    helped: bool | None = None

    def __post_init__(self) -> None:
        """Refuse what says nothing, and a correction of what was not called wrong."""
        says_nothing = self.is_right is None and self.helped is None
        if says_nothing or (self.cause and self.is_right is not False):
            raise ValueError(self)


class Feedbacks:
    """Takes what people say about resolved incidents. The approvers' last word counts."""

    def __init__(self, *, record: Record, poster: Wakeable) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._poster = poster

    def give(self, number: int, who: Person, word: Word) -> bool:
        """Write it down, with its event; return whether it counts.

        Any verified person may say something; what an approver says counts. Raises
        `NotDecided` while the incident is open, for what does not apply to it, and
        when exactly this was said already; then nothing changes.
        """
        word = replace(word, cause=_readable(word.cause))
        with self._database.write() as tx:
            incident = store.get(tx, number)
            self._refuse_unless_it_applies(tx, incident, word)
            said = merged(incident.feedback, word, by=who.id)
            _refuse_repetition(incident.feedback, said)
            if who.is_approver:
                store.bump(tx, number, feedback=said)
                text = spoken(word)
            else:
                text = f"{spoken(word)}{_NOTED}"
                _refuse_echo(tx, number, who, text)
            self._tell(tx, number, who, text)
        self._poster.wake()
        return who.is_approver

    def _refuse_unless_it_applies(
        self, tx: Connection, incident: Incident, word: Word
    ) -> None:
        number = incident.number
        if incident.is_open:
            raise NotDecided(f"incident {number} is not resolved yet")
        if word.helped is not None and not was_acted(self._ledger.of(tx, number)):
            raise NotDecided("no action was carried out here")
        if word.helped is None and incident.resolution == FALSE_ALARM:
            raise NotDecided(f"incident {number} was a false alarm: it has no cause")

    def _tell(self, tx: Connection, number: int, who: Person, text: str) -> None:
        at = self._clock.now().wall
        append(tx, Event(kind=_GIVEN, text=text, at=at, incident=number, actor=who.id))


def merged(before: Feedback | None, word: Word, *, by: str) -> Feedback:
    """Return everything said so far with the new word in it. Pure.

    A word about the cause replaces all that was said about it: "right" also takes an
    earlier correction back.
    """
    kept = before or Feedback(by=by)
    if word.is_right is not None:
        kept = replace(kept, is_right=word.is_right, cause=word.cause, by=by)
    if word.helped is not None:
        kept = replace(kept, helped=word.helped, helped_by=by)
    return kept


def spoken(word: Word) -> str:
    """Return the thread's line, which begins with who said it. Pure."""
    said = []
    if word.is_right:
        said.append("says that the cause is right")
    elif word.is_right is not None:
        known = f"corrected the cause: {word.cause}" if word.cause else ""
        said.append(known or "says that the cause is wrong")
    if word.helped is not None:
        verb = "helped" if word.helped else "did not help"
        said.append(f"says that the action {verb}")
    return " and ".join(said)


def was_acted(proposals: Sequence[Proposal]) -> bool:
    """Say whether anything was carried out of which one can say that it helped. Pure."""
    return any(proposal.state in _CARRIED_OUT for proposal in proposals)


def _readable(cause: str) -> str:
    one_line = " ".join(redact(cause).split())
    return printable(one_line, limit=CAUSE_CHARACTERS)[:CAUSE_CHARACTERS]


def _refuse_repetition(before: Feedback | None, said: Feedback) -> None:
    if before is None:
        return
    same = replace(said, by=before.by, helped_by=before.helped_by)
    if same == before:
        raise NotDecided("that was said already", by=before.by)


def _refuse_echo(tx: Connection, number: int, who: Person, text: str) -> None:
    """Refuse what this person said last; what does not count is kept in events only."""
    events = (sealed.event for sealed in read(tx, incident=number))
    theirs = [e.text for e in events if e.kind == _GIVEN and e.actor == who.id]
    if theirs[-1:] == [text]:
        raise NotDecided("that was said already", by=who.id)
    if len(theirs) >= _MOST_WORDS:
        raise NotDecided("you said enough about this; an approver's word counts")
