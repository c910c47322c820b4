"""What was done: nothing unapproved, nothing twice, nothing to anybody else."""

import signal
from collections import Counter
from collections.abc import Iterator

from remediation.action import CleanFiles, Terminate, digest
from remediation.ledger.audit import Sealed
from remediation.ledger.proposal import Proposal, State
from remediation.target.identity import ProcessIdentity
from tests.soak.books import Books
from tests.soak.crowd import APPROVERS
from tests.soak.verdict import Verdict
from tests.soak.villains import Villain

_CARRIED_OUT = frozenset({State.DONE, State.FAILED, State.INTERRUPTED})
_UNENDED = frozenset({State.PENDING, State.APPROVED, State.EXECUTING})


def unapproved(books: Books) -> Verdict:
    """Each act has the approval of somebody listed, before it, for this very hash."""
    started = books.record.of_kind("action.started")
    wrong = [said for start in started for said in _lacks(books, start)]
    figure = f"{len(started)} executed, {len(wrong)} without an approval"
    return Verdict(name="unapproved", figure=figure, examples=wrong)


def _lacks(books: Books, start: Sealed) -> Iterator[str]:
    """Say what the approval of an act lacks."""
    proposal = books.record.proposals[start.event.proposal or ""]
    if not digest(proposal.action) == proposal.digest == start.event.action_hash:
        yield f"event {start.seq}: another action than the one that was approved"
    approvers = {
        sealed.event.actor
        for sealed in books.record.of_kind("proposal.approved")
        if sealed.event.proposal == proposal.id
        and sealed.event.action_hash == start.event.action_hash
        and sealed.seq < start.seq
    }
    clicked = {(c.value, c.who) for c in books.clicks if c.button == "approve"}
    both = clicked & books.record.votes
    by = {who for who in approvers & APPROVERS if (proposal.id, who) in both}
    if len(by) < proposal.needed or approvers - APPROVERS:
        yield f"event {start.seq}: approved by {sorted(map(str, approvers))}"


def twice(books: Books) -> Verdict:
    """Nothing begins twice, and no process hears of one approval twice."""
    started = books.record.of_kind("action.started")
    begun = Counter(sealed.event.proposal for sealed in started)
    wrong = [f"{which} began {n} times" for which, n in begun.items() if n > 1]
    heard = 0
    for villain in books.villains:
        told = Counter(villain.heard())
        ends = [p for p in _about(books, villain) if isinstance(p.action, Terminate)]
        heard += told.total()
        if max(told[signal.SIGTERM], told[signal.SIGKILL]) > len(ends):
            pid = villain.process.pid
            wrong.append(f"pid {pid} heard {dict(told)}, {len(ends)} approved")
    figure = f"{len(begun)} executed, {heard} signals heard, {len(wrong)} twice"
    return Verdict(name="done twice", figure=figure, examples=wrong)


def strangers(books: Books) -> Verdict:
    """Whoever heard a signal was approved to; bystanders live; nobody stands still."""
    wrong = [
        f"pid {villain.process.pid} heard {villain.heard()}"
        for villain in books.villains
        if villain.heard() and not _about(books, villain)
    ]
    dead = [v.process.pid for v in books.bystanders if v.process.poll() is not None]
    wrong += [f"bystander {pid} is dead" for pid in dead]
    wrong += [f"pid {pid} stands still" for pid in books.left_stopped]
    alive = len(books.bystanders) - len(dead)
    figure = (
        f"{len(books.villains)} processes, {len(wrong)} wrong; "
        f"{alive} of {len(books.bystanders)} bystanders live"
    )
    return Verdict(name="signals to others", figure=figure, examples=wrong)


def stray_files(books: Books) -> Verdict:
    """Whatever file is gone was in the list that was approved."""
    approved = {
        file.path
        for proposal in _carried_out(books)
        if isinstance(proposal.action, CleanFiles)
        for file in proposal.action.files
    }
    wrong = sorted(books.gone - approved)
    wrong += [str(path) for path in books.kept if not path.exists()]
    figure = f"{len(books.gone)} files deleted, {len(wrong)} not approved"
    return Verdict(name="files of others", figure=figure, examples=wrong)


def unended(books: Books) -> Verdict:
    """Every proposal has an end."""
    every = books.record.proposals.values()
    wrong = [
        f"{p.incident}{p.letter} is {p.state}" for p in every if p.state in _UNENDED
    ]
    states = Counter(proposal.state.value for proposal in every)
    figure = ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
    return Verdict(name="proposals without an end", figure=figure, examples=wrong)


def _carried_out(books: Books) -> Iterator[Proposal]:
    started = {s.event.proposal for s in books.record.of_kind("action.started")}
    every = books.record.proposals.values()
    return (p for p in every if p.id in started and p.state in _CARRIED_OUT)


def _about(books: Books, villain: Villain) -> list[Proposal]:
    """What was carried out about exactly this process."""
    found = []
    for proposal in _carried_out(books):
        target = getattr(proposal.action, "process", None)
        members = getattr(proposal.action, "members", ())
        named = [t for t in (target, *members) if isinstance(t, ProcessIdentity)]
        if villain.identity in {(t.pid, t.start_ticks) for t in named}:
            found.append(proposal)
    return found
