"""What people say about an incident after its end; it outranks every opinion.

Each word is one transaction with its event: the thread tells it, and `remember.py`
reads the event and writes the incident's case anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot import store
from bot.lore import Feedback
from bot.model import Incident, Person
from bot.ports import Wakeable
from bot.record import Record
from bot.redact import redact
from bot.retell import FALSE_ALARM
from remediation.audit import Event, append
from remediation.decision import NotDecided
from remediation.printable import printable
from remediation.proposal import Proposal, State

CAUSE_CHARACTERS = 300
"""How long a corrected cause may be."""

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
    """Takes what people say about resolved incidents. The last word counts."""

    def __init__(self, *, record: Record, poster: Wakeable) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._clock = record.clock
        self._poster = poster

    def give(self, number: int, who: Person, word: Word) -> Incident:
        """Write it down, with its event; any verified person may.

        Raises `NotDecided` while the incident is open, for what does not apply to
        it, and when exactly this was said already; then nothing changes.
        """
        word = replace(word, cause=_readable(word.cause))
        now = self._clock.now()
        with self._database.write() as tx:
            incident = store.get(tx, number)
            if incident.is_open:
                raise NotDecided(f"incident {number} is not resolved yet")
            if word.helped is not None:
                _refuse_unless_acted(self._ledger.of(tx, number))
            elif incident.resolution == FALSE_ALARM:
                raise NotDecided(
                    f"incident {number} was a false alarm: it has no cause"
                )
            said = merged(incident.feedback, word, by=who.id)
            _refuse_repetition(incident.feedback, said)
            incident = store.bump(tx, number, feedback=said)
            event = Event(
                kind="feedback.given",
                text=spoken(word),
                at=now.wall,
                incident=number,
                actor=who.id,
            )
            append(tx, event)
        self._poster.wake()
        return incident


def merged(before: Feedback | None, word: Word, *, by: str) -> Feedback:
    """Return everything said so far with the new word in it. Pure.

    A word about the cause replaces all that was said about it: "right" also takes an
    earlier correction back.
    """
    kept = before or Feedback(by=by)
    if word.is_right is not None:
        kept = replace(kept, is_right=word.is_right, cause=word.cause)
    if word.helped is not None:
        kept = replace(kept, helped=word.helped)
    return replace(kept, by=by)


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


def _refuse_unless_acted(proposals: Sequence[Proposal]) -> None:
    if not was_acted(proposals):
        raise NotDecided("no action was carried out here")


def _refuse_repetition(before: Feedback | None, said: Feedback) -> None:
    if before is not None and replace(said, by=before.by) == before:
        raise NotDecided("that was said already", by=before.by)
