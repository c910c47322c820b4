"""What would happen now: the target as it is this second, and the policy's verdict."""

from dataclasses import dataclass
from datetime import datetime

from bot.actions.candidates import Candidates
from bot.actions.target import Hidden, Live, Suspect
from bot.host.disk import Disk
from bot.model import Fact
from bot.storage.record import Record
from bot.text.clutter_words import facts_of as facts_of_clutter
from bot.text.clutter_words import listed
from bot.text.service_words import facts_of
from bot.text.words import amount, seconds
from remediation.action import (
    Action,
    CleanFiles,
    OperateUnit,
    Terminate,
    consequence,
    in_words,
)
from remediation.ledger.proposal import ID_PATTERN, Proposal
from remediation.rules.drilled import DRILL
from remediation.rules.verdict import Allowed, Refusal
from remediation.target.identity import changed
from remediation.target.unit import UnitFacts, changed_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A rehearsal: nothing was done. verdict: what the executor would say now.

    listing: each thing that would go by name, where the action is about many.
    """

    proposal: Proposal
    action: str
    consequence: str
    facts: tuple[Fact, ...]
    verdict: str
    listing: tuple[str, ...] = ()


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
        action = proposal.action
        live = self._candidates.targets.target(action)
        return Simulation(
            proposal=proposal,
            action=in_words(action),
            consequence=consequence(action),
            facts=() if live is None else self._facts(live),
            verdict=self._verdict(proposal, live),
            listing=_listing(live),
        )

    def _verdict(self, proposal: Proposal, live: Live | None) -> str:
        action, drills = proposal.action, proposal.rule == DRILL
        if live is None:
            return f"Nothing would be done: {self._gone(action)}."
        if objection := _objection(action, live):
            return objection
        with self._database.read() as tx:
            now = self._clock.now()
            verdict = self._candidates.review(tx, action, live, now, drills=drills)
        match verdict:
            case Allowed(rule=rule):
                return f"It would be carried out (allowed by {rule})."
            case Refusal(rule=rule) if rule == DRILL:
                return (
                    "This Countersign started no such drill, or it is over. If another "
                    "one did, that one decides: Approve reaches it."
                )
            case Refusal(rule=rule, reason=reason):
                return f"It would be refused by {rule}: {reason}."

    def _gone(self, action: Action) -> str:
        if not isinstance(action, OperateUnit):
            return "the process has ended"
        name = action.unit.name
        found = self._candidates.targets.look(action.host, name)
        why = f" ({found.why})" if isinstance(found, Hidden) else ""
        return f"nobody tells how {name} of {action.host} stands{why}"

    def _facts(self, live: Live) -> tuple[Fact, ...]:
        now = self._clock.now().wall
        if isinstance(live, UnitFacts):
            return facts_of(live, now)
        if isinstance(live, Disk):
            cooldown = self._candidates.cooldown
            return tuple(
                fact
                for clutter in live.clutters
                for fact in facts_of_clutter(clutter, cooldown)
            )
        return _process_facts(live, now)


def _listing(live: Live | None) -> tuple[str, ...]:
    clutters = live.clutters if isinstance(live, Disk) else ()
    return tuple(line for clutter in clutters for line in listed(clutter))


def _objection(action: Action, live: Live) -> str | None:
    """Say what is not as it was approved, if anything is."""
    different = _difference(action, live)
    if different is not None:
        return f"It would be refused: {different}."
    if isinstance(action, Terminate) and isinstance(live, Suspect):
        return _newcomers(action, live)
    return None


def _difference(action: Action, live: Live) -> str | None:
    match action, live:
        case OperateUnit(), UnitFacts():
            return changed_unit(action.unit, live.identity)
        case CleanFiles(area=area), Disk(clutters=()):
            return f"{area} is not listed for cleaning any more"
        case CleanFiles(), Disk():
            is_there = any(clutter.files for clutter in live.clutters)
            return None if is_there else "none of the files is as it was listed"
        case ((OperateUnit() | CleanFiles()), _):
            return None
        case _, Suspect():
            return changed(action.process, live.process.identity)
        case _:
            return None


def _newcomers(action: Terminate, suspect: Suspect) -> str | None:
    now = {child.identity for child in suspect.children}
    new = now - set(action.members)
    if new and action.scope != "process":
        return f"It would be refused: {len(new)} new processes joined its tree."
    if new:
        return (
            f"It would be carried out, and {len(new)} children that are new "
            "would be left behind: propose again to name them."
        )
    return None


def _process_facts(suspect: Suspect, now: datetime) -> tuple[Fact, ...]:
    process = suspect.process
    age = now - process.started_at
    children = ", ".join(
        f"{child.label} ({child.identity.pid})" for child in suspect.children[:6]
    )
    ports = ", ".join(map(str, process.ports[:12]))
    return (
        Fact(label="Process", value=f"{process.label} (pid {process.identity.pid})"),
        Fact(label="State", value=f"{process.state}, running for {seconds(age)}"),
        Fact(label="User", value=process.user),
        Fact(label="Runs in", value=process.home),
        Fact(label="Memory", value=amount(process.rss_bytes, "B")),
        Fact(label="Children", value=children or "none"),
        Fact(label="Listens on", value=ports or "no port"),
        Fact(label="Would be restarted by", value=process.respawner or "nobody known"),
    )
