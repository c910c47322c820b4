"""Every concrete class meets here, and only here.

`configured` reads the configuration, `assembled` builds the bot from it, and
`Running` starts and stops its threads. Tests build the same parts with fakes.
"""

import logging
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError

from bot import detectors, evidence, migrations, web
from bot.ask import Ask
from bot.candidates import Candidates
from bot.carry_out import CarryOut
from bot.clock import SystemClock
from bot.database import BadDatabase, Database, connect, url_of
from bot.decide import Decide
from bot.diagnosis.rules import RuleDiagnoser
from bot.heartbeat import Beat
from bot.host import HostContext, HostSampler
from bot.instance import instance_of
from bot.loop import Loop
from bot.metrics import History
from bot.model import Incident
from bot.own import Own
from bot.pictures import Pictures
from bot.ports import Clock, Detector
from bot.record import Record
from bot.respond import Inquiry, Respond
from bot.schedule import Schedule
from bot.settings import DetectorSection, Environment, Loaded, Settings, load
from bot.simulate import Simulate
from bot.status import Status
from bot.telemetry import Telemetry
from bot.watch import Watch
from handlers.app import build
from handlers.channel import Channel
from handlers.client import client
from handlers.desk import Desk
from handlers.guard import Guard
from handlers.http import router
from handlers.poster import Poster
from handlers.reply import Reply
from handlers.socket import Socket
from remediation.execute import Executor
from remediation.facts import FactReader
from remediation.identity import open_process
from remediation.leases import Caps
from remediation.ledger import Ledger
from remediation.lock import locked
from remediation.observe import Observer
from remediation.policy import Rules
from remediation.protect import OwnTree, ProtectSettings

log = logging.getLogger(__name__)

VERIFY_SECONDS = 1.5
"""How long Slack may take to say who clicked; the ack is due after three."""
FAILS = 5
"""After so many failures one after the other something is unhealthy, not unlucky."""
SETTLE_SECONDS = 0.05
"""How long the poster lets a change settle before it looks."""


def configured(environment: Environment) -> Loaded:
    """Read the configuration file; raise `BadConfiguration` with all its problems."""
    return load(environment.config, sections())


def sections() -> dict[str, type[DetectorSection]]:
    """Return the model of each known detector's section."""
    return {name: found.Section for name, found in detectors.known().items()}


class _Wake:
    """A wakeable that is wired before the loop behind it exists."""

    def __init__(self) -> None:
        self.loop: Loop | None = None

    def wake(self) -> None:
        if self.loop is not None:
            self.loop.wake()


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The bot without Slack: what it knows, and what it can do."""

    settings: Settings
    record: Record
    history: History
    telemetry: Telemetry
    watch: Watch
    respond: Respond
    decide: Decide
    carry_out: CarryOut
    ask: Ask
    own: Own
    simulate: Simulate
    status: Status
    pictures: Pictures
    poster: _Wake
    worker: _Wake


def database_of(environment: Environment) -> Database:
    """Open the database and bring its schema up to date."""
    database = connect(url_of(environment.database_url, environment.state_dir))
    try:
        migrations.migrate(database)
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        raise BadDatabase(
            f"the database cannot be used ({reason}). Check that it is reachable and "
            "whole; `countersign doctor` looks at it, a backup can replace it"
        ) from error
    return database


def host_context(settings: Settings, clock: Clock, history: History) -> HostContext:
    """Return what detectors and evidence sources are given."""
    return HostContext(
        name=settings.host,
        sampler=HostSampler(clock),
        facts=FactReader(settings.host),
        history=history,
        clock=clock,
    )


def enabled_detectors(loaded: Loaded, host: HostContext) -> list[Detector]:
    """Build every detector that is not switched off."""
    known = detectors.known()
    return [
        known[name](section, host)
        for name, section in loaded.detectors.items()
        if section.enabled
    ]


def rules_of(settings: Settings) -> Rules:
    """Translate the policy section into the vocabulary of remediation."""
    policy = settings.policy
    users = policy.processes.users
    return Rules(
        ttl=policy.approval_ttl,
        needed=policy.approvals,
        caps=Caps(cooldown=policy.cooldown, per_hour=policy.actions_per_hour),
        protect=ProtectSettings(
            users=None if users is None else frozenset(users),
            protect=policy.processes.protect,
            allow=policy.processes.allow,
        ),
    )


def assembled(loaded: Loaded, database: Database) -> Core:
    """Build the core; nothing runs yet."""
    settings = loaded.settings
    clock, history, telemetry = SystemClock(), History(), Telemetry()
    poster, worker = _Wake(), _Wake()
    rules, own = rules_of(settings), OwnTree.read()
    host = host_context(settings, clock, history)
    instance = instance_of(database, settings.host)
    ledger = Ledger(instance=instance, caps=rules.caps)
    candidates = Candidates(
        host=settings.host,
        reader=host.facts,
        policy=settings.policy,
        rules=rules,
        own=own,
    )
    record = Record(database=database, ledger=ledger, clock=clock)
    respond = Respond(
        record=record,
        candidates=candidates,
        inquiry=Inquiry(
            evidence=[source(host) for source in evidence.known().values()],
            diagnoser=RuleDiagnoser(),
        ),
        poster=poster,
    )
    return Core(
        settings=settings,
        history=history,
        telemetry=telemetry,
        respond=respond,
        watch=Watch(
            host=settings.host,
            detectors=enabled_detectors(loaded, host),
            respond=respond,
            clock=clock,
            history=history,
            telemetry=telemetry,
        ),
        decide=Decide(record=record, poster=poster, worker=worker),
        carry_out=CarryOut(
            record=record,
            executor=_executor(database, rules, own, clock),
            observer=_observer(settings.host),
            window=_window(loaded),
            poster=poster,
        ),
        ask=Ask(
            record=record, host=settings.host, candidates=candidates, poster=poster
        ),
        own=Own(record=record, poster=poster),
        simulate=Simulate(record=record, candidates=candidates),
        status=Status(record=record, respond=respond),
        pictures=Pictures(record=record, history=history),
        poster=poster,
        worker=worker,
        record=record,
    )


def _executor(database: Database, rules: Rules, own: OwnTree, clock: Clock) -> Executor:
    def halted() -> str | None:
        with database.read() as tx:
            stopped = locked(tx)
        return f"the bot was locked: {stopped.why}" if stopped else None

    return Executor(rules=rules, own=own, halted=halted, now=lambda: clock.now().wall)


def _observer(host: str) -> Observer:
    with open_process(os.getpid()) as me:
        return Observer(me.identity, host=host)


def _window(loaded: Loaded) -> "Window":
    slowest = {name: section.interval for name, section in loaded.detectors.items()}
    return Window(loaded.settings.verify.window, slowest)


class Window:
    """How long an action's effect is measured: the window, but two rounds at least."""

    def __init__(self, window: timedelta, intervals: dict[str, timedelta]) -> None:
        self._window = window
        self._intervals = intervals

    def __call__(self, incident: Incident) -> timedelta:
        """Return the span for this incident."""
        nothing = timedelta(0)
        rounds = [self._intervals.get(f.detector, nothing) for f in incident.findings]
        return max(self._window, 2 * max(rounds, default=nothing))


class Running(AbstractContextManager[None]):
    """Everything that moves: Slack, the poster, the executor, the rounds, the sweeps."""

    def __init__(self, core: Core, environment: Environment) -> None:
        self._core = core
        settings = core.settings
        api_url = environment.slack_api_url
        token = environment.bot_token
        self._app_client = client(token, api_url, timeout=10)
        guard = Guard(
            client(token, api_url, timeout=VERIFY_SECONDS), settings.slack.approvers
        )
        channel = Channel(
            client=client(token, api_url, timeout=20),
            channel_id=settings.slack.channel or "",
            telemetry=core.telemetry,
        )
        self._poster = Poster(
            channel=channel,
            record=core.record,
            pictures=core.pictures,
            critical=settings.slack.notify.critical,
            telemetry=core.telemetry,
        )
        desk = _desk(core, guard, Reply(self._app_client, api_url, channel))
        secret = None if environment.app_token else environment.signing_secret
        app = build(self._app_client, desk, signing_secret=secret)
        self._socket = (
            Socket(app, self._app_client, environment.app_token)
            if environment.app_token
            else None
        )
        self.routers = [router(app, secret)] if secret else []
        failed = core.telemetry.failed
        # Telling waits a moment for doing: the executor's claim comes first, and the
        # card is edited once for both.
        self._post_loop = Loop(
            "poster", self._poster.step, every=5, failed=failed, settle=SETTLE_SECONDS
        )
        self._work_loop = Loop("executor", core.carry_out.step, every=1, failed=failed)
        self._sweep_loop = Loop("sweep", self._sweep, every=1, failed=failed)
        self._schedule = Schedule(core.record.clock)
        self._beat = Beat(settings.heartbeat)

    def __enter__(self) -> None:
        core = self._core
        core.carry_out.recover()
        core.poster.loop, core.worker.loop = self._post_loop, self._work_loop
        if self._socket is not None:
            self._socket.start()
        for loop in (self._post_loop, self._work_loop, self._sweep_loop):
            loop.start()
        for name, detector in core.watch.detectors.items():
            self._schedule.every(detector.section.interval, name, self._round(name))
        self._schedule.every(timedelta(hours=1), "ledger head", self._tell_head)
        self._schedule.start()
        log.info("started host=%s", core.settings.host)

    def __exit__(self, *_: object) -> None:
        self._schedule.stop()
        if self._socket is not None:
            self._socket.stop()
        self._sweep_loop.stop(2)
        # An action that has begun is finished and recorded, then what it means posted.
        self._work_loop.stop(30)
        self._poster.stop()
        self._post_loop.stop(5)
        self._core.record.database.close()
        log.info("stopped")

    def unhealthy(self) -> Sequence[str]:
        """Say what only a restart would mend."""
        loops = (self._post_loop, self._work_loop, self._sweep_loop)
        died = [f"the {loop.name} has died" for loop in loops if not loop.is_alive()]
        failing = [
            *((f"the {loop.name}", loop.failures) for loop in loops),
            *((f"detector {name}", n) for name, n in self._core.watch.failures.items()),
        ]
        return [
            *died,
            *(f"{what} failed {n} times" for what, n in failing if n >= FAILS),
        ]

    def unready(self) -> Sequence[str]:
        """Say what keeps clicks from arriving."""
        if self._socket is not None and not self._socket.is_connected():
            return ["not connected to Slack"]
        return []

    def _round(self, name: str) -> "Round":
        return Round(name, self._core.watch, self._beat)

    def _tell_head(self) -> None:
        self._poster.tell_head(self._core.record.clock.now().wall.date())

    def _sweep(self) -> None:
        self._schedule.guard_clock()
        self._core.decide.expire()
        self._core.own.end_mutes()
        self._core.carry_out.recover()


class Round:
    """One detector's job: measure, respond, give a sign of life."""

    def __init__(self, name: str, watch: Watch, beat: Beat) -> None:
        self._name = name
        self._watch = watch
        self._beat = beat

    def __call__(self) -> None:
        """Run it once."""
        self._watch.round(self._name)
        if not self._watch.failures[self._name]:
            self._beat.after_round()


def _desk(core: Core, guard: Guard, reply: Reply) -> Desk:
    settings = core.settings
    approvers = settings.slack.approvers
    listed = len(approvers.users), len(approvers.groups)
    return Desk(
        host=settings.host,
        channel=settings.slack.channel or "",
        command=settings.slack.command,
        configuration={
            "Host": settings.host,
            "Detectors": ", ".join(core.watch.detectors),
            "Approvers": f"{listed[0]} people, {listed[1]} groups",
            "Approvals needed": str(settings.policy.approvals),
            "A button lives": str(settings.policy.approval_ttl),
        },
        guard=guard,
        reply=reply,
        decide=core.decide,
        ask=core.ask,
        own=core.own,
        simulate=core.simulate,
        status=core.status,
        pictures=core.pictures,
        database=core.record.database,
        ledger=core.record.ledger,
        telemetry=core.telemetry,
    )


def application(core: Core, running: Running) -> FastAPI:
    """Return the web application whose life is the bot's life."""
    return web.build(
        running=running,
        telemetry=core.telemetry,
        unhealthy=running.unhealthy,
        unready=running.unready,
        routers=running.routers,
    )
