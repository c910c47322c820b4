"""The bot's lives: each ends by `kill -9`, and begins right after the one before."""

import resource
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.scenarios.stage import Bot
from tests.soak.actor import Actor

WARM = 300.0
"""Seconds of a life in which caches fill and libraries are loaded; measured: 384 MB after
one minute, 460 after five, 466 after eight."""
SAME_AGE = (25.0, 45.0)
"""Seconds of a life at which lives are compared with each other."""
REFUSED = 2
"""The exit code of a bot that says why it cannot start."""
PAGE_MEGABYTES = resource.getpagesize() / 1_000_000


@dataclass(slots=True, kw_only=True)
class Life:
    """One process of the bot. began, ready, ended_at: by the monotonic clock.

    ended: by whom. code: what it ended with where that was by itself.
    """

    began: float
    ready: float | None = None
    ended: str = ""
    ended_at: float | None = None
    code: int | None = None
    memory: list[tuple[float, float]] = field(default_factory=list)

    @property
    def age(self) -> float:
        """Seconds up to its last measurement."""
        return self.memory[-1][0] if self.memory else 0.0

    def connected_after(self, outages: Iterable[tuple[float, float]]) -> float | None:
        """Seconds from its start; None if it never was, or Slack was out meanwhile."""
        if self.ready is None:
            return None
        was_out = _overlap(self.began, self.ready, outages)
        return None if was_out else self.ready - self.began

    def could_not_begin(self, full: Iterable[tuple[float, float]]) -> bool:
        """Say whether it refused to start, in order, on a disk that was full meanwhile."""
        if self.ended_at is None or self.ready is not None:
            return False
        return self.code == REFUSED and _overlap(self.began, self.ended_at, full)

    def megabytes_at(self, first: float, last: float) -> list[float]:
        """What it held between these ages."""
        return [held for age, held in self.memory if first <= age <= last]

    def slope(self) -> float | None:
        """Megabytes a minute after the warm-up; None where it was too short to say."""
        later = [(age, held) for age, held in self.memory if age >= WARM]
        if len(later) < 60:
            return None
        found = statistics.linear_regression(
            [a / 60 for a, _ in later], [m for _, m in later]
        )
        return found.slope


def _overlap(began: float, ended: float, spans: Iterable[tuple[float, float]]) -> bool:
    return any(first < ended and began < last for first, last in spans)


class Lives(Actor):
    """Keeps the bot alive as a service manager does, and kills it by chance.

    spared: from when to when nobody kills it, in seconds since the beginning: one life is
    to grow old.
    """

    def __init__(
        self, seed: int, bot: Bot, *, every: float, spared: tuple[float, float]
    ) -> None:
        super().__init__(seed, between=(1, 1))
        self._bot = bot
        self._every = every
        self._spared = spared
        self._began = time.monotonic()
        self.all: list[Life] = []
        self.kills: list[float] = []
        self.is_calm = False
        self._be_born()

    @property
    def now(self) -> Life:
        """The life that goes on."""
        return self.all[-1]

    def act(self) -> None:
        process, now = self._bot.process, time.monotonic()
        assert process is not None
        code = process.poll()
        if code is not None:
            self.now.ended = f"by itself with {code}"
            self.now.code, self.now.ended_at = code, now
            self.rest(1)
            self._be_born()
            return
        self._measure(process.pid, now)
        if not self.is_calm and now >= self._until and not self._is_spared(now):
            self.kills.append(time.time())
            self._bot.crash()
            self.now.ended = "killed"
            self.rest(self.chance.choice((0, 0, 2)))
            self._be_born()

    def _be_born(self) -> None:
        now = time.monotonic()
        self._bot.start(connected=False)
        self.all.append(Life(began=now))
        self._until = now + self.chance.uniform(0.4, 1.6) * self._every

    def _is_spared(self, now: float) -> bool:
        return self._spared[0] <= now - self._began < self._spared[1]

    def _measure(self, pid: int, now: float) -> None:
        life = self.now
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        life.memory.append((now - life.began, pages * PAGE_MEGABYTES))
        if life.ready is None and self._bot.workspace.connections():
            life.ready = now
