"""Somebody looks after the data: a copy of a bot at work, put back, and old things gone."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest

from bot.host.boots import Boots, SignOfLife
from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.fakes.story import Story
from tests.real.databases import fresh
from tests.scenarios.stage import (
    BURN,
    Bot,
    card_of,
    number_of,
    runaway,
    thread_says,
    until,
    villain,
)

LONG_AGO = "2020-01-01T00:00:00"

pytestmark = pytest.mark.timeout(300)


def test_a_copy_that_is_put_back_brings_no_old_approval_back(
    workspace: Workspace, bot: Bot
) -> None:
    with runaway(bot) as (process, card):
        copy = str(bot.folder / "copy.db")
        made = bot.run("backup", copy)
        assert (made.returncode, "checked: every page" in made.stdout) == (0, True)
        refused = bot.run("restore", copy)
        assert refused.returncode == 2
        assert "another Countersign (pid" in refused.stderr

        assert bot.stop() == 0
        assert bot.run("restore", copy).returncode == 0
        bot.start()
        thread_says(workspace, card, "ended: the database was restored from a copy")
        until(lambda: not workspace.find_button("Approve", card.ts))
        assert process.poll() is None
    assert bot.run("audit", "verify").returncode == 0


def test_what_is_old_goes_beside_the_bot_and_the_bot_goes_on(
    workspace: Workspace, bot: Bot
) -> None:
    with runaway(bot) as (process, card):
        assert workspace.click(ALICE.id, card.ts, "Approve").acked
        assert process.wait(10) == -15
        card_of(workspace, process.pid, "Resolved")
    number = int(number_of(card))
    until(lambda: number in incidents(bot, "memory", "export"))
    grow_old(bot)

    done = bot.run("purge", "--older-than", "90d", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Deleted: " in done.stdout and "follows" in done.stdout
    for words in (("memory", "export"), ("export", "incidents")):
        assert number not in incidents(bot, *words)
    assert workspace.command(ALICE.id, "status").acked

    with villain(BURN) as another:
        second = card_of(workspace, another.pid, "Proposed action", 90)
        assert int(number_of(second)) > number
        assert workspace.click(ALICE.id, second.ts, "Approve").acked
        assert another.wait(10) == -15
    verified = bot.run("audit", "verify")
    assert verified.returncode == 0 and "more were purged" in verified.stdout
    assert "Traceback" not in bot.log


def incidents(bot: Bot, *words: str) -> set[int]:
    """The numbers in what a command exports. The machine may have other runaways."""
    rows = map(json.loads, bot.run(*words).stdout.splitlines())
    return {row.get("incident") or row["number"] for row in rows}


def grow_old(bot: Bot) -> None:
    """Let what is over have ended years ago: nobody waits that long."""
    with (
        closing(sqlite3.connect(bot.folder / "state" / "countersign.db")) as link,
        link,
    ):
        changed = link.execute(
            "UPDATE incidents SET opened_at = ?, "
            "body = json_set(body, '$.resolved_at', ?) WHERE phase = 'resolved'",
            (f"{LONG_AGO}.000000+00:00", f"{LONG_AGO}Z"),
        )
        assert changed.rowcount >= 1


def test_what_the_team_keeps_no_longer_goes_by_itself(bot: Bot) -> None:
    state = bot.folder / "state"
    state.mkdir()
    with fresh("sqlite", state) as database:
        Story(database).ends()
        # It was there until now; after a long time off nothing goes for a day.
        alive = SignOfLife(boot_id="before", at=datetime.now(UTC), is_ended=True)
        Boots(database).note(alive)
    bot.config["retention"] = {"incidents": "30d"}
    bot.start()
    until(lambda: "retention.purged incidents=1" in bot.log)
    assert 1 not in incidents(bot, "export", "incidents")
    assert "kept for 30 d (retention.incidents)" in bot.run("audit", "export").stdout
    assert bot.run("audit", "verify").returncode == 0
