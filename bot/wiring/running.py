"""Everything that moves: Slack, the poster, the executor, the rounds, the sweeps."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, FastAPI

from bot import web
from bot.boots import Boots
from bot.early import EarlyRounds
from bot.environment import Environment
from bot.heartbeat import Beat
from bot.loop import Loop, attempt
from bot.schedule import Schedule
from bot.watch import Watch
from bot.webhooks import alerts, changes
from bot.webhooks.door import Door
from bot.wiring.core import Core
from handlers.app import build
from handlers.channel import Channel
from handlers.client import client
from handlers.desk import Desk
from handlers.guard import Guard
from handlers.http import router
from handlers.poster import Poster
from handlers.reply import Reply
from handlers.socket import Socket

log = logging.getLogger(__name__)

VERIFY_SECONDS = 1.5
"""How long Slack may take to say who clicked; the ack is due after three."""
FAILS = 5
"""After so many failures one after the other something is unhealthy, not unlucky."""
SETTLE_SECONDS = 0.05
"""How long the poster lets a change settle before it looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _SlackSide:
    """What speaks with Slack. socket: None where clicks come over HTTP, by `routers`."""

    poster: Poster
    socket: Socket | None
    routers: Sequence[APIRouter]


def _slack_side(core: Core, environment: Environment) -> _SlackSide:
    """Build it; nothing is asked of Slack yet."""
    settings, api_url = core.settings, environment.slack_api_url
    # Each call has its deadline: an answer to a person, who clicked, a post.
    answering, verifying, posting = (
        client(environment.bot_token, api_url, timeout=seconds)
        for seconds in (10, VERIFY_SECONDS, 20)
    )
    channel = Channel(
        client=posting,
        channel_id=settings.slack.channel or "",
        telemetry=core.telemetry,
    )
    guard = Guard(
        verifying,
        settings.slack.approvers,
        groups=core.record.ledger.book.groups,
    )
    desk = _desk(core, guard, Reply(answering, api_url, channel))
    token = environment.app_token
    secret = None if token else environment.signing_secret
    app = build(answering, desk, signing_secret=secret)
    return _SlackSide(
        poster=_poster(core, channel),
        socket=Socket(app, answering, token) if token else None,
        routers=[
            *([router(app, secret)] if secret else []),
            *_webhooks(core, environment.webhook_token),
        ],
    )


def _webhooks(core: Core, token: str | None) -> Sequence[APIRouter]:
    """Return the routes for other systems; none without a token."""
    if token is None:
        return ()
    door = Door(token, core.telemetry)
    return (
        changes.router(core.record, door),
        alerts.router(core.inbox, core.settings.alerts, core.record.clock, door),
    )


def _poster(core: Core, channel: Channel) -> Poster:
    slack = core.settings.slack
    return Poster(
        channel=channel,
        record=core.record,
        pictures=core.plots.pictures,
        critical=slack.notify.critical,
        everybody=(*slack.approvers.users, *slack.approvers.groups),
        telemetry=core.telemetry,
    )


def _loop(
    core: Core, name: str, step: Callable[[], None], *, every: float, settle: float = 0
) -> Loop:
    telemetry = core.telemetry
    step = telemetry.stepping(name, step)
    return Loop(name, step, every=every, failed=telemetry.failed, settle=settle)


def _knowing(core: Core) -> Mapping[Loop, float]:
    """Return the loops that look things up, and for how many seconds each is awaited."""
    explain, remember = core.known.explain, core.known.remember
    alarms, pager = core.afterwards.false_alarms, core.afterwards.pager
    found = {_loop(core, "explain", explain.look_up, every=2): 1.0}
    # Without a model nobody is asked, without a pager nobody told.
    if explain.has_model:
        found[_loop(core, "model", explain.ask, every=2)] = 1.0
    found[_loop(core, "looking back", core.carry_out.look_again, every=5)] = 1.0
    found[_loop(core, "memory", remember.step, every=5)] = 2.0
    found[_loop(core, "habits", core.habits.step, every=15)] = 2.0
    found[_loop(core, "false alarms", alarms.step, every=15)] = 2.0
    if pager.has_anybody:
        found[_loop(core, "pager", pager.step, every=5)] = 2.0
    section, in_step = core.settings.alerts.alertmanager, core.in_step
    if section is not None and in_step is not None:
        every = section.every.total_seconds()
        found[_loop(core, "alertmanager", in_step.step, every=every)] = 1.0
    return found


SPARE_THREADS: Final = 2
"""Beside one for each detector, so that those that hang take nobody's."""


class Running(AbstractContextManager[None]):
    """Everything that moves: Slack, the poster, the executor, the rounds, the sweeps."""

    def __init__(self, core: Core, environment: Environment) -> None:
        self._core = core
        slack = _slack_side(core, environment)
        self._poster, self._socket = slack.poster, slack.socket
        self.routers = slack.routers
        core.telemetry.connected(lambda: not self.unready())
        # Telling waits a moment for doing: the executor's claim comes first, and the
        # card is edited once for both.
        self._post_loop = _loop(
            core, "poster", self._poster.step, every=5, settle=SETTLE_SECONDS
        )
        self._work_loop = _loop(core, "executor", core.carry_out.step, every=1)
        self._sweep_loop = _loop(core, "sweep", self._sweep, every=1)
        self._knowing = _knowing(core)
        threads = SPARE_THREADS + len(core.watch.detectors)
        self._schedule = Schedule(core.record.clock, threads=threads)
        self._early = EarlyRounds(core.watch.detectors, self._schedule.soon)
        self._beat = Beat(core.settings.heartbeat)

    def __enter__(self) -> None:
        core = self._core
        core.carry_out.recover()
        core.poster.loop, core.worker.loop = self._post_loop, self._work_loop
        if self._socket is not None:
            self._socket.start()
        core.known.shelf.start(core.telemetry.failed)
        for loop in self._loops:
            loop.start()
        for name, detector in core.watch.detectors.items():
            self._schedule.every(detector.section.interval, name, self._round(name))
        self._schedule.every(timedelta(hours=1), "tell the head", self._tell_head)
        # The digest has its minute, which may be the last of a day.
        self._schedule.every(timedelta(minutes=1), "tell the day", self._tell_day)
        self._schedule.every(timedelta(minutes=1), "unpaged", core.unpaged.keep)
        self._schedule.every(timedelta(days=1), "compact memory", self._compact)
        let_go = core.afterwards.retention.step
        self._schedule.every(timedelta(days=1), "let go of what is over", let_go)
        self._schedule.start()
        log.info("started host=%s", core.settings.host)
        if core.status.unseen:
            log.warning("host.not_watched why=%r", core.status.unseen)

    def __exit__(self, *_: object) -> None:
        # Before anything that may hang or fail: what ends in order is no crash.
        self._note_end()
        self._schedule.stop()
        if self._socket is not None:
            self._socket.stop()
        self._sweep_loop.stop(2)
        self._early.close()
        # An action that has begun is finished and recorded, then what it means posted.
        self._work_loop.stop(30)
        for loop, seconds in self._knowing.items():
            loop.stop(seconds)
        self._core.known.close()
        attempt(self._core.habits.save, None, name="habits")
        self._poster.stop()
        self._post_loop.stop(5)
        attempt(self._core.unpaged.keep, None, name="unpaged")
        # Again: a round that still ran may have noted that the bot is alive.
        self._note_end()
        self._core.record.database.close()
        log.info("stopped")

    def _note_end(self) -> None:
        record = self._core.record
        boots = Boots(record.database)
        attempt(lambda: boots.end(record.clock.now()), None, name="boots")

    @property
    def _loops(self) -> tuple[Loop, ...]:
        acting = (self._post_loop, self._work_loop, self._sweep_loop)
        return (*acting, *self._knowing)

    def unhealthy(self) -> Sequence[str]:
        """Say what only a restart would mend."""
        loops = self._loops
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

    def _compact(self) -> None:
        core = self._core
        old = core.record.clock.now().wall - core.settings.memory.compact_after
        core.known.memory.compact(old)

    def _tell_head(self) -> None:
        self._poster.tell_head(self._core.record.clock.now().wall.date())

    def _tell_day(self) -> None:
        now = self._core.record.clock.now().wall
        digest = self._core.settings.slack.digest
        if digest.is_due(now):
            self._poster.tell_digest(now.astimezone(digest.zone).date())

    def _sweep(self) -> None:
        self._schedule.guard_clock()
        self._core.watch.mark_hung()
        self._early.look()
        self._core.decide.expire()
        self._core.silence.sweep()
        self._core.afterwards.escalate.sweep()
        self._core.afterwards.second.sweep()
        self._core.carry_out.recover()
        self._core.telemetry.alerts_waiting.set(self._core.inbox.waiting())


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
        silence=core.silence,
        handover=core.handover,
        simulate=core.simulate,
        status=core.status,
        plots=core.plots,
        database=core.record.database,
        ledger=core.record.ledger,
        telemetry=core.telemetry,
        feedback=core.afterwards.feedback,
        drafts=core.afterwards.drafts,
        reports=core.afterwards.reports,
        purse=core.afterwards.purse,
        shelf=core.known.shelf,
        converse=core.converse,
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
