"""The doctor: each kind of trouble by its name, and silence where all is well."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from bot import doctor
from bot.config.environment import Environment
from bot.runtime.checkup import Finding, Grade
from handlers.workspace import Workspace
from handlers.workspace.people import ALICE, GROUP
from tests.real.postgres import server
from tests.scenarios.stage import Bot, config

Checked = list[Finding]


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace.start() as running:
        yield running


@pytest.fixture
def environment(workspace: Workspace, tmp_path: Path) -> Environment:
    file = tmp_path / "countersign.yaml"
    file.write_text(yaml.safe_dump(config(workspace)))
    return Environment(
        config=file,
        state_dir=tmp_path / "state",
        slack_api_url=workspace.api_url,
        bot_token=workspace.bot_token,
        app_token=workspace.app_token,
    )


def failing(environment: Environment) -> dict[str, str]:
    return {
        found.subject: found.text
        for found in doctor._checks(environment)
        if found.grade is Grade.FAIL
    }


def slack_says(environment: Environment, **changes: object) -> dict[str, str]:
    content = yaml.safe_load(environment.config.read_text())
    content["slack"].update(changes)
    environment.config.write_text(yaml.safe_dump(content))
    return failing(environment)


def test_a_good_setup_has_no_fault(environment: Environment) -> None:
    assert failing(environment) == {}


def test_a_good_setup_ends_with_zero(workspace: Workspace, tmp_path: Path) -> None:
    bot = Bot(workspace=workspace, folder=tmp_path, config=config(workspace))
    (tmp_path / "countersign.yaml").write_text(yaml.safe_dump(bot.config))
    done = bot.run("doctor")
    assert (done.returncode, done.stderr) == (0, "Ready.\n")


def test_a_bad_setup_ends_with_one(workspace: Workspace, tmp_path: Path) -> None:
    bot = Bot(workspace=workspace, folder=tmp_path, config={})
    done = bot.run("doctor")
    assert done.returncode == 1
    assert "FAIL  configuration:" in done.stdout
    # At the end of a long list people read the last line.
    assert done.stderr.startswith("Still missing: configuration")


@pytest.mark.parametrize(
    ("detector", "limits", "doubts"),
    [
        ("cpu", {"warning": 97}, 1),
        ("cpu", {"warning": 97, "critical": 99}, 0),
        ("memory", {"critical": 20}, 1),
        ("memory", {"warning": 30}, 0),
        ("cpu", {"warning": 97, "enabled": False}, 0),
    ],
)
def test_a_limit_that_was_forgotten_beside_another_is_named(
    environment: Environment,
    detector: str,
    limits: dict[str, object],
    doubts: int,
) -> None:
    content = yaml.safe_load(environment.config.read_text())
    content["detectors"][detector] = limits
    environment.config.write_text(yaml.safe_dump(content))
    found = [
        found.grade
        for found in doctor._checks(environment)
        if found.subject == f"detectors.{detector}" and "Set both" in found.text
    ]
    assert found == [Grade.WARN] * doubts


def test_an_empty_list_of_approvers_is_shouted(environment: Environment) -> None:
    found = slack_says(environment, approvers={})
    assert "NOBODY can approve" in found["approvers"]


def test_a_missing_channel_is_named(environment: Environment) -> None:
    assert "nowhere to post" in slack_says(environment, channel=None)["channel"]


def test_nobody_to_wake_is_a_warning(environment: Environment) -> None:
    slack_says(environment, notify={})
    warned = [f.subject for f in doctor._checks(environment) if f.grade is Grade.WARN]
    assert "notify" in warned


@pytest.mark.parametrize("token", [None, "xapp-wrong", "nonsense"])
def test_a_wrong_bot_token_is_named(
    environment: Environment, token: str | None
) -> None:
    assert (
        "needs xoxb-"
        in failing(replace(environment, bot_token=token))["SLACK_BOT_TOKEN"]
    )


def test_a_bot_token_that_slack_refuses_is_named(environment: Environment) -> None:
    found = failing(replace(environment, bot_token="xoxb-other"))  # noqa: RUF100, S106
    assert "invalid_auth" in found["slack"]


def test_a_wrong_app_token_is_named(environment: Environment) -> None:
    found = failing(replace(environment, app_token="xoxb-wrong"))  # noqa: RUF100, S106
    assert "needs xapp-" in found["SLACK_APP_TOKEN"]


def test_an_app_token_that_slack_refuses_is_named(environment: Environment) -> None:
    found = failing(replace(environment, app_token="xapp-other"))  # noqa: RUF100, S106
    assert "invalid_auth" in found["socket mode"]


def test_no_way_for_clicks_is_named(environment: Environment) -> None:
    found = failing(replace(environment, app_token=None))
    assert "no click can arrive" in found["SLACK_APP_TOKEN"]


def test_http_mode_needs_no_app_token(environment: Environment) -> None:
    secret = replace(environment, app_token=None, signing_secret="s")  # noqa: RUF100, S106
    assert failing(secret) == {}


def test_a_bot_outside_its_channel_is_named(
    environment: Environment, workspace: Workspace
) -> None:
    workspace.set_members(ALICE.id)
    assert "invite it" in failing(environment)["channel"]


def test_an_unknown_channel_is_named(environment: Environment) -> None:
    found = slack_says(environment, channel="C0UNKNOWN")
    assert "channel_not_found" in found["channel"]


def test_a_channel_that_cannot_be_looked_at_is_a_warning(
    environment: Environment, workspace: Workspace
) -> None:
    workspace.faults.refuse("conversations.history", "missing_scope")
    assert failing(environment) == {}


def test_an_unreachable_slack_is_named(environment: Environment) -> None:
    away = replace(environment, slack_api_url="http://127.0.0.1:9/api/")
    assert "can neither post nor be clicked" in failing(away)["slack"]


def test_an_unknown_approver_is_named(environment: Environment) -> None:
    found = slack_says(environment, approvers={"users": ["U0NOBODY"]})
    assert "user_not_found; they cannot approve" in found["approvers"]


def test_a_disabled_group_is_named(
    environment: Environment, workspace: Workspace
) -> None:
    workspace.put_group(replace(GROUP, enabled=False))
    found = slack_says(environment, approvers={"groups": [GROUP.id]})
    assert "empty or disabled" in found["approvers"]


def test_a_group_that_only_a_rule_names_is_looked_at(environment: Environment) -> None:
    content = yaml.safe_load(environment.config.read_text())
    rule = {"name": "pay", "approvers": {"groups": ["S0UNKNOWN"]}}
    environment.config.write_text(
        yaml.safe_dump({**content, "policy": {"rules": [rule]}})
    )
    assert "S0UNKNOWN" in failing(environment)["approvers"]


def test_a_doubtful_rule_is_a_warning(environment: Environment) -> None:
    content = yaml.safe_load(environment.config.read_text())
    rule = {"name": "all", "deny": True}
    environment.config.write_text(
        yaml.safe_dump({**content, "policy": {"rules": [rule]}})
    )
    warned = [f.subject for f in doctor._checks(environment) if f.grade is Grade.WARN]
    assert "policy.rules" in warned


def test_a_bad_file_is_told_with_its_lines(environment: Environment) -> None:
    environment.config.write_text("slack:\n  chanel: C1\n")
    assert "line 2: slack.chanel" in failing(environment)["configuration"]


def test_a_state_folder_that_cannot_be_written_is_named(
    environment: Environment,
) -> None:
    blocked = replace(environment, state_dir=environment.config / "state")
    assert "cannot be written" in failing(blocked)["state folder"]


@pytest.mark.parametrize(
    "url", ["nonsense", "postgresql://bot:geheim@127.0.0.1:9/countersign"]
)
def test_a_database_that_cannot_be_used_is_named(
    environment: Environment, url: str
) -> None:
    found = failing(replace(environment, database_url=url))["database"]
    assert "cannot be written" in found
    assert "geheim" not in found


def test_a_postgresql_that_ends_no_silent_session_is_named(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server() as url:
        new = replace(environment, database_url=url)
        assert "database" not in failing(new)
        monkeypatch.setattr("bot.storage.lead._OLDEST", (99,))
        assert "Use 99 or newer" in failing(new)["database"]


def test_a_torn_off_chain_is_named(environment: Environment) -> None:
    from sqlalchemy import text

    from bot.wiring.parts import database_of

    environment.state_dir.mkdir()
    database = database_of(environment)
    with database.write() as tx:
        tx.execute(text("DELETE FROM audit_head"))
    database.close()
    assert "database" in failing(environment)
