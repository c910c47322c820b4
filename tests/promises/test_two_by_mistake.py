"""Promise 19: a second bot, a foreign database, a bad folder: refused with words and 2."""

import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.scenarios.stage import Bot, card_of, config, until, villain

pytestmark = [pytest.mark.promise(19), pytest.mark.timeout(180)]


def _refused(bot: Bot, *words: str) -> str:
    done = bot.run("run")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    return done.stderr.strip().splitlines()[-1]


def _write(bot: Bot, text: str) -> None:
    (bot.folder / "countersign.yaml").write_text(text)


def test_a_second_bot_on_the_same_folder_refuses_and_harms_nothing(
    workspace: Workspace, bot: Bot
) -> None:
    # What a bot that was killed leaves behind holds nobody up.
    bot.start()
    bot.crash()
    workspace.wait_for(lambda: workspace.connections() == 0)
    bot.start()
    assert bot.process is not None
    said = _refused(
        bot,
        f"another Countersign (pid {bot.process.pid}) runs on the state folder",
        "COUNTERSIGN_STATE_DIR",
    )
    with villain() as process:
        card = card_of(workspace, process.pid, "Proposed action")
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(10) == -15
        cards = [p for p in workspace.posts() if f"pid {process.pid})" in p.all_text()]
    print(f"promise 19: second start exit 2 ({said}); cards {len(cards)}, executions 1")
    assert len(cards) == 1


def test_two_bots_in_one_workspace_answer_for_their_own_cards_only(
    workspace: Workspace, bot: Bot, tmp_path: Path
) -> None:
    bot.start()
    folder = tmp_path / "other"
    folder.mkdir()
    other = replace(bot, folder=folder, process=None)
    other.config = config(workspace, host="db-7")
    other.config["detectors"] = {
        name: {**section, "enabled": False}  # type: ignore[dict-item]
        for name, section in other.config["detectors"].items()  # type: ignore[attr-defined]
    }
    with villain() as process:
        card = card_of(workspace, process.pid, "Proposed action")
        bot.crash()
        until(lambda: workspace.connections() == 0)
        other.start()
        try:
            workspace.click(ALICE.id, card.ts, "Approve")
            told = until(
                lambda: "".join(m.all_text() for m in workspace.ephemerals(ALICE.id))
            )
            assert process.poll() is None
        finally:
            other.close()
    print(f"promise 19: a click for another instance: {told[:90]!r}, executed 0")
    assert "issued by web-1" in told


def test_a_database_of_a_newer_release_is_refused_in_words(bot: Bot) -> None:
    bot.start()
    assert bot.stop() == 0
    with sqlite3.connect(bot.folder / "state" / "countersign.db") as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    said = _refused(bot, "9999", "newer Countersign")
    print(f"promise 19: newer schema exit 2 ({said})")


def test_a_damaged_database_is_refused_in_words(bot: Bot) -> None:
    _configured(bot)
    state = bot.folder / "state"
    state.mkdir()
    (state / "countersign.db").write_bytes(b"this is no database, " * 999)
    said = _refused(bot)
    print(f"promise 19: damaged database exit 2 ({said})")


def test_a_folder_that_cannot_be_written_is_refused_in_words(bot: Bot) -> None:
    _configured(bot)
    (bot.folder / "file").touch()
    lines = []
    for place in (str(bot.folder / "file" / "state"), "/proc/countersign"):
        bot.extra["COUNTERSIGN_STATE_DIR"] = place
        lines.append(_refused(bot, "cannot be written", "COUNTERSIGN_STATE_DIR"))
    print(f"promise 19: unwritable folders {len(lines)} of 2 refused, exit 2")


def test_a_configuration_lists_all_its_problems_at_once(bot: Bot) -> None:
    _write(
        bot,
        """\
slack:
  channel: "#ops"
  approvers: {users: [alice], guests: []}
policy:
  approval_ttl: 2h
  approvals: 0
  candidates: [explode]
detectors:
  cpu: {interval: soon, warning: high}
  gpu: {}
verify: {window: -1s}
http: {listen: everywhere}
""",
    )
    wrong = (
        "slack.channel",
        "slack.approvers.users.0",
        "slack.approvers.guests",
        "policy.approval_ttl",
        "policy.approvals",
        "policy.candidates.0",
        "detectors.cpu.interval",
        "detectors.cpu.warning",
        "detectors.gpu",
        "verify.window",
        "http.listen",
    )
    _refused(bot, *wrong)
    malformed = [
        "a: [",
        "{{",
        "- just\n- a list",
        "\t",
        "a: !!python/object:os.system x",
        "x: &a [*a]",
    ]
    for text in malformed:
        _write(bot, text)
        _refused(bot)
    (bot.folder / "countersign.yaml").write_bytes(b"\xff\xfe\x00\x80")
    _refused(bot)
    (bot.folder / "countersign.yaml").unlink()
    _refused(bot)
    print(
        f"promise 19: {len(wrong)} problems of one file named together, exit 2; malformed files {len(malformed) + 2}, exit 2"
    )


def test_wrong_tokens_are_refused_without_being_said(bot: Bot) -> None:
    _configured(bot)
    wrong = [
        {"SLACK_BOT_TOKEN": ""},
        {"SLACK_BOT_TOKEN": "xoxp-1234567890-secretsecret"},
        {"SLACK_BOT_TOKEN": "xapp-1-secretsecret"},
        {"SLACK_BOT_TOKEN": "hunter2secretsecret"},
        {"SLACK_APP_TOKEN": "xoxb-1-secretsecret"},
        {"SLACK_APP_TOKEN": "hunter2secretsecret"},
        {"SLACK_APP_TOKEN": ""},
    ]
    for change in wrong:
        bot.extra = dict(change)
        said = _refused(bot, "SLACK_")
        assert not re.search("secretsecret|hunter2", said)
    print(f"promise 19: wrong tokens {len(wrong)} refused, exit 2, none said")


def _configured(bot: Bot) -> None:
    (bot.folder / "countersign.yaml").write_text(yaml.safe_dump(bot.config))
