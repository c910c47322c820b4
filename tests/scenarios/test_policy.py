"""The team's own rules, with the bot as it runs: on the card, at the click, over a restart."""

import re
from dataclasses import replace

from handlers.workspace.people import ALICE, BOB, GROUP
from handlers.workspace.workspace import Workspace
from tests.scenarios.stage import Bot, card_of, config, until, villain

FREEZE = {
    "name": "freeze",
    "why": "the year is being closed",
    "freeze": {"from": "2000-01-01 00:00", "to": "2100-01-01 00:00"},
    "risk": ["medium", "high"],
    "deny": True,
}
OWNERS = {
    "name": "owners",
    "targets": {"exes": ["*/python*"]},
    "approvers": {"groups": [GROUP.id]},
}


def ruled(bot: Bot, workspace: Workspace, *rules: dict[str, object]) -> None:
    """Write the rules into the file of the bot that starts next."""
    before = config(workspace)["policy"]
    assert isinstance(before, dict)
    bot.config = config(workspace, policy={**before, "rules": list(rules)})


def answer_to(workspace: Workspace, user: str) -> str:
    return "\n".join(m.all_text() for m in workspace.ephemerals(user))


def test_a_freeze_stands_on_the_card_and_in_the_explanation(
    workspace: Workspace, bot: Bot
) -> None:
    ruled(bot, workspace, FREEZE)
    bot.start()
    with villain() as process:
        card = card_of(workspace, process.pid, "the year is being closed")
        assert "rule policy.rules.freeze" in card.all_text()
        assert not workspace.find_button("Approve", card.ts)
        workspace.click(ALICE.id, card.ts, "Propose again")
        until(lambda: "no action is possible" in answer_to(workspace, ALICE.id))
        assert process.poll() is None
    done = bot.run("policy", "explain", "kill /usr/bin/python3")
    assert (done.returncode, "policy.rules.freeze" in done.stdout) == (1, True)


def test_a_policy_that_changed_stops_what_was_proposed_and_is_on_record(
    workspace: Workspace, bot: Bot
) -> None:
    bot.start()
    with villain() as process:
        card = card_of(workspace, process.pid, "Proposed action")
        bot.crash()
        ruled(bot, workspace, FREEZE)
        bot.start()
        workspace.click(ALICE.id, card.ts, "Approve")
        until(lambda: "the year is being closed" in answer_to(workspace, ALICE.id))
        assert process.poll() is None
    exported = bot.run("audit", "export").stdout
    (change,) = re.findall(r"The policy changed: (\w{12}) -> (\w{12})", exported)
    assert f"(policy {change[0]})" in exported
    assert bot.run("audit", "verify").returncode == 0
    assert change[1] in bot.run("policy", "check").stdout


def test_a_rule_lets_only_a_groups_members_approve(
    workspace: Workspace, bot: Bot
) -> None:
    workspace.put_group(replace(GROUP, members=(BOB.id,)))
    ruled(bot, workspace, OWNERS)
    bot.start()
    with villain() as process:
        card = card_of(workspace, process.pid, "Proposed action")
        workspace.click(ALICE.id, card.ts, "Approve")
        until(lambda: "policy.rules.owners" in answer_to(workspace, ALICE.id))
        assert process.poll() is None
        workspace.click(BOB.id, card.ts, "Approve")
        assert process.wait(10) == -15
