"""The bot without Slack, built from its configuration; nothing runs yet."""

import os
from dataclasses import dataclass, replace

from bot import evidence
from bot.ask import Ask
from bot.boots import Boots
from bot.candidates import Candidates
from bot.carry_out import CarryOut
from bot.clock import SystemClock
from bot.converse.converse import Converse
from bot.database import Database
from bot.decide import Decide
from bot.diagnosis.rules import RuleDiagnoser
from bot.disk import Disks
from bot.environment import Environment
from bot.expected import ExpectedWork
from bot.habits import Habits
from bot.handover import Handover
from bot.host import HostContext
from bot.in_step import InStep
from bot.inbound.inbox import Inbox
from bot.inquiry import Inquiry
from bot.instance import instance_of
from bot.lead import Leads
from bot.loop import Loop
from bot.marks import Marks
from bot.metrics import History
from bot.own import Own
from bot.plots import Plots
from bot.policy_change import note_policy
from bot.ports import Clock
from bot.record import Record
from bot.respond import Respond
from bot.settings import Loaded, Settings
from bot.silence import Silence
from bot.simulate import Simulate
from bot.standing import rules_of
from bot.status import Status
from bot.target import Targets
from bot.telemetry import Telemetry
from bot.unpaged import Unpaged, Why
from bot.warm_up import WarmUp
from bot.watch import Watch
from bot.window import Window
from bot.wiring import parts
from bot.wiring.afterwards import Afterwards, afterwards
from bot.wiring.asking import converse_of, plots_of
from bot.wiring.knowledge import Known, known
from remediation.execute import Executor
from remediation.fleet import Fleet
from remediation.identity import open_process
from remediation.ledger import Ledger
from remediation.lock import locked
from remediation.observe import Observer
from remediation.policy import Rules
from remediation.protect import OwnTree


class Wake:
    """A wakeable that is wired before the loop behind it exists."""

    def __init__(self) -> None:
        self.loop: Loop | None = None

    def wake(self) -> None:
        """Wake it, if it is there."""
        if self.loop is not None:
            self.loop.wake()


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The bot without Slack: what it knows, and what it can do."""

    settings: Settings
    record: Record
    lead: Leads
    history: History
    habits: Habits
    warm_up: WarmUp | None
    inbox: Inbox
    in_step: InStep | None
    telemetry: Telemetry
    unpaged: Unpaged
    watch: Watch
    respond: Respond
    decide: Decide
    carry_out: CarryOut
    ask: Ask
    own: Own
    silence: Silence
    handover: Handover
    simulate: Simulate
    status: Status
    plots: Plots
    known: Known
    afterwards: Afterwards
    converse: Converse
    poster: Wake
    worker: Wake


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kit:
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
    poster: Wake
    worker: Wake


def assembled(loaded: Loaded, database: Database, environment: Environment) -> Core:
    """Build the core; nothing runs yet."""
    kit = _kit(loaded, database, environment)
    record, poster = kit.record, kit.poster
    respond = _respond(kit)
    watch = _watch(kit, respond)
    status = _status(kit, respond, watch)
    plots = plots_of(loaded.settings, environment, record, kit.host)
    failed = kit.telemetry.failed
    knows = known(loaded.settings, environment, record, kit.host, poster, failed)
    ask = _ask(kit)
    after = afterwards(loaded, environment, record, knows, poster)
    talk = converse_of(
        loaded.settings, record, kit.host, plots, status, knows, after.reports
    )
    return Core(
        settings=loaded.settings,
        record=record,
        lead=kit.lead,
        history=kit.host.history,
        habits=kit.habits,
        warm_up=kit.warm_up,
        inbox=kit.inbox,
        in_step=kit.in_step,
        telemetry=kit.telemetry,
        unpaged=kit.unpaged,
        watch=watch,
        respond=respond,
        decide=Decide(record=record, poster=poster, worker=kit.worker),
        carry_out=_carry_out(kit),
        ask=ask,
        own=Own(record=record, poster=poster),
        silence=_silence(kit, ask),
        handover=Handover(record=record, poster=poster),
        simulate=Simulate(record=record, candidates=kit.candidates),
        status=status,
        plots=plots,
        converse=talk,
        known=knows,
        afterwards=after,
        poster=poster,
        worker=kit.worker,
    )


def _kit(loaded: Loaded, database: Database, environment: Environment) -> _Kit:
    settings, clock = loaded.settings, SystemClock()
    rules, own = rules_of(settings), OwnTree.read()
    lead = parts.lead_of(database, clock, settings.host)
    led = lead.database
    record = _record(settings, rules, database, led, clock)
    inbox, looked_at = (
        Inbox(at, clock, forgotten_after=settings.alerts.forgotten_after)
        for at in (database, led)
    )
    in_step = parts.in_step_of(settings, environment, record.led, looked_at)
    history = History()
    habits = Habits(host=settings.host, history=history, database=led, clock=clock)
    host = replace(
        parts.host_context(settings, environment, clock, history),
        unusual=habits.look,
        lone=lambda finding: unpaged.add(finding, Why.UNUSUAL),
        marks=Marks(database),
        boots=Boots(led),
        inbox=looked_at.look,
        deaf=lambda: in_step.trouble if in_step else "",
    )
    fleet = parts.fleet_of(settings, environment, host.services)
    unpaged = Unpaged(led)
    note_policy(database, rules.book.digest, clock.now())
    return _Kit(
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
        poster=Wake(),
        worker=Wake(),
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


def _respond(kit: _Kit) -> Respond:
    return Respond(
        record=kit.record.led,
        candidates=kit.candidates,
        inquiry=Inquiry(
            evidence=[source(kit.host) for source in evidence.known().values()],
            diagnoser=RuleDiagnoser(),
        ),
        unpaged=kit.unpaged,
        poster=kit.poster,
    )


def _ask(kit: _Kit) -> Ask:
    return Ask(
        record=kit.record,
        host=kit.host.name,
        candidates=kit.candidates,
        poster=kit.poster,
    )


def _silence(kit: _Kit, ask: Ask) -> Silence:
    return Silence(
        host=kit.host.name,
        others=kit.fleet.others,
        record=kit.record,
        ask=ask,
        targets=kit.candidates.targets,
        poster=kit.poster,
    )


def _status(kit: _Kit, respond: Respond, watch: Watch) -> Status:
    return Status(
        record=kit.record,
        respond=respond,
        untold=watch.untold,
        expected=kit.expected.current,
        unseen=kit.host.unseen,
        learning=kit.warm_up.said if kit.warm_up else str,
        standing=kit.lead.standing,
    )


def _watch(kit: _Kit, respond: Respond) -> Watch:
    return Watch(
        host=kit.loaded.settings.host,
        detectors=parts.enabled_detectors(kit.loaded, kit.host),
        respond=respond,
        clock=kit.record.clock,
        history=kit.host.history,
        telemetry=kit.telemetry,
        expected=kit.expected,
    )


def _carry_out(kit: _Kit) -> CarryOut:
    return CarryOut(
        record=kit.record,
        executor=_executor(kit),
        observer=_observer(kit),
        window=_window(kit),
        poster=kit.poster,
    )


def _executor(kit: _Kit) -> Executor:
    database, clock = kit.record.database, kit.record.clock

    def halted() -> str | None:
        with database.read() as tx:
            stopped = locked(tx)
        return f"the bot was locked: {stopped.why}" if stopped else None

    return Executor(
        rules=kit.rules,
        own=kit.own,
        fleet=kit.fleet,
        halted=halted,
        now=lambda: clock.now().wall,
        gate=parts.gate_of(kit.loaded.settings),
        unseen=kit.host.unseen,
    )


def _observer(kit: _Kit) -> Observer:
    gate = parts.gate_of(kit.loaded.settings)
    with open_process(os.getpid()) as me:
        here = me.identity
    return Observer(here, fleet=kit.fleet, gate=gate, is_present=kit.lead.is_present)


def _window(kit: _Kit) -> Window:
    detectors = kit.loaded.detectors.items()
    return Window(
        kit.loaded.settings.verify.window,
        {name: section.interval for name, section in detectors},
        [rule for rule, _ in kit.host.rules],
        settle=kit.loaded.settings.alerts.settle,
    )
