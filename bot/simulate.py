"""What would happen now: the target as it is this second, and the policy's verdict."""

from dataclasses import dataclass

from bot.candidates import Candidates, Suspect
from bot.model import Fact
from bot.record import Record
from bot.words import amount, seconds
from remediation.action import Terminate, consequence, in_words
from remediation.identity import changed
from remediation.policy import Allowed, Refusal
from remediation.proposal import ID_PATTERN, Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A rehearsal: nothing was done. verdict: what the executor would say now."""

    proposal: Proposal
    action: str
    consequence: str
    facts: tuple[Fact, ...]
    verdict: str


class Simulate:
    """Looks at a proposal's target without touching it."""

    def __init__(
        self,
        *,
        record: Record,
        candidates: Candidates,
    ) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._candidates = candidates
        self._clock = record.clock

    def rehearse(self, proposal_id: str) -> Simulation:
        """Return what Approve would do this second; raise `NotDecided` if unknown."""
        known = ID_PATTERN.fullmatch(proposal_id) is not None
        with self._database.read() as tx:
            proposal = self._ledger.get(tx, proposal_id if known else "")
        suspect = self._candidates.read(proposal.action.process)
        return Simulation(
            proposal=proposal,
            action=in_words(proposal.action),
            consequence=consequence(proposal.action),
            facts=() if suspect is None else self._facts(suspect),
            verdict=self._verdict(proposal, suspect),
        )

    def _verdict(self, proposal: Proposal, suspect: Suspect | None) -> str:
        if suspect is None:
            return "Nothing would be done: the process has ended."
        different = changed(proposal.action.process, suspect.process.identity)
        if different is not None:
            return f"It would be refused: {different}."
        action = proposal.action
        if isinstance(action, Terminate):
            now = {child.identity for child in suspect.children}
            new = now - set(action.members)
            if new and action.scope != "process":
                return f"It would be refused: {len(new)} new processes joined its tree."
            if new:
                return (
                    f"It would be carried out, and {len(new)} children that are new "
                    "would be left behind: propose again to name them."
                )
        with self._database.read() as tx:
            verdict = self._candidates.review(tx, action, suspect, self._clock.now())
        match verdict:
            case Allowed(rule=rule):
                return f"It would be carried out (allowed by {rule})."
            case Refusal(rule=rule, reason=reason):
                return f"It would be refused by {rule}: {reason}."

    def _facts(self, suspect: Suspect) -> tuple[Fact, ...]:
        process = suspect.process
        age = self._clock.now().wall - process.started_at
        children = ", ".join(
            f"{child.label} ({child.identity.pid})" for child in suspect.children[:6]
        )
        ports = ", ".join(map(str, process.ports[:12]))
        return (
            Fact(
                label="Process", value=f"{process.label} (pid {process.identity.pid})"
            ),
            Fact(label="State", value=f"{process.state}, running for {seconds(age)}"),
            Fact(label="User", value=process.user),
            Fact(label="Unit or cgroup", value=process.unit or process.cgroup),
            Fact(label="Memory", value=amount(process.rss_bytes, "B")),
            Fact(label="Children", value=children or "none"),
            Fact(label="Listens on", value=ports or "no port"),
            Fact(
                label="Would be restarted by", value=process.respawner or "nobody known"
            ),
        )
