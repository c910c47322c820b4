"""The bot as a process: it starts, answers, connects later, and ends with zero."""

import contextlib
import re
import signal
import socket
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from handlers.workspace import Workspace
from handlers.workspace.http_mode import HttpMode
from handlers.workspace.people import ALICE
from tests.real.ports import free_port
from tests.scenarios.stage import Bot, card_of, config, until, villain

SECRET = "0123456789abcdef0123456789abcdef"  # noqa: RUF100, S105


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with Workspace.start() as running:
        yield running


@pytest.fixture
def bot(workspace: Workspace, tmp_path: Path) -> Iterator[Bot]:
    detectors = {**config(workspace)["detectors"]}  # type: ignore[dict-item]
    made = Bot(
        workspace=workspace,
        folder=tmp_path,
        config=config(workspace, detectors=detectors),
    )
    yield made
    made.close()


def refused(bot: Bot) -> str:
    """What the bot says when it cannot start; it must end with 2."""
    (bot.folder / "countersign.yaml").write_text(yaml.safe_dump(bot.config))
    done = bot.run("run")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def get(bot: Bot, path: str) -> int:
    address = bot.log.partition("http.listening address=")[2].split()[0]
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except urllib.error.URLError:
        return 0  # bound, and not yet listening


def test_a_running_bot_is_ready_and_ends_with_zero(bot: Bot) -> None:
    bot.start()
    until(lambda: get(bot, "/readyz") == 200)
    assert get(bot, "/metrics") == 200
    assert bot.stop() == 0
    assert bot.log.rstrip().endswith("stopped")


def test_its_end_is_told_from_that_of_a_host_without_power(bot: Bot) -> None:
    bot.config = {**bot.config, "detectors": {"reboot": {"interval": "1s"}}}
    bot.start()
    until(lambda: '"is_ended":false' in _sign_of_life(bot))
    bot.stop()

    assert '"is_ended":true' in _sign_of_life(bot)


def _sign_of_life(bot: Bot) -> str:
    database = sqlite3.connect(bot.folder / "state" / "countersign.db")
    with contextlib.closing(database) as link:
        rows = link.execute("SELECT value FROM meta WHERE key = 'alive'").fetchall()
    return "".join(value for (value,) in rows)


def test_ctrl_c_ends_with_zero_too(bot: Bot) -> None:
    bot.start()
    assert bot.process is not None
    bot.process.send_signal(signal.SIGINT)
    assert bot.process.wait(30) == 0


def test_it_starts_while_slack_is_down_and_connects_later(
    bot: Bot, workspace: Workspace
) -> None:
    workspace.faults.outage(on=True)
    bot.start(connected=False)
    until(lambda: "http.listening" in bot.log and get(bot, "/healthz") == 200)
    assert get(bot, "/readyz") == 503
    workspace.faults.outage(on=False)
    workspace.wait_connected(30)
    until(lambda: get(bot, "/readyz") == 200)


def test_a_second_bot_on_the_same_folder_is_refused(bot: Bot) -> None:
    bot.start()
    assert "another Countersign (pid" in refused(bot)


def test_a_taken_port_is_one_clear_error(bot: Bot) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        bot.config["http"] = {"listen": f"127.0.0.1:{port}"}
        assert f"cannot listen on 127.0.0.1:{port}" in refused(bot)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN is not set"),
        ({"SLACK_BOT_TOKEN": "hunter2-secret"}, "SLACK_BOT_TOKEN is no token"),
        ({"SLACK_APP_TOKEN": "xoxb-secret"}, "SLACK_APP_TOKEN begins with 'xoxb-'"),
        ({"SLACK_APP_TOKEN": ""}, "no click can arrive"),
        ({"DATABASE_URL": "postgresql://u:secret@127.0.0.1:9/d"}, "cannot be used"),
        ({"DATABASE_URL": "mysql://u:secret@h/d"}, "no database URL"),
    ],
)
def test_a_wrong_environment_is_refused_without_being_shown(
    bot: Bot, changes: dict[str, str], words: str
) -> None:
    bot.extra = changes
    said = refused(bot)
    assert words in said
    assert "secret" not in said


def test_a_file_of_secrets_that_cannot_be_read_is_named(
    bot: Bot, tmp_path: Path
) -> None:
    # No text at all; a user who may not read it gets the same sentence.
    (tmp_path / "slack_bot_token").write_bytes(b"\xff\xfe")
    bot.extra = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert f"{tmp_path / 'slack_bot_token'} cannot be read by uid" in refused(bot)


def test_a_missing_channel_is_refused(bot: Bot) -> None:
    bot.config["slack"] = {}
    assert "slack.channel is not set" in refused(bot)


def test_a_database_of_a_newer_release_is_refused(bot: Bot) -> None:
    (bot.folder / "state").mkdir()
    with sqlite3.connect(bot.folder / "state" / "countersign.db") as link:
        link.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        link.execute("INSERT INTO alembic_version VALUES ('0099')")
    link.close()
    assert "newer Countersign" in refused(bot)


def test_garbage_is_looked_for_in_what_came_after_the_start(bot: Bot) -> None:
    """A look at all that the bot is built of would hold up a click."""
    (bot.folder / "sitecustomize.py").write_text(
        "import gc, os, signal\n"
        "def tell(*_):\n"
        "    left, frozen = len(gc.get_objects()), gc.get_freeze_count()\n"
        "    os.write(2, f'collects {gc.isenabled()} {left} {frozen}\\n'.encode())\n"
        "signal.signal(signal.SIGUSR1, tell)\n"
    )
    bot.extra = {"PYTHONPATH": str(bot.folder)}
    bot.start()
    assert bot.process is not None
    bot.process.send_signal(signal.SIGUSR1)
    until(lambda: "collects" in bot.log)
    ((is_on, left, frozen),) = re.findall(r"collects (\w+) (\d+) (\d+)", bot.log)
    assert is_on == "True"
    assert 0 < int(left) < int(frozen)
    assert bot.stop() == 0


def test_a_click_over_http_approves(tmp_path: Path) -> None:
    port = free_port()
    mode = HttpMode(
        request_url=f"http://127.0.0.1:{port}/slack/events", signing_secret=SECRET
    )
    with Workspace.start(http=mode) as workspace, villain() as process:
        made = config(workspace, http={"listen": f"127.0.0.1:{port}"})
        bot = Bot(workspace=workspace, folder=tmp_path, config=made)
        bot.extra = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": SECRET}
        bot.start(connected=False)
        try:
            card = card_of(workspace, process.pid, "Proposed action")
            assert workspace.click(ALICE.id, card.ts, "Approve").acked
            assert process.wait(15) == -15
            assert get(bot, "/readyz") == 200
            assert bot.stop() == 0
        finally:
            bot.close()


def test_an_unsigned_request_is_refused_before_anybody_reads_it(
    tmp_path: Path,
) -> None:
    with Workspace.start() as workspace:
        bot = Bot(workspace=workspace, folder=tmp_path, config=config(workspace))
        bot.extra = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": SECRET}
        bot.start(connected=False)
        try:
            until(lambda: "http.listening" in bot.log and get(bot, "/healthz") == 200)
            address = bot.log.partition("http.listening address=")[2].split()[0]
            asked = urllib.request.Request(
                f"http://{address}/slack/events", data=b"payload={}"
            )
            with pytest.raises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(asked, timeout=10)
            with error.value:
                assert error.value.code == 401
        finally:
            bot.close()
