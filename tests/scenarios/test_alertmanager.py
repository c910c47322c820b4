"""Alertmanager tells, for real: Prometheus' rules, its webhook, its silences, its end."""

import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.real.alertmanager import (
    TOKEN,
    RealAlertmanager,
    alertmanager,
    rules_and_receiver,
)
from tests.real.ports import free_port
from tests.real.prometheus import prometheus
from tests.scenarios.stage import Bot, config, thread_says, until
from tests.scenarios.test_prometheus import buttons, card_about

LATENCY = 'latency{instance="web-7:9100", job="shop"}'
RULES = """\
groups:
  - name: shop
    interval: 1s
    rules:
      - alert: HighLatency
        expr: latency > 2
        for: 1s
        labels: {severity: critical, service: nginx}
        annotations: {summary: "Requests to {{ $labels.instance }} take {{ $value }} s"}
"""


@pytest.fixture
def server(bot: Bot, tmp_path: Path) -> Iterator[RealAlertmanager]:
    """The bot, started, and an Alertmanager that tells it."""
    port = free_port()
    bot.extra = {"COUNTERSIGN_WEBHOOK_TOKEN": TOKEN}
    made = config(bot.workspace)
    made["detectors"] |= {"runaway_process": {"enabled": False}}
    there = {"url": f"http://127.0.0.1:{port}", "every": "1s"}
    bot.config = made | {"alerts": {"alertmanager": there}}
    bot.start()
    listening = until(lambda: re.search(r"http\.listening address=(\S+)", bot.log))
    address = f"http://{listening[1]}"
    with alertmanager(tmp_path, port=port, bot=address) as running:
        yield running


def port_of(server: RealAlertmanager) -> int:
    return int(server.url.rpartition(":")[2])


def _silence(server: RealAlertmanager, words: str) -> str | None:
    """What amtool shows of the silences, if one of them has the words."""
    told = server.amtool("silence", "query", "-o", "extended")
    return told if words in told else None


def test_from_a_rule_to_a_card_and_to_its_end(
    bot: Bot, server: RealAlertmanager, tmp_path: Path
) -> None:
    lines = rules_and_receiver(tmp_path, RULES, port_of(server))
    with prometheus(tmp_path, more=lines, **{LATENCY: 0.3}) as real:
        real.wait_for("latency")
        began = time.monotonic()
        real.target.lines[LATENCY] = 4.5
        card = card_about(bot.workspace, "HighLatency firing on web-7", "cannot act")
        told = time.monotonic() - began

        text = card.all_text()
        assert "Requests to web-7:9100 take 4.5 s" in text
        assert "Alertmanager" in text
        assert "approve" not in buttons(card).lower()

        real.target.lines[LATENCY] = 0.3
        began = time.monotonic()
        card_about(bot.workspace, "HighLatency firing on web-7", "Resolved")
        over = time.monotonic() - began
        thread_says(
            bot.workspace, card, "alertmanager says that HighLatency of web-7 is over"
        )
    print(
        f"\nlimit passed to card {told:.1f} s, limit kept to resolved card {over:.1f} s"
    )


def test_a_mute_is_a_silence_there_and_the_other_way_round(
    workspace: Workspace, server: RealAlertmanager
) -> None:
    server.tell({"alertname": "DiskFull", "instance": "web-7:9100"})
    card = card_about(workspace, "DiskFull firing on web-7")

    workspace.command(ALICE.id, "mute web-7 1h")
    silence = until(lambda: _silence(server, "Muted in Slack: web-7"))
    assert f"Countersign on web-1 for {ALICE.id}" in silence
    assert 'instance=~"' in silence
    card_about(workspace, "DiskFull firing on web-7", "uted")

    workspace.command(ALICE.id, "unmute web-7")
    until(lambda: None if _silence(server, "Muted in Slack") else True)

    server.amtool(
        "silence", "add", "alertname=DiskFull", "--author=chen", "--comment=known"
    )
    thread_says(workspace, card, "silenced by chen")
    card_about(workspace, "DiskFull firing on web-7", "uted")

    # The end of what is silenced is told to nobody.
    server.tell(
        {"alertname": "DiskFull", "instance": "web-7:9100"},
        ends_at="2026-01-01T00:00:00Z",
    )
    card_about(workspace, "DiskFull firing on web-7", "Resolved")


def test_a_storm_is_one_card_with_a_list(
    workspace: Workspace, server: RealAlertmanager
) -> None:
    hosts = [f"web-{n}:9100" for n in range(60)]
    server.tell(*({"alertname": "Down", "instance": host} for host in hosts[:50]))
    card_about(workspace, "Down on 50 hosts")
    server.tell(*({"alertname": "Down", "instance": host} for host in hosts[50:]))
    card_about(workspace, "Down on 60 hosts")
    cards = [post for post in workspace.posts() if "Incident" in post.all_text()]
    assert len(cards) == 1


def test_what_was_told_before_a_crash_is_on_a_card_after_it(
    workspace: Workspace, bot: Bot, server: RealAlertmanager
) -> None:
    server.tell({"alertname": "DiskFull", "instance": "web-7:9100"})
    until(lambda: _kept(bot) or None, 30)
    bot.crash()
    bot.start()
    card_about(workspace, "DiskFull firing on web-7")
    cards = [post for post in workspace.posts() if "Incident" in post.all_text()]
    assert len(cards) == 1


def _kept(bot: Bot) -> bool:
    path = bot.folder / "state" / "countersign.db"
    with sqlite3.connect(path) as tx:
        return bool(tx.execute("SELECT count(*) FROM inbox").fetchone()[0])
