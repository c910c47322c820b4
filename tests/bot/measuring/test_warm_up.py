"""What a real Prometheus knows of this host's past is known at the bot's first start."""

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bot.config.prometheus import PrometheusServer
from bot.host.metrics import History
from bot.host.unusual import Unusual
from bot.measuring.habits import MINUTE, Habits
from bot.measuring.warm_up import AGAIN, SETTLE, WarmUp
from bot.prometheus.answer import Series, ServerSilent
from bot.prometheus.server import Server
from bot.storage.database import Database
from tests.detectors.pieces import HandClock
from tests.fakes.lying import Liar, liar, one
from tests.real.prometheus import RealPrometheus, prometheus

DAYS = 3
BACK = timedelta(days=5)
NOW = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=40)
WEB_1 = 'instance="web-1:9100"'
GIB = 2.0**30
FIGURES = ("cpu", "load", "memory", "filesystem//")
USUAL = {"cpu": 20.0, "load": 0.5, "memory": 40.0, "filesystem//": 30.0}
Points = Sequence[tuple[datetime, float]]


def past() -> Mapping[str, Points]:
    """What node_exporter told once a minute; the last half hour is still to come."""
    chance = random.Random(3)
    times = [NOW + n * MINUTE for n in range(-DAYS * 1440, 30)]
    busy = idle = 0.0
    rows: dict[str, list[tuple[datetime, float]]] = {}

    def tell(name: str, at: datetime, value: float, more: str = "") -> None:
        rows.setdefault(f"{name}{{{WEB_1}{more}}}", []).append((at, value))

    for at in times:
        part = chance.gauss(0.2, 0.01)
        busy, idle = busy + 120 * part, idle + 120 * (1 - part)
        tell("node_cpu_seconds_total", at, busy, ',cpu="0",mode="user"')
        tell("node_cpu_seconds_total", at, idle, ',cpu="0",mode="idle"')
        tell("node_load1", at, chance.gauss(0.5, 0.02))
        tell("node_procs_running", at, 2)
        tell("node_procs_blocked", at, 0)
        free = 4 * GIB * chance.gauss(0.4, 0.01)
        tell("node_memory_MemAvailable_bytes", at, free)
        tell("node_memory_MemTotal_bytes", at, 4 * GIB)
        for name, value in (("size", 100.0), ("free", 72.0), ("avail", 65.33)):
            wobbling = value + (name != "size") * chance.gauss(0, 0.5)
            tell(f"node_filesystem_{name}_bytes", at, wobbling, ',mountpoint="/"')
    return rows


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    with prometheus(tmp_path_factory.mktemp("prometheus"), past=past()) as running:
        yield running


@pytest.fixture
def lies() -> Iterator[Liar]:
    with liar() as running:
        yield running


def section(url: str) -> PrometheusServer:
    return PrometheusServer.model_validate({"url": url, "timeout": "5s"})


class Bot:
    """What learns of a host, from its first minute on."""

    def __init__(
        self, database: Database, url: str, *, instance: str = "web-1:9100"
    ) -> None:
        self.clock = HandClock(wall=NOW)
        self.history = History()
        self.chance = random.Random(5)
        self.database = database
        self.habits = self.started()
        server = Server(name="main", section=section(url))
        self.warm_up = self.warming(server, instance)

    def warming(self, server: Server, instance: str = "web-1:9100") -> WarmUp:
        return WarmUp(
            habits=self.habits,
            server=server,
            clock=self.clock,
            instance=instance,
            back=BACK,
        )

    def started(self) -> Habits:
        return Habits(
            host="web-1",
            history=self.history,
            database=self.database,
            clock=self.clock,
        )

    def lives(self, minutes: int, **off: float) -> None:
        """Let minutes pass as usual, but for what is off."""
        for _ in range(minutes):
            self.clock.forward(60)
            for name in FIGURES:
                value = off.get(name, USUAL[name] * self.chance.gauss(1, 0.005))
                self.history.append(name, self.clock.wall, value, "%")
            self.habits.step()

    def look(self) -> Unusual:
        return self.habits.look()

    def young(self) -> set[str]:
        found = self.habits.young()
        return set(found.names) if found else set()


def test_what_was_usual_is_known_at_the_first_start(
    database: Database, real: RealPrometheus, caplog: pytest.LogCaptureFixture
) -> None:
    bot = Bot(database, real.url)
    bot.lives(5)
    assert bot.look().tail is None
    assert bot.young() == set(FIGURES)

    with caplog.at_level(logging.INFO):
        bot.warm_up.step()
    bot.lives(3)

    assert "warm_up.done series=4 of=4" in caplog.text
    assert bot.young() == set()
    assert bot.look().tail is not None
    assert bot.look().odd == ()
    assert bot.warm_up.said() == ""


def test_what_it_learnt_of_others_is_odd_or_not(
    database: Database, real: RealPrometheus
) -> None:
    bot = Bot(database, real.url)
    bot.lives(5)
    bot.warm_up.step()
    bot.lives(2)

    bot.lives(2, cpu=95)

    (odd,) = bot.look().odd
    assert odd.series == "cpu"
    assert 15 < odd.low < 20 < odd.high < 25


def test_it_is_taught_once_and_over_restarts(
    database: Database, real: RealPrometheus, caplog: pytest.LogCaptureFixture
) -> None:
    bot = Bot(database, real.url)
    bot.lives(5)
    bot.warm_up.step()
    again = Bot(database, real.url)
    again.clock.forward(5 * 60)

    again.lives(5)
    with caplog.at_level(logging.INFO):
        bot.warm_up.step()
        again.warm_up.step()

    assert "warm_up.begins" not in caplog.text
    assert again.look().tail is not None


def test_nothing_is_asked_before_every_figure_was_seen(
    database: Database, lies: Liar
) -> None:
    bot = Bot(database, lies.url)
    bot.warm_up.step()
    bot.lives(int(SETTLE / MINUTE) - 1)
    bot.warm_up.step()

    assert lies.heard == []


def test_a_figure_that_nobody_tells_is_not_asked_for(
    database: Database, lies: Liar
) -> None:
    bot = Bot(database, lies.url)
    lies.says([one("10")])
    bot.clock.forward(SETTLE.total_seconds())
    for _ in range(3):
        bot.clock.forward(60)
        bot.history.append("disk_latency/sda", bot.clock.wall, 3, "ms")
        bot.habits.step()
    bot.warm_up.step()

    assert lies.heard == []


def test_another_host_is_not_taken_for_this_one(
    database: Database, real: RealPrometheus
) -> None:
    bot = Bot(database, real.url, instance="web-1:9")
    bot.lives(5)
    bot.warm_up.step()

    said = bot.warm_up.said()
    assert 'nothing of late of a node_exporter with instance="web-1:9"' in said
    assert "Give `instance` in `detectors.surprise.warm_up`" in said
    assert bot.young() == set(FIGURES)


def test_a_server_that_is_silent_is_said_once_and_asked_again(
    database: Database, lies: Liar, caplog: pytest.LogCaptureFixture
) -> None:
    bot = Bot(database, lies.url)
    lies.status = 502
    bot.lives(5)
    for _ in range(3):
        bot.warm_up.step()
    asked = len(lies.heard)
    bot.clock.forward(AGAIN.total_seconds())
    bot.warm_up.step()

    assert (asked, len(lies.heard)) == (1, 2)
    assert caplog.text.count("warm_up.waits") == 1
    assert bot.warm_up.said() == (
        "surprise does not learn from Prometheus: main: it answers with status 502. "
        "It asks again every 10 min"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheard(Server):
    """A server; somebody hears of each question before it is sent."""

    before: Callable[[datetime], None]

    def range(
        self, expr: str, since: datetime, until: datetime, step: timedelta
    ) -> tuple[Series, ...]:
        self.before(since)
        return Server.range(self, expr, since, until, step)


def overheard(bot: Bot, url: str, before: Callable[[datetime], None]) -> None:
    server = Overheard(name="main", section=section(url), before=before)
    bot.warm_up = bot.warming(server)
    bot.lives(5)


def test_it_goes_on_where_it_was_left(database: Database, real: RealPrometheus) -> None:
    bot = Bot(database, real.url)
    asked: list[datetime] = []

    def tires(since: datetime) -> None:
        asked.append(since)
        if len(asked) == 50:
            raise ServerSilent("it is gone")

    overheard(bot, real.url, tires)
    bot.warm_up.step()
    left = bot.warm_up.said()
    bot.clock.forward(AGAIN.total_seconds())
    bot.lives(1)
    bot.warm_up.step()

    assert "main: it is gone" in left
    # Six hours of four figures at once: what was asked for in vain is asked for anew.
    assert asked[49] == asked[50] > asked[40]
    assert len(asked) == 5 * 4 * 4 + 2
    assert bot.young() == set()


def test_it_says_how_far_it_is(database: Database, real: RealPrometheus) -> None:
    bot = Bot(database, real.url)
    said: list[str] = []
    overheard(bot, real.url, lambda _: said.append(bot.warm_up.said()))

    bot.warm_up.step()

    assert said[0] == "surprise learns from Prometheus: 0 of 5 days"
    assert said[-1] == "surprise learns from Prometheus: 4 of 5 days"
    assert bot.warm_up.said() == ""


def test_it_stops_in_the_middle_with_the_bot(
    database: Database, real: RealPrometheus
) -> None:
    bot = Bot(database, real.url)
    asked: list[datetime] = []

    def ends(since: datetime) -> None:
        asked.append(since)
        if len(asked) == 10:
            bot.warm_up.stop()

    overheard(bot, real.url, ends)
    bot.warm_up.step()
    bot.warm_up.step()

    assert len(asked) == 10
    assert bot.young() == set(FIGURES)


@pytest.mark.parametrize("days", [-400, -1, 400])
def test_a_clock_that_is_put_right_meanwhile_lets_it_begin_anew(
    database: Database,
    real: RealPrometheus,
    days: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bot = Bot(database, real.url)
    bot.clock.wall -= timedelta(days=days)
    bot.lives(5)
    bot.warm_up.step()
    assert "nothing of late" in bot.warm_up.said()
    bot.clock.wall += timedelta(days=days)
    bot.clock.forward(AGAIN.total_seconds())
    bot.lives(1)

    bot.warm_up.step()
    assert caplog.text.count("warm_up.anew") == 1
    assert bot.young() == set(FIGURES)
    bot.warm_up.step()
    bot.lives(2)

    assert bot.young() == set()
    assert bot.look().tail is not None
