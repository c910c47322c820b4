"""Many alerts at once: taken while Slack is out, kept through crashes, told once."""

import http.client
import json
import random
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from handlers.workspace.workspace import Workspace
from tests.fakes.telling import message, told
from tests.real.alertmanager import TOKEN
from tests.scenarios.stage import Bot, config, until
from tests.scenarios.test_prometheus import card_about


@pytest.fixture
def bot(bot: Bot) -> Bot:
    bot.extra = {"COUNTERSIGN_WEBHOOK_TOKEN": TOKEN}
    made = config(bot.workspace)
    detectors = made["detectors"]
    assert isinstance(detectors, dict)
    detectors["runaway_process"] = {"enabled": False}
    bot.config = made
    return bot


def port_of(bot: Bot, starts: int = 1) -> int:
    """Where it listens since it was started for the so-many-eth time."""
    told = re.compile(r"http\.listening address=\S+:(\d+)")
    found = until(lambda: told.findall(bot.log)[starts - 1 :])
    return int(found[-1])


def posted(port: int, body: object) -> int | None:
    """Post as Alertmanager does; None where nobody answers."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        asked.request(
            "POST",
            "/webhooks/alertmanager",
            json.dumps(body),
            {"Authorization": f"Bearer {TOKEN}"},
        )
        return asked.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        asked.close()


def bodies(groups: int, each: int) -> Iterator[dict[str, object]]:
    for group in range(groups):
        hosts = (f"web-{group}-{n}:9100" for n in range(each))
        yield message(*(told("Down", instance=h) for h in hosts), group=f"g{group}")


def rows(bot: Bot) -> set[str]:
    with sqlite3.connect(bot.folder / "state" / "countersign.db") as tx:
        found = tx.execute("SELECT body FROM inbox").fetchall()
    return {json.loads(body)[0]["instance"] for (body,) in found}


@pytest.mark.promise(27)
def test_a_flood_is_taken_while_slack_is_out_and_is_one_card(
    workspace: Workspace, bot: Bot
) -> None:
    bot.start()
    port = port_of(bot)
    workspace.faults.outage(on=True)
    times: list[float] = []

    def post(body: dict[str, object]) -> int | None:
        began = time.monotonic()
        status = posted(port, body)
        times.append(time.monotonic() - began)
        return status

    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, bodies(500, 20)))
    took = time.monotonic() - began
    assert answers == [202] * 500
    slowest = max(times) * 1000
    print(
        f"promise 27: 10,000 alerts in 500 messages: {took:.1f} s, slowest {slowest:.0f} ms"
    )

    workspace.faults.outage(on=False)
    card_about(workspace, "Down 10,000 times")
    cards = [p for p in workspace.posts() if "Incident" in p.all_text()]
    # What began before it was known to be a storm has a card of its own.
    assert len(cards) <= 4
    with sqlite3.connect(bot.folder / "state" / "countersign.db") as tx:
        told_of = tx.execute("SELECT count(*) FROM events WHERE kind='incident.opened'")
        assert told_of.fetchone()[0] == len(cards)


@pytest.mark.promise(27)
def test_what_was_answered_with_202_survives_kill_9(
    workspace: Workspace, bot: Bot
) -> None:
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    taken: set[str] = set()
    every = list(bodies(60, 5))
    for starts, part in enumerate((every[:20], every[20:40], every[40:]), 1):
        bot.start()
        port = port_of(bot, starts)
        killer = threading.Timer(chance.uniform(0, 0.25), bot.crash)
        for body in part:
            if posted(port, body) == 202:
                alerts = body["alerts"]
                assert isinstance(alerts, list)
                taken |= {alert["labels"]["instance"] for alert in alerts}
                if killer.ident is None:  # on a busy machine the first takes a while
                    killer.start()
        assert killer.ident is not None
        killer.join()
    assert taken <= rows(bot)
    bot.start()
    lines = until(lambda: [p for p in workspace.posts() if "Down" in p.all_text()])
    assert lines
    kept = rows(bot)
    print(f"promise 27: {len(taken)} answered with 202, {len(kept)} kept, of 300 sent")
    assert taken <= kept
