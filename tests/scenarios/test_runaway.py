"""A process runs wild; people decide; the thread tells the story."""

import os
import re
import sys
import time

import pytest

from handlers.workspace.people import ALICE, BOB, GUEST, OUTSIDER, STRANGER
from handlers.workspace.workspace import Workspace
from tests.scenarios.stage import (
    BURN,
    STUBBORN,
    Bot,
    card_of,
    config,
    number_of,
    runaway,
    thread_says,
    until,
    villain,
)


def answer_to(workspace: Workspace, user: str) -> str:
    return workspace.wait_for(
        lambda: "\n".join(m.all_text() for m in workspace.ephemerals(user)), 10
    )


def test_approved_runaway_dies_and_the_thread_tells_the_story(
    workspace: Workspace, bot: Bot
) -> None:
    with runaway(bot) as (process, card):
        assert workspace.click(ALICE.id, card.ts, "Approve").acked
        assert process.wait(10) == -15
        card_of(workspace, process.pid, "Resolved")
        story = thread_says(workspace, card, "Resolved after")
    assert re.search(f"<@{ALICE.id}> approved \\d+a: Terminate", story)
    assert re.search(r"Recovered: .*\d+ % of one core → 0 % of one core", story)
    assert "Evidence" not in story.partition("approved")[2]
    assert not workspace.find_button("Approve", card.ts)
    assert bot.run("audit", "verify").returncode == 0
    assert bot.stop() == 0


def test_evidence_and_a_chart_stand_in_the_thread(
    workspace: Workspace, bot: Bot
) -> None:
    with runaway(bot, "") as (process, card):
        text = thread_says(workspace, card, "E1 · ")
        assert str(process.pid) in text
        workspace.wait_for(lambda: workspace.files)
    assert workspace.files[0].data.startswith(b"\x89PNG")
    assert workspace.files[0].thread_ts == card.ts


@pytest.mark.parametrize("who", [STRANGER, GUEST, OUTSIDER], ids=lambda p: p.name)
def test_whoever_is_no_approver_is_refused_and_told_why(
    workspace: Workspace, bot: Bot, who: object
) -> None:
    with runaway(bot) as (process, card):
        workspace.click(who.id, card.ts, "Approve", team=who.team_id)
        assert "Nothing was done" in answer_to(workspace, who.id)
        assert process.poll() is None
        assert workspace.find_button("Approve", card.ts)
        assert who.id not in str(workspace.thread(card.ts)[1:])


def test_rejection_keeps_the_process_and_takes_a_reason(
    workspace: Workspace, bot: Bot
) -> None:
    with runaway(bot) as (process, card):
        workspace.click(BOB.id, card.ts, "Reject")
        workspace.wait_for(lambda: workspace.ephemerals(BOB.id))
        answer = workspace.ephemerals(BOB.id)[-1]
        workspace.click(BOB.id, answer.ts, "Say why")
        view = workspace.wait_for(lambda: workspace.views(BOB.id), 10)[-1]
        assert workspace.submit_view(
            BOB.id, view.id, {"why": "the nightly batch"}
        ).acked
        card_of(workspace, process.pid, "the nightly batch")
        assert "the nightly batch" in thread_says(workspace, card, "gave the reason")
        assert process.poll() is None


def test_a_process_that_became_another_program_is_not_killed(
    workspace: Workspace, bot: Bot
) -> None:
    bot.start()
    change = (
        "import os, signal, sys\n"
        "def again(*_): os.execv(sys.executable, [sys.executable, '-c', BURN])\n"
        f"BURN = {BURN!r}\n"
        "signal.signal(signal.SIGUSR1, again)\n" + BURN
    )
    with villain(change) as process:
        card = card_of(workspace, process.pid, "Proposed action")
        process.send_signal(10)
        time.sleep(0.3)
        workspace.click(ALICE.id, card.ts, "Approve")
        story = thread_says(workspace, card, "it executed itself anew")
        assert process.poll() is None
    assert "🚫" in story
    assert sys.executable


def test_a_lower_priority_ends_the_trouble_and_not_the_process(
    workspace: Workspace, bot: Bot
) -> None:
    with runaway(bot) as (process, card):
        workspace.choose(ALICE.id, card.ts, "Instead: lower priority (b)")
        card_of(workspace, process.pid, "Lower the priority")
        assert workspace.click(ALICE.id, card.ts, "Approve").acked
        thread_says(workspace, card, "Recovered")
        assert process.poll() is None
        assert os.getpriority(os.PRIO_PROCESS, process.pid) > 0


def test_whoever_ignores_sigterm_gets_sigkill(workspace: Workspace, bot: Bot) -> None:
    with runaway(bot, code=STUBBORN) as (process, card):
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(15) == -9
        assert "SIGKILL" in thread_says(workspace, card, "SIGKILL")


@pytest.mark.promise(31)
def test_a_pending_card_works_after_kill_minus_nine(
    workspace: Workspace, bot: Bot
) -> None:
    with runaway(bot) as (process, card):
        bot.crash()
        workspace.wait_for(lambda: workspace.connections() == 0)
        start = time.monotonic()
        bot.start()
        back = time.monotonic() - start
        print(f"promise 31: connected {back:.1f} s after kill -9, pending card alive")
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(10) == -15
        thread_says(workspace, card, "Recovered")
    assert (
        len([p for p in workspace.posts() if f"pid {process.pid}" in p.all_text()]) == 1
    )


def test_an_expired_card_says_so_and_proposes_again(
    workspace: Workspace, bot: Bot
) -> None:
    policy = {**bot.config["policy"], "approval_ttl": "4s"}
    bot.config = config(workspace, policy=policy)
    with runaway(bot) as (process, card):
        card_of(workspace, process.pid, "Expired, not rejected")
        workspace.click(ALICE.id, card.ts, "Propose again")
        card_of(workspace, process.pid, "d\n*Terminate")
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(10) == -15


def test_two_approvers_are_two_different_people(workspace: Workspace, bot: Bot) -> None:
    bot.config = config(workspace, policy={**bot.config["policy"], "approvals": 2})
    with runaway(bot, "2 approvers needed") as (process, card):
        workspace.click(ALICE.id, card.ts, "Approve")
        workspace.click(ALICE.id, card.ts, "Approve")
        until(lambda: "your approval counts already" in answer_to(workspace, ALICE.id))
        assert process.poll() is None
        workspace.click(BOB.id, card.ts, "Approve")
        assert process.wait(10) == -15


def test_a_locked_bot_signals_nothing(workspace: Workspace, bot: Bot) -> None:
    with runaway(bot) as (process, card):
        workspace.command(STRANGER.id, "lock something is odd")
        workspace.click(ALICE.id, card.ts, "Approve")
        assert "locked" in answer_to(workspace, ALICE.id)
        assert process.poll() is None
        workspace.command(ALICE.id, "unlock")
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(10) == -15


def test_a_kill_by_command_needs_somebody_else(workspace: Workspace, bot: Bot) -> None:
    bot.start()
    with villain("import signal, time\nsignal.alarm(90)\ntime.sleep(90)") as process:
        workspace.command(ALICE.id, f"kill web-1:{process.pid}")
        card = card_of(workspace, process.pid, "Proposed action")
        workspace.click(ALICE.id, card.ts, "Approve")
        until(lambda: "somebody else must approve" in answer_to(workspace, ALICE.id))
        workspace.command(ALICE.id, f"again {number_of(card)}")
        card_of(workspace, process.pid, f"{number_of(card)}b")
        workspace.click(ALICE.id, card.ts, "Approve")
        time.sleep(1)
        assert process.poll() is None
        workspace.click(BOB.id, card.ts, "Approve")
        assert process.wait(10) == -15
        card_of(workspace, process.pid, "Resolved")


def test_simulate_shows_the_clicker_what_would_happen(
    workspace: Workspace, bot: Bot
) -> None:
    with runaway(bot) as (process, card):
        workspace.click(ALICE.id, card.ts, "Simulate")
        assert "It would be carried out" in answer_to(workspace, ALICE.id)
        assert process.poll() is None


def test_status_home_and_take_answer(workspace: Workspace, bot: Bot) -> None:
    with runaway(bot) as (process, card):
        workspace.click(BOB.id, card.ts, "Take")
        card_of(workspace, process.pid, f"<@{BOB.id}>")
        workspace.command(ALICE.id, "status")
        until(lambda: "waiting: " in answer_to(workspace, ALICE.id))
        workspace.open_home(ALICE.id)
        home = workspace.wait_for(lambda: workspace.home(ALICE.id))
    assert "You may approve" in str(home.blocks)


@pytest.mark.promise(38)
def test_a_paused_process_resumes_though_the_bot_was_killed(
    workspace: Workspace, bot: Bot
) -> None:
    policy = {**bot.config["policy"], "candidates": ["pause"], "pause_for": "5s"}
    bot.config = config(workspace, policy=policy)
    with runaway(bot, "Pause") as (process, card):
        workspace.click(ALICE.id, card.ts, "Approve")
        until(lambda: state_of(process.pid) == "T")
        bot.crash()
        until(lambda: state_of(process.pid) == "R", 15)
    print("promise 38 (the bot as a process): killed after the pause, left stopped 0")


def state_of(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - one word of /proc
        return stat.read().rpartition(")")[2].split()[0]
