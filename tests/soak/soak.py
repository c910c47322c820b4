"""The soak itself: begin, tell each minute how it goes, clear the weather, let it settle."""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from bot.inbound.inbox import inbox
from bot.model import Phase
from bot.storage import store
from bot.storage.database import Database, connect
from handlers.workspace.people import ALICE
from remediation.ledger.proposal import State
from remediation.ledger.tables import proposals
from tests.soak.actor import Actor
from tests.soak.crowd import Crowd
from tests.soak.disks import Filler, Litter
from tests.soak.ground import Ground
from tests.soak.lives import Lives
from tests.soak.model import Moods
from tests.soak.storms import Storms
from tests.soak.villains import Villains
from tests.soak.weather import Weather

SETTLE = 300.0
"""Seconds in which all must have come to its end once the weather is good."""
_WAITING = (State.PENDING, State.APPROVED, State.EXECUTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, how wild, and from which seed. kill_every: seconds, on average."""

    seed: int
    seconds: float
    kill_every: float
    often: float = 1.0

    @property
    def spared(self) -> tuple[float, float]:
        """When nobody kills the bot: for a third of the time, in the middle."""
        return (0.33 * self.seconds, 0.67 * self.seconds)


@dataclass(kw_only=True)
class Soak:
    """Everybody who acts. settled: how long it took to come to rest; None if it did not.

    hung: what gave no answer at the end. code: of the bot's own stop.
    """

    ground: Ground
    plan: Plan
    settled: float | None = None
    hung: list[str] = field(default_factory=list)
    code: int | None = None

    def __post_init__(self) -> None:
        ground, plan = self.ground, self.plan
        seed, often = plan.seed, plan.often
        self.moods = Moods(seed)
        ground.gemini.answers = self.moods.answer
        self.villains = Villains(seed, ground.folder, often=often)
        self.crowd = Crowd(seed, ground.workspace, self.villains, str(ground.logs))
        self.storms = Storms(seed, ground.port, often=often)
        self.weather = Weather(seed, ground.workspace, often=often)
        self.filler = Filler(seed, ground.state, often=often)
        self.litter = Litter(seed, ground.logs, often=often)
        self.lives = Lives(seed, ground.bot, every=plan.kill_every, spared=plan.spared)
        self.troubles: tuple[Actor, ...] = (
            self.weather,
            self.filler,
            self.litter,
            self.villains,
            self.storms,
        )

    def run(self) -> Iterator[str]:
        """Do it all; yield a line whenever there is something to tell."""
        began = time.monotonic()
        yield HEAD
        for actor in (*self.troubles, self.crowd, self.lives):
            actor.start()
        told = began
        while (now := time.monotonic()) - began < self.plan.seconds:
            time.sleep(min(1.0, max(0.0, self.plan.seconds - (now - began))))
            for actor in (*self.troubles, self.crowd, self.lives):
                actor.check()
            if time.monotonic() - told >= 60:
                told += 60
                yield self._line((told - began) / 60)
        if time.monotonic() - told > 5:
            yield self._line((time.monotonic() - began) / 60)
        yield "good weather: no faults from now on, all must come to its end"
        self._calm()
        self._settle()
        yield self._line((time.monotonic() - began) / 60)
        self._ask_around()
        self.lives.stop()
        self.code = self.ground.bot.stop()

    def close(self) -> None:
        self.villains.close()

    def _calm(self) -> None:
        self.lives.is_calm = self.crowd.is_calm = self.moods.is_calm = True
        for actor in self.troubles:
            actor.stop()
        self.weather.clear()
        self.litter.empty()
        self.villains.end()
        self.storms.end()

    def _settle(self) -> None:
        database = connect(self.ground.url)
        began, quiet = time.monotonic(), 0
        while time.monotonic() - began < SETTLE:
            # Twice in a row: what ends may make something new.
            quiet = 0 if _left(database, self.ground) else quiet + 1
            if quiet == 3:
                self.settled = time.monotonic() - began
                break
            time.sleep(1)
        database.close()
        self.crowd.stop()

    def _ask_around(self) -> None:
        for page in ("healthz", "readyz"):
            where = f"http://127.0.0.1:{self.ground.port}/{page}"
            try:
                with urllib.request.urlopen(where, timeout=10) as answer:
                    answer.read()
            except (OSError, urllib.error.URLError) as error:
                self.hung.append(f"{page}: {error}")
        if not self.ground.workspace.command(ALICE.id, "status").acked:
            self.hung.append("/sre status")
        if not is_writable(self.ground.url):
            self.hung.append("the database is locked")

    def _line(self, minute: float) -> str:
        workspace = self.ground.workspace
        cards = {
            number
            for post in workspace.posts()
            for number in re.findall(r"\bIncident (\d+)", post.all_text())
        }
        acked = sum(click.done.acked for click in self.crowd.clicks)
        held = self.lives.now.memory[-1:] or [(0.0, 0.0)]
        figures = (
            f"{minute:6.1f}",
            f"{len(cards):6}",
            f"{acked:6}/{len(self.crowd.clicks):<5}",
            f"{len(self.lives.kills):6}",
            f"{self.weather.limited():6}",
            f"{len(self.weather.outages):8}",
            f"{len(self.filler.spans):6}",
            f"{sum(len(t.hosts) for t in self.storms.told if t.is_taken):8}",
            f"{held[0][1]:9.0f} MB at {held[0][0]:.0f} s",
        )
        return " ".join(figures)


HEAD = "minute  cards clicks/all    kills   429s  outages   full   alerts  memory of the bot"


def is_writable(url: str) -> bool:
    """Say whether somebody else gets the database's turn to write."""
    database = connect(url)
    try:
        with database.write() as tx:
            tx.execute(text("SELECT 1"))
    except DBAPIError:
        return False
    finally:
        database.close()
    return True


def _left(database: Database, ground: Ground) -> list[str]:
    """What has not come to its end yet."""
    with database.read() as tx:
        open_ = select(func.count()).where(store.incidents.c.phase != Phase.RESOLVED)
        waiting = select(func.count()).where(proposals.c.state.in_(_WAITING))
        unseen = (
            select(func.count()).select_from(inbox).where(inbox.c.is_seen.is_(False))
        )
        counts = {
            "open incidents": tx.execute(open_).scalar_one(),
            "proposals": tx.execute(waiting).scalar_one(),
            "alerts": tx.execute(unseen).scalar_one(),
        }
    with database.write() as tx:
        counts["posts"] = len(store.unposted(tx, ground.workspace.channel_id))
    return [f"{count} {what}" for what, count in counts.items() if count]
