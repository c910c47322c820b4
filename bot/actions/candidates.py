"""Which actions come into question for an incident, judged by the policy.

The order is the team's (`policy.candidates`); the model has no say in it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, assert_never

from sqlalchemy import Connection

from bot.actions.give_up import past_of
from bot.actions.no_action import no_target, nothing_to_clean, why, with_what
from bot.actions.target import Hidden, Live, Suspect, Targets
from bot.config.policy import CandidateKind, Policy
from bot.host.disk import Disk
from bot.model import Incident, NoAction
from bot.pointed import Pointed
from bot.storage import quiet
from remediation.action import (
    Action,
    CleanFiles,
    LowerPriority,
    OperateUnit,
    Pause,
    Terminate,
    is_reversible,
    kind_of,
)
from remediation.acts.clutter import Clutter
from remediation.attempt import TargetFacts
from remediation.ledger.decision import Draft
from remediation.ledger.leases import Target, hold
from remediation.ledger.lock import locked
from remediation.moment import Moment
from remediation.policy import Past, Rules, Situation, review
from remediation.rules.asked import asked_of
from remediation.rules.drilled import DRILL
from remediation.rules.protect import OwnTree
from remediation.rules.verdict import Allowed, Refusal
from remediation.target.facts import ProcessFacts
from remediation.target.identity import ProcessIdentity, boot_id
from remediation.target.unit import UnitFacts, Verb

_ALONE: Final = ("lower_priority", "pause")
"""What is done to one process, and so changes nothing where its workers do the work."""
_BEFORE_IT_ENDS: Final = 0.9
"""How much of the time of a drill's child its proposal lives, so that it ends first."""
_LEADS: Final = NoAction(
    rule="workers",
    reason="its workers make the problem, and what is permitted would reach their leader "
    "alone",
    by_hand="ps -eo pid,ppid,ni,pcpu,rss,comm --forest",
)


class Candidates:
    """Makes exact actions for what an incident is about; of other hosts, on services."""

    def __init__(
        self, *, host: str, targets: Targets, policy: Policy, rules: Rules, own: OwnTree
    ) -> None:
        self._host = host
        self.targets = targets
        self._policy = policy
        self._rules = rules
        self._own = own

    @property
    def cooldown(self) -> timedelta:
        """For how long a target is left alone after an action."""
        return self._rules.caps.cooldown

    def covers(self, incident: Incident) -> bool:
        """Say whether it is about the host whose processes and files are read here."""
        return incident.host == self._host

    def judge(
        self,
        tx: Connection,
        incident: Incident,
        live: Live | Hidden | None,
        now: Moment,
    ) -> tuple[list[Draft], NoAction | None]:
        """Return what may be proposed, best first, or why nothing may."""
        over = quiet.maintenance_of(quiet.kept(tx, now), incident)
        if over is not None:
            return [], quiet.no_action(over)
        if live is None or isinstance(live, Hidden):
            reached = self.targets.covers(incident.host)
            return [], no_target(incident, self._host, live, is_reached=reached)
        if isinstance(live, Disk) and not any(c.files for c in live.clutters):
            return [], nothing_to_clean(live)
        drafts: list[Draft] = []
        refused: list[Refusal] = []
        past = past_of(tx, incident, self._rules.book, now)
        drills = incident.is_drill
        verdicts = [
            (action, self.review(tx, action, live, now, past, drills=drills))
            for action in self._actions(incident, live)
        ]
        for action, verdict in self._reversible_first(verdicts, past):
            match verdict:
                case Allowed():
                    drafts.append(self.draft(incident.number, action, live, verdict))
                case Refusal() as refusal:
                    refused.append(with_what(refusal, action))
            if not drafts and not isinstance(live, Disk):
                # The team's first choice is refused: that is the answer, and a milder
                # action in its place would hide it. An area stands in for no other.
                break
        return drafts, None if drafts else self._why(refused, incident, live)

    def _why(
        self, refused: Sequence[Refusal], incident: Incident, live: Live
    ) -> NoAction:
        is_left_out = _leads(incident) and isinstance(live, Suspect)
        if is_left_out and not refused and self._policy.candidates:
            return _LEADS
        return why(refused, incident, self._host)

    def _reversible_first(
        self, verdicts: Sequence[tuple[Action, Allowed | Refusal]], past: Past
    ) -> list[tuple[Action, Allowed | Refusal]]:
        """Leave out what waits for a reversible action, where one may be done."""
        waiting = self._rules.book.reversible_first
        milder = any(
            isinstance(verdict, Allowed)
            and is_reversible(action)
            and kind_of(action) not in waiting
            for action, verdict in verdicts
        )
        if past.is_reversible_tried or not milder:
            return list(verdicts)
        return [pair for pair in verdicts if kind_of(pair[0]) not in waiting]

    def draft(
        self,
        incident: int,
        action: Action,
        live: Live,
        allowed: Allowed,
        by: str | None = None,
    ) -> Draft:
        """Return the draft of a proposal under the team's rules."""
        return Draft(
            incident=incident,
            action=action,
            rule=allowed.rule,
            needed=allowed.needed,
            ttl=self._rules.ttl * (_BEFORE_IT_ENDS if allowed.rule == DRILL else 1),
            requested_by=by,
            asked=asked_of(action, _members(action, live)),
        )

    def review(
        self,
        tx: Connection,
        action: Action,
        live: Live,
        now: Moment,
        past: Past | None = None,
        *,
        drills: bool = False,
    ) -> Allowed | Refusal:
        """Ask the policy, with the limits and the lock as they are in `tx`.

        past: of the symptom that the bot proposes for; a person who names a target
        oneself knows what was tried. drills: whether it is for the drill's own incident.
        """
        target = Target.of(action, rule=DRILL if drills else "")
        situation = Situation(
            locked=locked(tx),
            hold=hold(tx, target, self._rules.caps, now),
            at=now.wall,
            past=past or Past(),
        )
        members = _members(action, live)
        own = self._own.in_drill() if drills else self._own
        verdict = review(action, members, situation, self._rules, own)
        if isinstance(live, Disk) and isinstance(action, CleanFiles):
            is_allowed = isinstance(verdict, Allowed)
            return (live.refusal(action) if is_allowed else None) or verdict
        return verdict

    def _actions(self, incident: Incident, live: Live) -> list[Action]:
        if isinstance(live, Disk):
            return [self.clean(clutter) for clutter in live.clutters if clutter.files]
        host = incident.host
        if incident.is_drill and isinstance(live, Suspect):
            return [self.action("terminate", live)]
        if isinstance(live, UnitFacts):
            verbs = _permitted(_verbs(live), incident.lead.points_at)
            return [self.operate(verb, live, host) for verb in verbs]
        # What belongs to a service is mended there: its manager knows how it is run.
        service = live.service
        whole = [] if service is None else [self.operate(Verb.RESTART, service, host)]
        left_out = _ALONE if _leads(incident) else ()
        kinds = [kind for kind in self._policy.candidates if kind not in left_out]
        return [*whole, *(self.action(kind, live) for kind in kinds)]

    def operate(self, verb: Verb, service: UnitFacts, host: str) -> OperateUnit:
        """Return the exact action on a service of a host."""
        action = OperateUnit(host=host, unit=service.identity, verb=verb)
        if not action.takes_dependents:
            return action
        return replace(action, dependents=service.needed_by)

    def clean(self, clutter: Clutter) -> CleanFiles:
        """Return the exact action on an area's files."""
        return CleanFiles(
            host=self._host,
            boot_id=boot_id(),
            area=clutter.area.name,
            folder=clutter.area.folder,
            older_than=clutter.area.older_than,
            files=clutter.files,
        )

    def action(self, kind: CandidateKind, suspect: Suspect) -> Action:
        """Return the exact action of this kind for the suspect and its children."""
        process = suspect.process
        match kind:
            case "terminate":
                # Of who starts programs without end no list of children is true for long.
                alone = suspect.churns or not suspect.children
                return Terminate(
                    host=self._host,
                    process=process.identity,
                    label=process.label,
                    scope="process" if alone else "tree",
                    members=() if alone else _identities(suspect.children),
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


def _leads(incident: Incident) -> bool:
    return incident.culprit is not None and incident.culprit.members > 1


def _identities(children: Sequence[ProcessFacts]) -> tuple[ProcessIdentity, ...]:
    found = (child.identity for child in children)
    return tuple(sorted(found, key=lambda identity: identity.pid))


def _members(action: Action, live: Live) -> tuple[TargetFacts, ...]:
    if isinstance(live, UnitFacts):
        return (live,)
    if isinstance(live, Disk):
        areas = (clutter.area for clutter in live.clutters)
        name = action.area if isinstance(action, CleanFiles) else ""
        return tuple(area for area in areas if area.name == name)
    if isinstance(action, OperateUnit):
        return () if live.service is None else (live.service,)
    whole = isinstance(action, Terminate) and action.scope == "tree"
    return (live.process, *(live.children if whole else ()))


def _verbs(service: UnitFacts) -> tuple[Verb, ...]:
    """Return what comes into question for a service, the best first."""
    if service.active == "failed":
        return (Verb.RESTART,)
    if service.is_down:
        return (Verb.START,)
    if service.is_running:
        reload = (Verb.RELOAD,) if service.can_reload else ()
        return (Verb.RESTART, *reload)
    # Its manager starts it again and again: one more start would change nothing.
    return (Verb.STOP,)


def _permitted(verbs: Sequence[Verb], pointed: Pointed | None) -> list[Verb]:
    """Leave out what the rule that names the service does not permit."""
    return [v for v in verbs if pointed is None or v.value in pointed.actions]
