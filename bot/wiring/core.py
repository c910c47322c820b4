"""The bot without Slack, built from its configuration; nothing runs yet."""

from dataclasses import dataclass

from bot import evidence
from bot.actions.ask import Ask
from bot.actions.carry_out import CarryOut
from bot.actions.simulate import Simulate
from bot.charts.plots import Plots
from bot.config.environment import Environment
from bot.config.settings import Loaded, Settings
from bot.converse.converse import Converse
from bot.decide import Decide
from bot.diagnosis.rules import RuleDiagnoser
from bot.drill.drill import Drill
from bot.host.metrics import History
from bot.inbound.inbox import Inbox
from bot.inquiry import Inquiry
from bot.measuring.habits import Habits
from bot.measuring.warm_up import WarmUp
from bot.oncall.handover import Handover
from bot.oncall.own import Own
from bot.quiet.in_step import InStep
from bot.quiet.silence import Silence
from bot.quiet.unpaged import Unpaged
from bot.respond import Respond
from bot.runtime.telemetry import Telemetry
from bot.status import Status
from bot.storage.database import Database
from bot.storage.lead import Leads
from bot.storage.record import Record
from bot.watch import Watch
from bot.wiring import parts
from bot.wiring.afterwards import Afterwards, afterwards
from bot.wiring.asking import converse_of, plots_of
from bot.wiring.kit import Kit, Wake, kit_of
from bot.wiring.knowledge import Known, known
from remediation.acts.execute import Executor
from remediation.ledger.lock import locked
from remediation.ledger.proposal import Proposal
from remediation.policy import is_of_drill
from remediation.rules.drilled import DRILL


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
    drill: Drill
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


def assembled(loaded: Loaded, database: Database, environment: Environment) -> Core:
    """Build the core; nothing runs yet."""
    kit = kit_of(loaded, database, environment)
    record, poster = kit.record, kit.poster
    respond = _respond(kit)
    drill = parts.drill_of(loaded.settings, kit.host, record, kit.own, poster)
    watch = _watch(kit, respond, drill)
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
        drill=drill,
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


def _respond(kit: Kit) -> Respond:
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


def _ask(kit: Kit) -> Ask:
    return Ask(
        record=kit.record,
        host=kit.host.name,
        candidates=kit.candidates,
        poster=kit.poster,
    )


def _silence(kit: Kit, ask: Ask) -> Silence:
    return Silence(
        host=kit.host.name,
        others=kit.fleet.others,
        record=kit.record,
        ask=ask,
        targets=kit.candidates.targets,
        poster=kit.poster,
    )


def _status(kit: Kit, respond: Respond, watch: Watch) -> Status:
    return Status(
        record=kit.record,
        respond=respond,
        untold=watch.untold,
        expected=kit.expected.current,
        unseen=kit.host.unseen,
        learning=kit.warm_up.said if kit.warm_up else str,
        standing=kit.lead.standing,
    )


def _watch(kit: Kit, respond: Respond, drill: Drill) -> Watch:
    return Watch(
        host=kit.loaded.settings.host,
        detectors=parts.watching(kit.loaded, kit.host, drill),
        respond=respond,
        clock=kit.record.clock,
        history=kit.host.history,
        telemetry=kit.telemetry,
        expected=kit.expected,
    )


def _carry_out(kit: Kit) -> CarryOut:
    def is_foreign(approved: Proposal) -> bool:
        return approved.rule == DRILL and not is_of_drill(approved.action, kit.own)

    return CarryOut(
        record=kit.record,
        executor=_executor(kit),
        observer=parts.observer_of(kit.loaded.settings, kit.fleet, kit.lead),
        window=parts.window_of(kit.loaded, kit.host),
        poster=kit.poster,
        is_foreign=is_foreign,
        leads=kit.lead.leads,
    )


def _executor(kit: Kit) -> Executor:
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
