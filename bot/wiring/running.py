"""Everything that moves: Slack, the poster, the executor, the rounds, the sweeps."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from typing import Final

from fastapi import FastAPI

from bot.config.environment import Environment
from bot.host.boots import Boots
from bot.http import web
from bot.runtime.early import EarlyRounds
from bot.runtime.heartbeat import Beat
from bot.runtime.loop import Loop, attempt
from bot.runtime.schedule import Schedule
from bot.watch import Watch
from bot.wiring.core import Core
from bot.wiring.leading import Leading
from bot.wiring.slackside import slack_side

log = logging.getLogger(__name__)

FAILS = 5
"""After so many failures one after the other something is unhealthy, not unlucky."""
SETTLE_SECONDS = 0.05
"""How long the poster lets a change settle before it looks."""


def _loop(
    core: Core, name: str, step: Callable[[], None], *, every: float, settle: float = 0
) -> Loop:
    telemetry = core.telemetry
    step = telemetry.stepping(name, step)
    return Loop(name, step, every=every, failed=telemetry.failed, settle=settle)


def _knowing(core: Core, leading: Leading) -> Mapping[Loop, float]:
    """Return the loops that look things up, and for how many seconds each is awaited."""
    explain, known = core.known.explain, core.known
    alarms, pager = core.afterwards.false_alarms, core.afterwards.pager
    look_again, habits = core.carry_out.look_again, core.habits.step
    # What the leader learns is known here as well, before anybody asks.
    remember = leading.only(known.remember.step, otherwise=known.memory.follow)
    only = leading.only
    found = {_loop(core, "explain", only(explain.look_up), every=2): 1.0}
    # Without a model nobody is asked, without a pager nobody told.
    if explain.has_model:
        found[_loop(core, "model", only(explain.ask), every=2)] = 1.0
    found[_loop(core, "looking back", only(look_again), every=5)] = 1.0
    found[_loop(core, "memory", remember, every=5)] = 2.0
    found[_loop(core, "habits", only(habits), every=15)] = 2.0
    if core.warm_up is not None:
        found[_loop(core, "warm-up", only(core.warm_up.step), every=15)] = 1.0
    found[_loop(core, "drill", only(core.drill.step), every=0.5)] = 1.0
    found[_loop(core, "false alarms", only(alarms.step), every=15)] = 2.0
    if pager.has_anybody:
        found[_loop(core, "pager", only(pager.step), every=5)] = 2.0
    section, in_step = core.settings.alerts.alertmanager, core.in_step
    if section is not None and in_step is not None:
        every = section.every.total_seconds()
        found[_loop(core, "alertmanager", only(in_step.step), every=every)] = 1.0
    return found


SPARE_THREADS: Final = 2
"""Beside one for each detector, so that those that hang take nobody's."""


class Running(AbstractContextManager[None]):
    """Everything that moves: Slack, the poster, the executor, the rounds, the sweeps."""

    def __init__(self, core: Core, environment: Environment) -> None:
        self._core = core
        slack = slack_side(core, environment)
        self._poster, self._socket = slack.poster, slack.socket
        self._weekly = slack.weekly
        self.routers = slack.routers
        core.telemetry.connected(lambda: not self.unready())
        threads = SPARE_THREADS + len(core.watch.detectors)
        self._schedule = Schedule(core.record.clock, threads=threads)
        self._leading = Leading(core, self._schedule)
        only = self._leading.only
        # Telling waits a moment for doing: the executor's claim comes first, and the
        # card is edited once for both. What another bot decided wakes nobody here.
        self._post_loop = _loop(
            core,
            "poster",
            only(self._poster.step),
            every=5 if self._leading.is_alone else 1,
            settle=SETTLE_SECONDS,
        )
        self._work_loop = _loop(core, "executor", core.carry_out.step, every=1)
        self._sweep_loop = _loop(core, "sweep", self._sweep, every=1)
        self._swept = only(self._sweep_what_is_led)
        self._has_recovered = False
        self._knowing = _knowing(core, self._leading)
        self._early = EarlyRounds(core.watch.detectors, self._schedule.soon)
        self._beat = Beat(core.settings.heartbeat)

    def __enter__(self) -> None:
        core = self._core
        self._leading.start()
        # Where it cannot be recorded now, on a full disk for one, the sweep does it later.
        failed = core.telemetry.failed
        attempt(self._recover, None, name="recover", failed=failed)
        core.poster.loop, core.worker.loop = self._post_loop, self._work_loop
        if self._socket is not None:
            self._socket.start()
        core.known.shelf.start(failed)
        for loop in self._loops:
            loop.start()
        for name, detector in core.watch.detectors.items():
            self._plan(detector.section.interval, name, self._round(name))
        self._plan(timedelta(hours=1), "tell the head", self._tell_head)
        # The digest has its minute, which may be the last of a day.
        self._plan(timedelta(minutes=1), "tell the day", self._tell_day)
        self._plan(timedelta(minutes=1), "tell the week", self._weekly.step)
        self._plan(timedelta(minutes=1), "unpaged", core.unpaged.keep)
        self._plan(timedelta(days=1), "compact memory", self._compact)
        let_go = core.afterwards.retention.step
        self._plan(timedelta(days=1), "let go of what is over", let_go)
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
        if self._core.warm_up is not None:
            self._core.warm_up.stop()
        # An action that has begun is finished and recorded, then what it means posted.
        self._work_loop.stop(30)
        for loop, seconds in self._knowing.items():
            loop.stop(seconds)
        self._core.known.close()
        only = self._leading.only
        attempt(only(self._core.habits.save), None, name="habits")
        self._poster.stop()
        self._post_loop.stop(5)
        attempt(only(self._core.unpaged.keep), None, name="unpaged")
        # Again: a round that still ran may have noted that the bot is alive.
        self._note_end()
        self._leading.stop()
        self._core.record.database.close()
        log.info("stopped")

    def _note_end(self) -> None:
        record = self._core.record.led
        end = partial(Boots(record.database).end, record.clock.now())
        attempt(self._leading.only(end), None, name="boots")

    def _plan(self, every: timedelta, name: str, job: Callable[[], None]) -> None:
        self._schedule.every(every, name, self._leading.only(job))

    @property
    def _loops(self) -> tuple[Loop, ...]:
        acting = (self._post_loop, self._work_loop, self._sweep_loop)
        return (*acting, *self._knowing, *self._leading.loops)

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
            *self._leading.unhealthy(),
            *(f"{what} failed {n} times" for what, n in failing if n >= FAILS),
        ]

    def unready(self) -> Sequence[str]:
        """Say what keeps clicks from arriving, or anything from being posted."""
        is_deaf = self._socket is not None and not self._socket.is_connected()
        found = ["not connected to Slack"] if is_deaf else []
        return [*found, self._poster.shut] if self._poster.shut else found

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
        self._swept()
        # Also of a bot that follows: what it left is on its own host.
        if not self._has_recovered:
            self._recover()

    def _recover(self) -> None:
        self._core.carry_out.recover()
        self._has_recovered = True

    def _sweep_what_is_led(self) -> None:
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


def application(core: Core, running: Running) -> FastAPI:
    """Return the web application whose life is the bot's life."""
    return web.build(
        running=running,
        telemetry=core.telemetry,
        unhealthy=running.unhealthy,
        unready=running.unready,
        routers=running.routers,
    )
