"""What a decision leaves behind in words: its event, and the incident's next version."""

from sqlalchemy import Connection

from bot.storage import store
from remediation.action import in_words
from remediation.ledger.audit import Event, append
from remediation.ledger.proposal import Proposal
from remediation.moment import Moment


def tell(
    tx: Connection,
    proposal: Proposal,
    kind: str,
    text: str,
    now: Moment,
    actor: str | None = None,
) -> None:
    """Write the event and move the incident's version, in the same transaction."""
    append(
        tx,
        Event(
            kind=kind,
            text=text,
            at=now.wall,
            incident=proposal.incident,
            proposal=proposal.id,
            actor=actor,
            action_hash=proposal.digest,
        ),
    )
    store.bump(tx, proposal.incident)


def named(proposal: Proposal) -> str:
    """Return letter and action: `12a: terminate …`."""
    return f"{lettered(proposal)}: {in_words(proposal.action)}"


def lettered(proposal: Proposal) -> str:
    """Return what people call it: `12a`."""
    return f"{proposal.incident}{proposal.letter}"
