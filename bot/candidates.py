"""Which actions come into question for an incident, judged by the policy.

The order is the team's (`policy.candidates`); the model has no say in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from sqlalchemy import Connection

from bot.model import Culprit, Incident, NoAction
from bot.settings import CandidateKind, Policy
from remediation.action import Action, LowerPriority, Pause, Terminate
from remediation.decision import Draft
from remediation.facts import ProcessFacts
from remediation.identity import Gone, ProcessIdentity, Unobservable
from remediation.leases import Target, hold
from remediation.lock import locked
from remediation.moment import Moment
from remediation.policy import Allowed, Refusal, Rules, Situation, review
from remediation.protect import OwnTree


class Reader(Protocol):
    """Reads live processes."""

    def read(self, pid: int) -> ProcessFacts:
        """Return the facts; raise `Gone`."""

    def descendants(self, pid: int) -> tuple[ProcessFacts, ...]:
        """Return its children and theirs, ordered by pid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A live process and all that would go with it, read at one instant."""

    process: ProcessFacts
    children: tuple[ProcessFacts, ...]


class Candidates:
    """Makes exact actions for a culprit on this host."""

    def __init__(
        self, *, host: str, reader: Reader, policy: Policy, rules: Rules, own: OwnTree
    ) -> None:
        self._host = host
        self._reader = reader
        self._policy = policy
        self._rules = rules
        self._own = own

    def suspect(self, culprit: Culprit | None) -> Suspect | None:
        """Read the culprit as it is now; None when it is gone or another process."""
        return None if culprit is None else self.read(culprit.identity)

    def read(self, identity: ProcessIdentity) -> Suspect | None:
        """Read the process as it is now; None when it is gone, another one or hidden."""
        try:
            found = self.live(identity.pid)
        except (Gone, Unobservable):
            return None
        same = found.process.identity.start_ticks == identity.start_ticks
        return found if same else None

    def live(self, pid: int) -> Suspect:
        """Read whatever process has this pid now; raise `Gone` or `Unobservable`."""
        process = self._reader.read(pid)
        return Suspect(process=process, children=self._reader.descendants(pid))

    def judge(
        self, tx: Connection, incident: Incident, suspect: Suspect | None, now: Moment
    ) -> tuple[list[Draft], NoAction | None]:
        """Return what may be proposed, best first, or why nothing may."""
        if suspect is None:
            return [], _no_culprit(incident)
        drafts: list[Draft] = []
        refused: list[Refusal] = []
        for kind in self._policy.candidates:
            action = self.action(kind, suspect)
            match self.review(tx, action, suspect, now):
                case Allowed(rule=rule):
                    drafts.append(self.draft(incident.number, action, rule))
                case Refusal() as refusal:
                    refused.append(refusal)
            if not drafts:
                # The team's first choice is refused: that is the answer, and a milder
                # action in its place would hide it.
                break
        return drafts, None if drafts else _why(refused)

    def draft(
        self, incident: int, action: Action, rule: str, by: str | None = None
    ) -> Draft:
        """Return the draft of a proposal under the team's rules."""
        return Draft(
            incident=incident,
            action=action,
            rule=rule,
            needed=self._rules.needed,
            ttl=self._rules.ttl,
            requested_by=by,
        )

    def review(
        self, tx: Connection, action: Action, suspect: Suspect, now: Moment
    ) -> Allowed | Refusal:
        """Ask the policy, with the limits and the lock as they are in `tx`."""
        held = hold(tx, Target.of(action), self._rules.caps, now)
        situation = Situation(locked=locked(tx), hold=held)
        whole = isinstance(action, Terminate)
        members = (suspect.process, *(suspect.children if whole else ()))
        return review(action, members, situation, self._rules, self._own)

    def action(self, kind: CandidateKind, suspect: Suspect) -> Action:
        """Return the exact action of this kind for the suspect and its children."""
        process = suspect.process
        match kind:
            case "terminate":
                return Terminate(
                    host=self._host,
                    process=process.identity,
                    label=process.label,
                    scope="tree" if suspect.children else "process",
                    members=_identities(suspect.children),
                    grace=self._policy.grace,
                )
            case "lower_priority":
                return LowerPriority(
                    host=self._host,
                    process=process.identity,
                    label=process.label,
                    nice=self._policy.lower_to,
                )
            case "pause":
                return Pause(
                    host=self._host,
                    process=process.identity,
                    label=process.label,
                    duration=self._policy.pause_for,
                )
        assert_never(kind)


def _identities(children: Sequence[ProcessFacts]) -> tuple[ProcessIdentity, ...]:
    found = (child.identity for child in children)
    return tuple(sorted(found, key=lambda identity: identity.pid))


def _no_culprit(incident: Incident) -> NoAction:
    if incident.is_storm:
        return NoAction(
            rule="many causes at once",
            reason="several conditions began together; each of them needs a look first",
            by_hand="top",
        )
    if incident.culprit is not None:
        reason = "the process has ended by now, or cannot be looked at"
        return NoAction(rule="culprit is gone", reason=reason)
    top = incident.lead.culprits[0] if incident.lead.culprits else None
    share = (
        f" (the largest part is {top.share:.0%}, {top.process.label})" if top else ""
    )
    return NoAction(
        rule="no culprit",
        reason=f"no process explains at least half of the problem{share}",
        by_hand="top -o %CPU" if incident.lead.detector == "cpu" else "",
    )


def _why(refused: Sequence[Refusal]) -> NoAction:
    if not refused:
        return NoAction(rule="policy.candidates", reason="the list of actions is empty")
    first = refused[0]
    return NoAction(rule=first.rule, reason=first.reason, by_hand=first.by_hand)
