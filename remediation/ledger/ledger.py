"""Who decided what, once: votes, decisions, claims and leases as conditional updates.

Every method works inside the caller's transaction. What must happen once is one
statement whose row count tells who won; what is read afterwards only explains the
refusal. `claim` is the only place in the product that makes an `Approval`, and
`execute()` takes nothing else.
"""

from collections.abc import Container
from dataclasses import dataclass, field

from sqlalchemy import (
    Connection,
    bindparam,
    func,
    insert,
    literal,
    select,
    update,
)

from remediation.action import boot_of, digest, in_words, target_key, to_json
from remediation.ledger import audit, ballot, docket
from remediation.ledger.decision import Decided, Draft, NotClaimable
from remediation.ledger.leases import Caps, Target, hold, release, take
from remediation.ledger.proposal import Proposal, State, new_id
from remediation.ledger.tables import proposals, votes
from remediation.moment import Moment
from remediation.outcome import Outcome, Result
from remediation.rules import asked
from remediation.rules.rule import Voter
from remediation.rules.rulebook import RuleBook

_SEAL = object()
# Built once: these are on the path of every click.
_SUPERSEDE = (
    update(proposals)
    .where(proposals.c.id == bindparam("wanted"), proposals.c.state == State.PENDING)
    .values(state=State.SUPERSEDED)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The right to carry out one approved action once; only `Ledger.claim` makes it."""

    proposal: Proposal
    approvers: tuple[str, ...]
    seal: object = field(repr=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise TypeError("an Approval is made by Ledger.claim only")


class Ledger:
    """The record of decisions of one instance (HOST~INSTANCE), by the team's rules.

    elsewhere: other hosts that are acted on from here.
    """

    def __init__(
        self,
        *,
        instance: str,
        caps: Caps,
        book: RuleBook | None = None,
        elsewhere: Container[str] = (),
    ) -> None:
        self.instance = instance
        self.book = book or RuleBook()
        self._caps = caps
        self._elsewhere = elsewhere

    def propose(self, tx: Connection, draft: Draft, *, now: Moment) -> Proposal:
        """Write a pending proposal under the incident's next free letter, and its event."""
        audit.serialize(tx)
        taken = select(func.count()).where(proposals.c.incident == draft.incident)
        expires = now.after(draft.ttl)
        proposal_id = new_id(self.instance)
        tx.execute(
            insert(proposals).values(
                id=proposal_id,
                incident=draft.incident,
                letter=_letter(tx.execute(taken).scalar_one()),
                host=draft.action.host,
                target=target_key(draft.action),
                action=to_json(draft.action),
                digest=digest(draft.action),
                rule=draft.rule,
                needed=draft.needed,
                requested_by=draft.requested_by,
                created_at=now.wall,
                expires_at=expires.wall,
                expires_boot=expires.boot,
                boot_id=now.boot_id,
                state=State.PENDING,
                note="",
                asked=asked.to_json(draft.asked) if draft.asked else "",
                policy=self.book.digest,
            )
        )
        made = self.get(tx, proposal_id)
        under = f" (policy {made.policy[:12]})" if made.policy else ""
        _tell(tx, made, "proposal.made", "proposed", now, under)
        return made

    def approve(
        self,
        tx: Connection,
        proposal_id: str,
        *,
        by: str,
        groups: frozenset[str] = frozenset(),
        glass: str = "",
        now: Moment,
    ) -> Decided:
        """Count one vote; raise `NotDecided` when it is too late, double, own or denied.

        The vote that completes the number also decides: state `approved`. The number is
        what the rules ask for now, where that is more than when it was proposed.
        groups: the user groups that this person was verified to be in. glass: the reason
        of whoever approves alone; the policy must let them.
        """
        audit.serialize(tx)
        voter = Voter(id=by, groups=groups, broke_glass=bool(glass))
        ballot.cast(tx, self.book, proposal_id, voter, now, glass=glass)
        enough = literal(1) if voter.broke_glass else proposals.c.needed
        counted = (
            select(func.count())
            .where(votes.c.proposal == proposal_id)
            .scalar_subquery()
        )
        tx.execute(
            update(proposals)
            .where(
                *docket.alive(proposal_id, State.PENDING, now),
                counted >= enough,
            )
            .values(state=State.APPROVED, decided_by=by, decided_at=now.wall)
        )
        decided = self.get(tx, proposal_id)
        if decided.state is State.APPROVED:
            # Whatever else was offered for this incident is off the table.
            self.supersede(tx, decided.incident, now=now)
        return Decided(proposal=decided)

    def votable(
        self, tx: Connection, proposal_id: str, *, voter: Voter, now: Moment
    ) -> None:
        """Raise `NotDecided` unless a vote of this person would count now."""
        ballot.check(tx, self.book, proposal_id, voter, now)

    def reject(
        self, tx: Connection, proposal_id: str, *, by: str, why: str, now: Moment
    ) -> Decided:
        """Reject at once, one person suffices; raise `NotDecided` when too late."""
        audit.serialize(tx)
        # A locked bot may still be told no: rejecting is the safe choice.
        done = tx.execute(
            update(proposals)
            .where(
                proposals.c.id == proposal_id,
                proposals.c.state == State.PENDING,
                ~docket.past(now),
            )
            .values(state=State.REJECTED, decided_by=by, decided_at=now.wall, note=why)
        )
        if done.rowcount != 1:
            raise docket.why_not(tx, self.get(tx, proposal_id), by=by, now=now)
        return Decided(proposal=self.get(tx, proposal_id))

    def claim(
        self, tx: Connection, proposal_id: str, *, claimant: str, now: Moment
    ) -> Approval:
        """Take an approved proposal for execution; raise `NotClaimable` otherwise.

        Of two executors one wins. Checked in the same transaction: the action's hash, the
        lock, both clocks, the boot it was proposed in, the team's rules, one action at a time per
        host, the target's cooldown, the cap. claimant: names the executing process, so that
        after a crash others can tell whether it still runs.
        """
        audit.serialize(tx)
        found = self.get(tx, proposal_id)
        if found.state is not State.APPROVED:
            raise NotClaimable("it is not approved, or taken already", final=False)
        if digest(found.action) != found.digest:
            raise NotClaimable("it is not the action that was shown", final=True)
        if not self.acts_on(found, now):
            raise NotClaimable("it belongs to another host or boot", final=True)
        ballot.check_claim(self.book, found, now)
        target = Target.of(found.action, rule=found.rule)
        held = hold(tx, target, self._caps, now)
        if held is not None:
            raise NotClaimable(held.reason, final=not held.passes)
        taken = tx.execute(
            update(proposals)
            .where(*docket.alive(proposal_id, State.APPROVED, now))
            .values(state=State.EXECUTING, claimed_at=now.wall, claimed_by=claimant)
        )
        if taken.rowcount != 1:
            raise NotClaimable(
                docket.why_not(tx, found, by="", now=now).reason, final=True
            )
        take(tx, proposal_id, target, self._caps, now)
        return Approval(
            proposal=self.get(tx, proposal_id), approvers=found.voters, seal=_SEAL
        )

    def acts_on(self, proposal: Proposal, now: Moment) -> bool:
        """Say whether it may be claimed here: this host's boot, or it was made in it."""
        if proposal.action.host in self._elsewhere:
            # That host's boot is compared there, right before the act.
            return proposal.expires.boot_id == now.boot_id
        return boot_of(proposal.action) == now.boot_id

    def finish(self, tx: Connection, proposal_id: str, outcome: Outcome) -> bool:
        """Record how an executing proposal ended; False if it had ended already."""
        return self._end(tx, proposal_id, State.EXECUTING, outcome)

    def refuse(self, tx: Connection, proposal_id: str, outcome: Outcome) -> bool:
        """End an approved proposal that may not be carried out any more."""
        return self._end(tx, proposal_id, State.APPROVED, outcome)

    def overdue(self, tx: Connection, *, now: Moment) -> int:
        """Count what `expire` would end now."""
        return docket.overdue(tx, now)

    def expire(self, tx: Connection, *, now: Moment) -> list[Proposal]:
        """End every undecided or unclaimed proposal whose time is over."""
        waiting = proposals.c.state.in_([State.PENDING, State.APPROVED])
        ids = tx.execute(
            select(proposals.c.id).where(waiting, docket.past(now))
        ).scalars()
        ended = []
        for proposal_id in ids.all():
            audit.serialize(tx)
            done = tx.execute(
                update(proposals)
                .where(proposals.c.id == proposal_id, waiting, docket.past(now))
                .values(state=State.EXPIRED)
            )
            if done.rowcount == 1:
                ended.append(self.get(tx, proposal_id))
        return ended

    def supersede(
        self, tx: Connection, incident: int, *, now: Moment, own_only: bool = False
    ) -> list[Proposal]:
        """End the incident's pending proposals because something newer stands.

        own_only: only what the bot thought of itself.
        """
        audit.serialize(tx)
        pending = [
            p
            for p in self.of(tx, incident)
            if p.is_pending and (p.is_bots_own or not own_only)
        ]
        for proposal in pending:
            tx.execute(_SUPERSEDE, {"wanted": proposal.id})
            _tell(tx, proposal, "proposal.superseded", "superseded", now)
        return pending

    def note(self, tx: Connection, proposal_id: str, *, by: str, why: str) -> bool:
        """Add the reason to a rejection; only whoever rejected may, and only once."""
        done = tx.execute(
            update(proposals)
            .where(
                proposals.c.id == proposal_id,
                proposals.c.state == State.REJECTED,
                proposals.c.decided_by == by,
                proposals.c.note == "",
            )
            .values(note=why)
        )
        return done.rowcount == 1

    def get(self, tx: Connection, proposal_id: str) -> Proposal:
        """Return the proposal; raise `NotDecided` for an unknown id."""
        return docket.one(tx, proposal_id)

    def of(self, tx: Connection, incident: int) -> list[Proposal]:
        """Return the incident's proposals in the order of their letters."""
        return docket.of(tx, incident)

    def in_state(self, tx: Connection, state: State) -> list[Proposal]:
        """Return all proposals in this state, the oldest decision first."""
        return docket.in_state(tx, state)

    def _end(
        self, tx: Connection, proposal_id: str, state: State, outcome: Outcome
    ) -> bool:
        audit.serialize(tx)
        done = tx.execute(
            update(proposals)
            .where(proposals.c.id == proposal_id, proposals.c.state == state)
            .values(
                state=_END[outcome.result],
                outcome=docket.OUTCOMES.dump_json(outcome).decode(),
            )
        )
        release(tx, self.get(tx, proposal_id))
        return done.rowcount == 1


def _tell(
    tx: Connection,
    proposal: Proposal,
    kind: str,
    verb: str,
    now: Moment,
    more: str = "",
) -> None:
    name = f"{proposal.incident}{proposal.letter}"
    audit.append(
        tx,
        audit.Event(
            kind=kind,
            text=f"{verb} {name}: {in_words(proposal.action)}{more}",
            at=now.wall,
            incident=proposal.incident,
            proposal=proposal.id,
            action_hash=proposal.digest,
        ),
    )


_END: dict[Result, State] = {
    Result.DONE: State.DONE,
    Result.FAILED: State.FAILED,
    Result.REFUSED: State.REFUSED,
    Result.INTERRUPTED: State.INTERRUPTED,
}


def _letter(index: int) -> str:
    # a … z, aa, ab, …: bijective base 26, so a letter is never given twice.
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(ord("a") + rest) + text
    return text
