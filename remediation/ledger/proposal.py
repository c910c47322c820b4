"""A proposed action waiting for, or past, its decision."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from remediation.action import Action
from remediation.moment import Moment
from remediation.outcome import Outcome
from remediation.rules.asked import Asked, asked_of
from remediation.rules.rule import Voter

ID_PATTERN = re.compile(r"[A-Za-z0-9.-]{1,63}~[0-9a-f]{6}~[A-Za-z0-9_-]{16}")
"""HOST~INSTANCE~RANDOM: the middle tells whose it is, the end cannot be guessed."""

UNDO = "undo"
"""The rule of a proposal that puts back what was done before."""


class State(StrEnum):
    """Where a decision stands.

    pending → approved → executing → done | failed | refused | interrupted, and
    pending → rejected | expired | superseded; approved → refused | expired too.
    """

    PENDING = "pending"
    APPROVED = "approved"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One exact action and where its decision stands.

    letter: its name within the incident ("a"); it never moves to another action.
    rule: the policy rule that allowed it. needed: how many different approvers.
    requested_by: who asked for it by command, else None; they may not approve it.
    votes: who has approved so far, in order of time. asked: what the team's rules are
    asked again. policy: the hash of the policy under which it was proposed, in hex.
    """

    id: str
    incident: int
    letter: str
    action: Action
    digest: str
    rule: str
    needed: int
    requested_by: str | None
    created_at: datetime
    expires: Moment
    state: State
    votes: tuple[Voter, ...] = ()
    decided_by: str | None = None
    decided_at: datetime | None = None
    claimed_by: str | None = None
    note: str = ""
    outcome: Outcome | None = None
    asked: Asked | None = None
    policy: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether a click can still decide it."""
        return self.state is State.PENDING

    @property
    def is_bots_own(self) -> bool:
        """Whether the bot thought of it, for what it blames: no person asked for it."""
        return self.requested_by is None and self.rule != UNDO

    @property
    def voters(self) -> tuple[str, ...]:
        """Who has approved so far, by user id."""
        return tuple(vote.id for vote in self.votes)

    @property
    def question(self) -> Asked:
        """What the team's rules are asked about it."""
        return self.asked or asked_of(self.action, ())


def new_id(instance: str) -> str:
    """Return a fresh opaque id for `instance` (HOST~INSTANCE); 96 random bits."""
    return f"{instance}~{secrets.token_urlsafe(12)}"


def issuer(proposal_id: str) -> str:
    """Return the instance in a well-formed id."""
    return proposal_id.rpartition("~")[0]
