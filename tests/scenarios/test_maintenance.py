"""Patch scripts and pipelines beside the running bot, and one who approves alone."""

import re
import urllib.request

from handlers.workspace.people import ALICE, BOB
from handlers.workspace.workspace import Workspace
from tests.scenarios.stage import Bot, card_of, config, runaway, thread_says, until

WHY = "the other approvers do not answer"


def test_a_patch_script_keeps_the_host_quiet_until_it_is_done(
    workspace: Workspace, bot: Bot
) -> None:
    with runaway(bot) as (process, card):
        begun = bot.run("maintenance", "start", "--for", "2h", "--why", "new kernel")
        assert begun.stdout == "web-1 is in maintenance for 2 h: new kernel\n"
        card_of(workspace, process.pid, "web-1 is in maintenance until")
        assert not workspace.find_button("Approve", card.ts)
        workspace.command(BOB.id, "status")
        until(lambda: "In maintenance until" in said_to(workspace, BOB.id))
        assert bot.run("maintenance", "end").returncode == 0
        card_of(workspace, process.pid, "Proposed action")
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(timeout=30) is not None
    assert "The maintenance of web-1 has ended" in thread_says(
        workspace, card, "has ended"
    )
    assert bot.run("audit", "verify").returncode == 0


def said_to(workspace: Workspace, user: str) -> str:
    return "\n".join(m.all_text() for m in workspace.ephemerals(user))


def test_what_was_deployed_stands_in_the_evidence(
    workspace: Workspace, bot: Bot
) -> None:
    bot.extra = {"COUNTERSIGN_WEBHOOK_TOKEN": "a-token-of-the-tests"}
    bot.start()
    assert bot.run("mark", "turned the cache off").returncode == 0
    found = re.search(r"http\.listening address=(\S+)", bot.log)
    assert found
    request = urllib.request.Request(
        f"http://{found[1]}/webhooks/change",
        data=b'{"text": "deployed 2.31", "by": "ci"}',
        headers={"Authorization": "Bearer a-token-of-the-tests"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 201
    bot.stop()
    with runaway(bot) as (_, card):
        told = thread_says(workspace, card, "What changed in the day before")
    assert "deployed 2.31, told by ci" in told
    assert "turned the cache off" in told


def test_one_person_approves_alone_and_the_process_ends(
    workspace: Workspace, bot: Bot
) -> None:
    policy = config(workspace)["policy"]
    assert isinstance(policy, dict)
    alone = {"approvals": 2, "break_glass": {"users": [ALICE.id]}}
    bot.config = config(workspace, policy={**policy, **alone})
    with runaway(bot) as (process, card):
        workspace.click(ALICE.id, card.ts, "Approve")
        until(lambda: workspace.find_button("Break glass", card.ts))
        assert process.poll() is None
        workspace.click(ALICE.id, card.ts, "Break glass")
        view = workspace.wait_for(lambda: workspace.views(ALICE.id), 10)[-1]
        assert workspace.submit_view(ALICE.id, view.id, {"why": WHY}).acked
        assert process.wait(timeout=30) is not None
    told = thread_says(workspace, card, "broke the glass")
    assert f"Reason: {WHY}" in told
    assert f"<@{BOB.id}>" in told
