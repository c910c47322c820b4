"""How long until it listens, what it costs while nothing happens."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from handlers.workspace.workspace import Workspace
from tests.bench.result import Result
from tests.scenarios.stage import Bot, config

IDLE_SECONDS = 20
CORE_LIBRARIES = (
    "import slack_bolt, slack_sdk, websocket, fastapi, uvicorn, sqlalchemy, pydantic,"
    " apscheduler.schedulers.background, yaml, prometheus_client,"
    " slack_bolt.adapter.socket_mode.websocket_client"
)


def run() -> Iterator[Result]:
    yield Result(
        name="countersign --help",
        figure=_best([sys.executable, "-m", "bot", "--help"]) * 1000,
        unit="ms",
        floor_name="a bare interpreter start",
        floor=_best([sys.executable, "-c", "pass"]) * 1000,
        goal=12,
    )
    imports = _best([sys.executable, "-c", CORE_LIBRARIES], rounds=5)
    with tempfile.TemporaryDirectory() as folder, Workspace.start() as workspace:
        plain = config(workspace)
        # The detectors of a usual configuration, at their usual pace.
        bot = Bot(
            workspace=workspace,
            folder=Path(folder),
            config={**plain, "detectors": {}},
        )
        connected = min(_start(bot, workspace) for _ in range(4))
        bot.start()
        try:
            cpu, rss = _idle(bot)
        finally:
            bot.close()
    yield Result(
        name="start to connected",
        figure=connected * 1000,
        unit="ms",
        floor_name="importing the core libraries",
        floor=imports * 1000,
        goal=2,
    )
    yield Result(
        name="CPU while idle",
        figure=cpu,
        unit="% of a core",
        floor_name="the budget",
        floor=1.0,
        goal=1,
    )
    yield Result(
        name="resident memory",
        figure=rss / 1e6,
        unit="MB",
        floor_name="the budget",
        floor=120.0,
        goal=1,
    )


def _best(command: list[str], *, rounds: int = 9) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _start(bot: Bot, workspace: Workspace) -> float:
    start = time.perf_counter()
    bot.start()
    took = time.perf_counter() - start
    bot.stop()
    workspace.wait_for(lambda: workspace.connections() == 0)
    return took


def _idle(bot: Bot) -> tuple[float, float]:
    assert bot.process is not None
    process = psutil.Process(bot.process.pid)
    time.sleep(3)
    before = process.cpu_times()
    time.sleep(IDLE_SECONDS)
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    return spent / IDLE_SECONDS * 100, float(process.memory_info().rss)
