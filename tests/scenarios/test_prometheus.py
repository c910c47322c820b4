"""The fleet's own eyes: a real Prometheus tells of web-7, and falls silent."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handlers.workspace.message import Message
from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.fakes.lying import liar
from tests.real.prometheus import prometheus
from tests.scenarios.stage import PATIENT, Bot, config, thread_says

CPU = 'cpu{instance="web-7:9100"}'
WEB_8 = 'cpu{instance="web-8:9100"}'
ASKED = ["chart max by (instance) (cpu > 50) 5m", "chart of cpu of web-7 over 6h"]
RULES = [
    {
        "name": "cpu",
        "expr": "cpu",
        "for": "2s",
        "keep_firing_for": "2s",
        "warning": 80,
        "critical": 95,
        "unit": "%",
        "label": "CPU",
        "runbook": "cpu",
    }
]


def yesterday() -> dict[str, list[tuple[datetime, float]]]:
    """What the server knows of web-7 from this time of yesterday."""
    then = datetime.now(UTC) - timedelta(days=1)
    points = [(then + timedelta(minutes=n), 41.0) for n in range(-60, 60)]
    return {'cpu{instance="web-7:9100",job="fleet"}': points}


def asking(workspace: Workspace, url: str) -> dict[str, object]:
    made = config(workspace)
    detectors = made["detectors"]
    assert isinstance(detectors, dict)
    own = {"interval": "1s", "for": "2s", "keep_firing_for": "2s"}
    detectors["prometheus"] = own
    detectors["runaway_process"] = {"enabled": False}
    servers = {"main": {"url": url, "timeout": "1s"}}
    return made | {"prometheus": {"servers": servers, "rules": RULES}}


def card_about(workspace: Workspace, title: str, words: str = "") -> Message:
    """The card with this title, once it says the words."""

    def find() -> Message | None:
        cards = (post for post in workspace.posts() if title in post.all_text())
        return next((card for card in cards if words in card.all_text()), None)

    return workspace.wait_for(find, PATIENT)


def buttons(card: Message) -> str:
    rows = [block for block in card.blocks if block["type"] == "actions"]
    return str(rows)


def test_another_host_gets_a_card_and_no_action_and_is_resolved(
    bot: Bot, tmp_path: Path
) -> None:
    with prometheus(tmp_path, past=yesterday(), **{CPU: 12.0, WEB_8: 15.0}) as real:
        bot.config = asking(bot.workspace, real.url)
        real.wait_for("cpu")
        bot.start()
        real.target.lines[CPU] = 97.0

        card = card_about(bot.workspace, "CPU 97 % on web-7", "cannot act on web-7")

        text = card.all_text()
        assert "CPU of web-7 is 97 %" in text
        assert "ssh web-7" in text
        assert "approve" not in buttons(card).lower()
        assert "Top processes" not in text, "those are this host's"
        thread = thread_says(bot.workspace, card, "one host or all?")
        assert "Yesterday at this time: 41 %" in thread
        assert "1 of 2 hosts is above the limit of 80 %." in thread
        picture = bot.workspace.wait_for(lambda: bot.workspace.files, PATIENT)[0]
        assert picture.thread_ts == card.ts
        for n, words in enumerate(ASKED, start=2):
            bot.workspace.mention(ALICE.id, words, thread_ts=card.ts)
            bot.workspace.wait_for(lambda n=n: len(bot.workspace.files) >= n, PATIENT)
        status = bot.run("once")
        assert re.search(r"critical +prometheus +cpu@web-7\S* +97 %", status.stdout)

        real.target.lines[CPU] = 12.0
        card_about(bot.workspace, "CPU 97 % on web-7", "Resolved")
        thread_says(bot.workspace, card, "it is clear again by itself")


def test_the_logs_of_another_hosts_service_stand_in_the_thread(
    bot: Bot, tmp_path: Path
) -> None:
    cpu = 'cpu{instance="web-7:9100",job="shop"}'
    with prometheus(tmp_path, **{cpu: 97.0}) as real, liar() as loki:
        loki.body = in_loki(
            "worker 3: connection refused by 10.0.0.9:5432",
            "worker 4: connection refused by 10.0.0.9:5432 token=abcdefabcdef",
        )
        bot.config = asking(bot.workspace, real.url) | {
            "logs": {"loki": {"url": loki.url, "labels": {"service": "app"}}}
        }
        section = bot.config["prometheus"]
        assert isinstance(section, dict)
        section["rules"] = [{**RULES[0], "service": "job"}]
        real.wait_for("cpu")
        bot.start()

        card = card_about(bot.workspace, "CPU 97 % on web-7")

        thread = thread_says(bot.workspace, card, "Logs of shop around the onset")
        assert "worker 4: connection refused" in thread
        assert "token=[redacted]" in thread and "abcdefabcdef" not in thread
        assert "app%3D~%22shop%28" in loki.heard[0][0]

        loki.hangs = True
        assert bot.stop() == 0


def in_loki(*lines: str) -> bytes:
    """An answer of Loki's, as its documentation words it."""
    values = [[str(time.time_ns() - n), text] for n, text in enumerate(lines)]
    stream = {"stream": {"host": "web-7", "app": "shop"}, "values": values}
    data = {"resultType": "streams", "result": [stream], "stats": {}}
    return json.dumps({"status": "success", "data": data}).encode()


@pytest.mark.promise(29)
def test_a_prometheus_that_dies_is_a_card_and_nothing_gets_well(
    bot: Bot, tmp_path: Path
) -> None:
    with prometheus(tmp_path, **{CPU: 97.0}) as real:
        bot.config = asking(bot.workspace, real.url)
        real.wait_for("cpu")
        bot.start()
        card_about(bot.workspace, "CPU 97 % on web-7", "cannot act on web-7")

        real.kill()

        told = card_about(bot.workspace, "No data for Prometheus main on web-1")
        assert (
            "Prometheus main does not answer: it cannot be reached" in told.all_text()
        )
        assert "no process or service behind it" in told.all_text()
        cards = [p for p in bot.workspace.posts() if "Incident" in p.all_text()]
        assert len(cards) == 2
        resolved = sum("Resolved" in card.all_text() for card in cards)
        print(
            f"promise 29: Prometheus killed: cards {len(cards)}, called well {resolved}"
        )
        assert resolved == 0


@pytest.mark.promise(29)
def test_a_prometheus_that_lies_is_a_card_and_the_bot_goes_on(bot: Bot) -> None:
    with liar() as lies:
        lies.body = b"<html>Sign in</html>"
        bot.config = asking(bot.workspace, lies.url)
        bot.start()
        title = "No data for Prometheus main on web-1"
        card = card_about(bot.workspace, title, "is not Prometheus' JSON")

        lies.says([])
        thread_says(bot.workspace, card, "it is clear again by itself")
        card_about(bot.workspace, "No data for Rule cpu", "no series with a number")

        lies.hangs = True
        again = card_about(bot.workspace, title, "no answer within 1 s")
        assert again.ts == card.ts, "what comes back has its card already"
        print("promise 29: Prometheus says nonsense, nothing, or hangs: each on a card")
        lies.hangs = False
        assert bot.stop() == 0
