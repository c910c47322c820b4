"""Two bots on one PostgreSQL and in one workspace, and what can be counted of them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from handlers.workspace.workspace import Workspace
from tests.fakes import slack
from tests.real.postgres import binaries
from tests.scenarios.stage import Bot, until
from tests.scenarios.test_alert_load import port_of

COUNTING = """\
import os, signal, sys, time
def told(*_):
    os.write(os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT), b".")
    sys.exit(0)
signal.signal(signal.SIGTERM, told)
signal.alarm(200)
print("ready", flush=True)
while True: time.sleep(1)
"""
"""Sleeps, and writes down each SIGTERM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both bots and their database."""

    workspace: Workspace
    url: str
    bots: tuple[Bot, Bot]

    def start(self) -> None:
        for number, bot in enumerate(self.bots, start=1):
            bot.start()
            until(lambda n=number: self.workspace.connections() == n, 30)
        until(lambda: "lead.follows" in self.follower().log, 10)

    def rows(self, query: str) -> Sequence[tuple[object, ...]]:
        with psycopg.connect(self.url) as link:
            return link.execute(query.encode()).fetchall()

    def leader_row(self) -> str:
        found = self.rows("SELECT value FROM meta WHERE key = 'leader'")
        return str(found[0][0]) if found else ""

    def leader(self) -> Bot:
        return next(bot for bot in self.bots if self._leads(bot))

    def follower(self) -> Bot:
        return next(bot for bot in self.bots if not self._leads(bot))

    def _leads(self, bot: Bot) -> bool:
        return (
            bot.process is not None and f"pid {bot.process.pid})" in self.leader_row()
        )

    def led_after(self, other: Bot, began: float) -> float:
        """Seconds until the other leads."""
        until(lambda: self._leads(other), 30)
        return time.monotonic() - began

    # --- what stands in Slack ---------------------------------------------------------

    def cards(self) -> Counter[str]:
        """How often each incident has a card."""
        return slack.cards(self.workspace)

    def lines(self) -> Counter[int]:
        """How often each event has a line in a thread."""
        return slack.lines(self.workspace)

    def posted_twice(self) -> int:
        """How many cards, lines and pictures stand there more often than once."""
        return slack.posted_twice(self.workspace)

    def to_tell(self) -> set[int]:
        """The numbers of the events that threads must tell."""
        quiet = ", ".join(f"'{kind}'" for kind in slack.NO_LINE)
        where = f"incident IS NOT NULL AND kind NOT IN ({quiet})"
        return {
            int(str(seq))
            for (seq,) in self.rows(f"SELECT seq FROM events WHERE {where}")
        }

    def all_told(self, seconds: float = 90) -> int:
        """Wait until each event up to now has its line; return how many there are."""
        # Other burners of this machine go on having incidents of their own.
        wanted = self.to_tell()
        end = time.monotonic() + seconds
        while (missing := wanted - set(self.lines())) and time.monotonic() < end:
            time.sleep(0.1)
        assert not missing
        return len(wanted)


def stop(bot: Bot) -> None:
    """Let it stand still, as a host that swaps or a machine that is paused does."""
    assert bot.process is not None
    bot.process.send_signal(signal.SIGSTOP)


def go_on(bot: Bot) -> None:
    assert bot.process is not None
    bot.process.send_signal(signal.SIGCONT)


def instances(found: Sequence[tuple[object, ...]]) -> set[str]:
    """The hosts of alerts as the inbox has them."""
    return {json.loads(str(body))[0]["instance"] for (body,) in found}


@contextmanager
def sleepers(number: int, log: Path) -> Iterator[list[int]]:
    with ExitStack() as stack:
        found = []
        for _ in range(number):
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", COUNTING, str(log)], stdout=subprocess.PIPE
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            found.append(process.pid)
        yield found


def decided(bot: Bot) -> int:
    """How many clicks this bot counted or refused."""
    where = f"http://127.0.0.1:{port_of(bot)}/metrics"
    with urllib.request.urlopen(where, timeout=10) as answer:
        told = answer.read().decode()
    figures = re.findall(
        r"^countersign_decisions_total\{.*\} (\d+)", told, re.MULTILINE
    )
    return sum(map(int, figures))


def control(folder: str, *words: str) -> None:
    """Have the server of the tests stopped or started."""
    programs = binaries()
    assert programs is not None
    options = Path(folder, "postmaster.opts").read_text()
    asked = ["-o", options.partition(" ")[2]] if words[-1] == "start" else []
    owner = Path(folder).owner()
    subprocess.run(
        [programs / "pg_ctl", "-D", folder, *asked, *words],
        check=True,
        cwd=folder,
        user=owner if os.geteuid() == 0 else None,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )
