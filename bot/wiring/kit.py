"""What several parts of the bot are built from."""

from dataclasses import dataclass, field, replace

from bot.actions.candidates import Candidates
from bot.actions.target import Targets
from bot.blame.expected import ExpectedWork
from bot.config.environment import Environment
from bot.config.settings import Loaded, Settings
from bot.host.boots import Boots
from bot.host.disk import Disks
from bot.host.host import HostContext
from bot.host.metrics import History
from bot.inbound.inbox import Inbox
from bot.measuring.habits import Habits
from bot.measuring.warm_up import WarmUp
from bot.policy.change import note_policy
from bot.policy.standing import rules_of
from bot.ports import Clock
from bot.quiet.in_step import InStep
from bot.quiet.unpaged import Unpaged, Why
from bot.runtime.clock import SystemClock
from bot.runtime.loop import Loop
from bot.runtime.telemetry import Telemetry
from bot.storage.database import Database
from bot.storage.instance import instance_of
from bot.storage.lead import Leads
from bot.storage.marks import Marks
from bot.storage.record import Record
from bot.wiring import parts
from remediation.acts.fleet import Fleet
from remediation.ledger.ledger import Ledger
from remediation.policy import Rules
from remediation.rules.protect import OwnTree


class Wake:
    """A wakeable that is wired before the loop behind it exists."""

    def __init__(self) -> None:
        self.loop: Loop | None = None

    def wake(self) -> None:
        """Wake it, if it is there."""
        if self.loop is not None:
            self.loop.wake()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What several parts are built from."""

    loaded: Loaded
    environment: Environment
    host: HostContext
    habits: Habits
    warm_up: WarmUp | None
    inbox: Inbox
    in_step: InStep | None
    record: Record
    lead: Leads
    candidates: Candidates
    fleet: Fleet
    rules: Rules
    own: OwnTree
    telemetry: Telemetry
    unpaged: Unpaged
    expected: ExpectedWork
    poster: Wake = field(default_factory=Wake)
    worker: Wake = field(default_factory=Wake)


def kit_of(loaded: Loaded, database: Database, environment: Environment) -> Kit:
    """Build it; nothing runs yet."""
    settings, clock = loaded.settings, SystemClock()
    rules, own = rules_of(settings), OwnTree.read()
    lead = parts.lead_of(database, clock, settings.host)
    history, led = History(), lead.database
    record = _record(settings, rules, database, led, clock)
    inbox, looked_at = (
        Inbox(at, clock, forgotten_after=settings.alerts.forgotten_after)
        for at in (database, led)
    )
    in_step = parts.in_step_of(settings, environment, record.led, looked_at)
    habits = Habits(host=settings.host, history=history, database=led, clock=clock)
    host = replace(
        parts.host_context(settings, environment, clock, history),
        unusual=habits.look,
        lone=lambda finding: unpaged.add(finding, Why.UNUSUAL),
        marks=Marks(database),
        boots=Boots(led),
        inbox=looked_at.look,
        missed=looked_at.missed,
        deaf=lambda: in_step.trouble if in_step else "",
    )
    fleet = parts.fleet_of(settings, environment, host.services)
    unpaged = Unpaged(led)
    note_policy(database, rules.book.digest, clock.now())
    return Kit(
        loaded=loaded,
        environment=environment,
        host=host,
        habits=habits,
        warm_up=parts.warm_up_of(loaded, environment, habits, clock),
        inbox=inbox,
        in_step=in_step,
        record=record,
        lead=lead,
        candidates=_candidates(settings, host, fleet, rules, own),
        fleet=fleet,
        rules=rules,
        own=own,
        telemetry=Telemetry(),
        unpaged=unpaged,
        expected=parts.expected_of(settings, host, unpaged),
    )


def _record(
    settings: Settings, rules: Rules, database: Database, led: Database, clock: Clock
) -> Record:
    ledger = Ledger(
        instance=instance_of(database, settings.host),
        caps=rules.caps,
        book=rules.book,
        elsewhere=settings.hosts,
    )
    return Record(database=database, ledger=ledger, clock=clock, leading=led)


def _candidates(
    settings: Settings, host: HostContext, fleet: Fleet, rules: Rules, own: OwnTree
) -> Candidates:
    return Candidates(
        host=settings.host,
        targets=Targets(
            reader=host.facts,
            fleet=fleet,
            allowed=rules.services.allow,
            disks=Disks(rules.areas, has_gate=parts.gate_of(settings) is not None),
        ),
        policy=settings.policy,
        rules=rules,
        own=own,
    )
