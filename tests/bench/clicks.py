"""From a click to its ack, and to the signal it authorises."""

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from handlers.workspace.people import ALICE, BOB
from handlers.workspace.workspace import Workspace
from tests.bench.result import Result
from tests.scenarios.stage import Bot, config, villain

CONCURRENT = 50
KILLS = 7
READING_SECONDS = 4
# It says on its standard output when SIGTERM came, by a clock all processes share.
VICTIM = (
    "import os, signal, sys, time\n"
    "def told(*_):\n"
    "    sys.stdout.write(f'{time.monotonic():.6f}\\n'); sys.stdout.flush(); os._exit(0)\n"
    "signal.signal(15, told); signal.alarm(90)\n"
    "while True: pass"
)
EMPTY_APP = (
    "import os, threading\n"
    "from slack_bolt import App\n"
    "from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler\n"
    "from slack_sdk import WebClient\n"
    "client = WebClient(os.environ['SLACK_BOT_TOKEN'], base_url=os.environ['SLACK_API_URL'])\n"
    "app = App(client=client, token_verification_enabled=False)\n"
    "app.action('approve')(lambda ack: ack())\n"
    "button = {'type': 'button', 'action_id': 'approve', 'value': 'x',\n"
    "          'text': {'type': 'plain_text', 'text': 'Approve'}}\n"
    "SocketModeHandler(app, os.environ['SLACK_APP_TOKEN'], concurrency=32).connect()\n"
    "client.chat_postMessage(channel=os.environ['CHANNEL'], text='empty',\n"
    "    blocks=[{'type': 'actions', 'elements': [button]}])\n"
    "threading.Event().wait(120)"
)


def run() -> Iterator[Result]:
    empty, one_empty = _empty_listener()
    with tempfile.TemporaryDirectory() as folder:
        ack, signalled = _bot(Path(folder))
        commit = _durable_commit(Path(folder))
    yield Result(
        name=f"click to ack, {CONCURRENT} at once (median)",
        figure=ack * 1000,
        unit="ms",
        floor_name="Bolt's ack of an empty listener",
        floor=empty * 1000,
        goal=10,
    )
    yield Result(
        name="click to signal (median)",
        figure=signalled * 1000,
        unit="ms",
        floor_name="one durable commit",
        floor=commit * 1000,
        goal=10,
    )
    # On a disk that syncs in a fifth of a millisecond Bolt itself is the floor.
    yield Result(
        name="click to signal (median)",
        figure=signalled * 1000,
        unit="ms",
        floor_name="Bolt's ack of one empty click and two durable commits",
        floor=(one_empty + 2 * commit) * 1000,
        goal=5,
    )


def _empty_listener() -> tuple[float, float]:
    """Return the seconds of an ack among many at once, and of one alone."""
    with Workspace.start() as workspace:
        environment = {
            "PATH": os.defpath,
            "CHANNEL": workspace.channel_id,
            **workspace.environment(),
        }
        app = subprocess.Popen([sys.executable, "-c", EMPTY_APP], env=environment)
        try:
            ts = workspace.wait_for(lambda: workspace.card("empty").ts, 20)
            workspace.wait_connected()
            alone = [
                workspace.click(ALICE.id, ts, "Approve").seconds for _ in range(KILLS)
            ]
            return _acks(workspace, ts), statistics.median(alone)
        finally:
            app.kill()
            app.wait()


def _bot(folder: Path) -> tuple[float, float]:
    with Workspace.start() as workspace:
        bot = Bot(workspace=workspace, folder=folder, config=config(workspace))
        bot.start()
        try:
            kills = [_kill(workspace) for _ in range(KILLS)]
            print("click to signal, ms:", [round(k * 1000, 1) for k in kills])
            took = statistics.median(kills)
            with villain() as process:
                ts = _card(workspace, process.pid)
                return _acks(workspace, ts), took
        finally:
            bot.close()


def _card(workspace: Workspace, pid: int) -> str:
    def find() -> str | None:
        for post in workspace.posts():
            if f"(pid {pid})" in post.all_text() and "Proposed" in post.all_text():
                return post.ts
        return None

    return workspace.wait_for(find, 30)


def _kill(workspace: Workspace) -> float:
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM], env={"PATH": os.defpath}, stdout=subprocess.PIPE
    )
    try:
        ts = _card(workspace, victim.pid)
        # A person reads first; meanwhile evidence and chart are posted.
        time.sleep(READING_SECONDS)
        start = time.monotonic()
        threading.Thread(target=workspace.click, args=(ALICE.id, ts, "Approve")).start()
        assert victim.stdout is not None
        return float(victim.stdout.readline()) - start
    finally:
        victim.kill()
        victim.wait()


def _acks(workspace: Workspace, ts: str) -> float:
    def click(index: int) -> float:
        person = (ALICE, BOB)[index % 2]
        delivery = workspace.click(person.id, ts, "Approve")
        assert delivery.acked
        return delivery.seconds

    with ThreadPoolExecutor(CONCURRENT) as pool:
        return statistics.median(pool.map(click, range(CONCURRENT)))


def _durable_commit(folder: Path) -> float:
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE row (text)")

    def commit() -> None:
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO row VALUES (?)", ("x" * 500,))
        database.execute("COMMIT")

    return _median(commit, rounds=200)


def _median(work: Callable[[], None], *, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
