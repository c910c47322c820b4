"""A drill: the whole path on a child of the bot's own, and nobody else is ever touched."""

import copy
import re
import sqlite3
import time
from pathlib import Path

import pytest

from bot.detectors import known
from handlers.workspace.message import Message
from handlers.workspace.people import ALICE, BOB, STRANGER
from handlers.workspace.wire import Json
from handlers.workspace.workspace import Workspace
from remediation.target.identity import Gone, ProcessIdentity, open_process
from tests.fakes import slack
from tests.scenarios.stage import Bot, number_of, thread_says, until

CRITICAL = f"<@{ALICE.id}>"
"""Whom `notify.critical` names; Bob drills."""


@pytest.fixture
def bot(bot: Bot) -> Bot:
    """Nothing else on this machine is part of the story."""
    bot.config["detectors"] = {name: {"enabled": False} for name in known()}
    return bot


def decided(bot: Bot, **changes: object) -> None:
    """Have the bot that starts next run under this policy."""
    before = bot.config["policy"]
    assert isinstance(before, dict)
    bot.config["policy"] = {**before, **changes}


def said(workspace: Workspace, who: str) -> str:
    return "\n".join(m.all_text() for m in workspace.ephemerals(who))


def refused(workspace: Workspace, who: str, words: str) -> str:
    return workspace.wait_for(
        lambda: said(workspace, who) if words in said(workspace, who) else "", 10
    )


def drill(workspace: Workspace, words: str = "Proposed action") -> Message:
    """Bob asks for a drill; its card, once it says the words."""
    assert workspace.command(BOB.id, "drill").acked
    return drill_card(workspace, words)


def drill_card(workspace: Workspace, words: str) -> Message:
    def find() -> Message | None:
        for post in workspace.posts():
            text = post.all_text()
            if "Drill: " in text and words in text:
                return post
        return None

    return workspace.wait_for(find, 60)


def child_of(card: Message) -> ProcessIdentity:
    found = re.search(r"sleeper\.py[^\n]*? \(pid (\d+)\)", card.all_text())
    assert found is not None
    with open_process(int(found[1])) as opened:
        return opened.identity


def is_alive(child: ProcessIdentity) -> bool:
    try:
        with open_process(child.pid) as opened:
            return opened.identity.start_ticks == child.start_ticks
    except Gone:
        return False


def whole(workspace: Workspace, card: Message) -> str:
    """Everything that was ever said about it."""
    thread = workspace.thread(card.ts)
    return "\n".join(m.all_text() for m in (*workspace.posts(), *thread))


def test_a_drill_leads_through_the_whole_path_and_calls_nobody(
    workspace: Workspace, bot: Bot
) -> None:
    bot.start()
    card = drill(workspace)
    child = child_of(card)
    # No variable, so no token of the bot's.
    assert Path(f"/proc/{child.pid}/environ").read_bytes() == b""
    # The line that a phone's lock screen shows.
    assert card.text.startswith("Warning: Drill: harmless process waiting on web-1")
    assert "This is a drill, nothing is wrong" in card.text

    # Whoever asked may approve: nobody named a target.
    assert workspace.click(BOB.id, card.ts, "Approve").acked
    story = thread_says(workspace, card, "Resolved after")

    assert not is_alive(child)
    for words in (
        f"<@{BOB.id}> asked for this drill",
        f"<@{BOB.id}> approved",
        "Executing",
        "exited",
        "Recovered: Drill: harmless process waiting → ended",
    ):
        assert words in story, words
    assert CRITICAL not in whole(workspace, card)
    assert not workspace.find_button("Approve", card.ts)
    assert bot.run("audit", "verify").returncode == 0
    workspace.command(BOB.id, "report 7d")
    until(lambda: "none was opened in this time" in whole(workspace, card))
    with sqlite3.connect(bot.folder / "state" / "countersign.db") as db:
        assert db.execute("SELECT count(*) FROM cases").fetchone() == (0,)
        hours = "SELECT count(*) FROM leases WHERE key LIKE 'hour:%'"
        assert db.execute(hours).fetchone() == (0,)
    assert bot.stop() == 0


def test_a_rejected_drill_ends_by_itself(workspace: Workspace, bot: Bot) -> None:
    bot.start()
    card = drill(workspace)
    child = child_of(card)
    workspace.command(ALICE.id, "drill")
    refused(workspace, ALICE.id, "is a drill that is not over yet")
    workspace.command(ALICE.id, f"escalate {number_of(card)}")
    refused(workspace, ALICE.id, "is a drill, which calls nobody")

    workspace.click(ALICE.id, card.ts, "Reject")

    story = thread_says(workspace, card, "it was rejected, and its process ended")
    assert not is_alive(child)
    assert "sent SIGTERM" not in story and "Executing" not in story
    # The next one is a new incident with a child of its own.
    again = until(lambda: _other(workspace, card), 30)
    assert child_of(again).pid != child.pid


def _other(workspace: Workspace, card: Message) -> Message | None:
    workspace.command(BOB.id, "drill")
    time.sleep(1)
    drills = [p for p in workspace.posts() if "Drill: " in p.text and p.ts != card.ts]
    return next((p for p in drills if "Proposed action" in p.all_text()), None)


def test_an_expired_drill_says_so(workspace: Workspace, bot: Bot) -> None:
    decided(bot, approval_ttl="30s")
    bot.start()
    card = drill(workspace)
    child = child_of(card)

    story = slack.thread_says(workspace, card.ts, "nobody decided in time", seconds=90)

    until(lambda: not is_alive(child))
    assert "it was not rejected" in story
    assert CRITICAL not in whole(workspace, card)


def test_a_bot_that_only_watches_says_what_it_would_have_proposed(
    workspace: Workspace, bot: Bot
) -> None:
    bot.config |= {"mode": "observe"}
    bot.start()

    card = drill(workspace, "mode: observe")

    assert not workspace.find_button("Approve", card.ts)
    story = thread_says(workspace, card, "Resolved after")
    assert re.search(r"nothing was offered \(.*else: Terminate .*sleeper\.py", story)


def test_only_approvers_drill_and_only_in_the_channel(
    workspace: Workspace, bot: Bot
) -> None:
    bot.start()
    workspace.command(STRANGER.id, "drill")
    refused(workspace, STRANGER.id, "only approvers may start a drill")
    workspace.command(BOB.id, "lock the network is being changed")
    refused(workspace, BOB.id, "Locked")
    workspace.command(ALICE.id, "drill")
    refused(workspace, ALICE.id, "Countersign is locked")


def test_a_team_rule_asks_for_two_also_in_a_drill(
    workspace: Workspace, bot: Bot
) -> None:
    two = {"name": "two-for-kills", "actions": ["terminate"], "approvals": 2}
    decided(bot, rules=[two])
    bot.start()
    card = drill(workspace)
    child = child_of(card)

    workspace.click(BOB.id, card.ts, "Approve")
    thread_says(workspace, card, "1 more needed")
    assert is_alive(child)
    workspace.click(ALICE.id, card.ts, "Approve")

    thread_says(workspace, card, "Resolved after")
    assert not is_alive(child)


@pytest.mark.promise(14)
def test_killed_in_the_middle_the_child_is_gone_and_the_old_button_dead(
    workspace: Workspace, bot: Bot
) -> None:
    bot.start()
    card = drill(workspace)
    child = child_of(card)
    sent = workspace.click(ALICE.id, card.ts, "Simulate").sent
    approve = workspace.find_button("Approve", card.ts)
    assert approve is not None

    bot.crash()
    until(lambda: not is_alive(child), 5)
    bot.start()
    story = thread_says(workspace, card, "ended with the Countersign that had started")
    assert "Resolved after" in story
    # Somebody's screen still shows it.
    workspace._server.run(
        workspace._acts._send_interaction(_approving(sent, approve.value))
    )

    refused(workspace, ALICE.id, "is resolved already")
    assert "Executing" not in whole(workspace, card)
    print("promise 14: a drill after kill -9: children left 0, revived 0")


def _approving(sent: Json, proposal: str) -> Json:
    payload = copy.deepcopy(sent)
    payload["actions"][0] |= {"action_id": "approve", "value": proposal}
    return payload
