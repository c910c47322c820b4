"""A disk runs full: exactly the files that were shown go, and the incident recovers.

And where it is the bot's own: what it was doing when it was killed is told all the same.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bot.storage.database import connect, url_of
from bot.storage.instance import BadState, StateFolder
from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.real.machines import ROOT, Machine, machine
from tests.remediation.acts.litter import mounted, needs_root, old
from tests.scenarios.hosted import HostedBot
from tests.scenarios.stage import STUBBORN, Bot, config, runaway, until
from tests.scenarios.test_gate import SOCKET, gate_log, install_gate
from tests.scenarios.test_runaway import answer_to
from tests.scenarios.test_services import card, story

pytestmark = [needs_root, pytest.mark.timeout(180)]

QUICK = {"interval": "1s", "for": "1s", "keep_firing_for": "2s"}
MEGABYTE = 1_000_000


def settings(
    workspace: Workspace, cleaning: dict[str, object], **changes: object
) -> dict[str, object]:
    made = config(workspace, **changes)
    detectors, policy = made["detectors"], made["policy"]
    assert isinstance(detectors, dict) and isinstance(policy, dict)
    detectors["filesystem"] = {**QUICK, "warning": 80, "critical": 90}
    policy["cleaning"] = cleaning
    return made


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system that rotated logs have filled."""
    with mounted(
        tmp_path / "disk", *["-t", "tmpfs", "-o", "size=20m", "tmpfs"]
    ) as small:
        for number in range(1, 9):
            old(small / "log" / f"app.log.{number}.gz", 2 * MEGABYTE)
        (small / "log" / "app.log").write_text("live")
        (small / "log" / "young.log.1.gz").write_text("young")
        (small / "log" / "linked.log.2.gz").symlink_to(small / "log" / "app.log")
        old(small / "data" / "base.1.gz", MEGABYTE)
        yield small


def test_old_logs_go_by_one_click_and_everything_else_stays(
    workspace: Workspace, bot: Bot, disk: Path
) -> None:
    listed = {
        "name": "app_logs",
        "folder": str(disk / "log"),
        "files": ["*.log.[0-9].gz"],
        "older_than": "7d",
    }
    bot.config = settings(workspace, {"folders": [listed], "untouched": "0s"})
    bot.start()
    found = card(workspace, str(disk), "Delete 8 files (16 MB)")
    assert "app logs older than 7 days" in found.all_text()

    assert workspace.click(ALICE.id, found.ts, "Simulate").acked
    shown = answer_to(workspace, ALICE.id)
    for words in ("8 files, 16 MB", "2.0 MB  app.log.1.gz", "1 too young", "1 links"):
        assert words in shown

    with (disk / "log" / "app.log.3.gz").open("rb"):
        assert workspace.click(ALICE.id, found.ts, "Approve").acked
        told = story(workspace, found, "Deleted 7 of 8 files (14 MB)")
    assert "Left: 1 in use" in told
    story(workspace, found, "Recovered")
    left = sorted(path.name for path in (disk / "log").iterdir())
    assert left == ["app.log", "app.log.3.gz", "linked.log.2.gz", "young.log.1.gz"]
    assert (disk / "data" / "base.1.gz").exists()
    assert (disk / "log" / "app.log").read_text() == "live"


# --- the bot's own ----------------------------------------------------------------


@pytest.fixture
def state(bot: Bot) -> Iterator[Path]:
    """The bot's state folder, on a small disk of its own."""
    options = ("-t", "tmpfs", "-o", "size=32m", "tmpfs")
    with mounted(bot.folder / "state", *options) as small:
        yield small
        bot.close()


def fill(disk: Path) -> Path:
    """Leave no byte on the disk; return what to delete."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return filler


def test_killed_in_an_action_it_begins_on_a_full_disk_and_tells_the_end_later(
    workspace: Workspace, bot: Bot, state: Path
) -> None:
    policy = bot.config["policy"]
    assert isinstance(policy, dict)
    policy["grace"] = "60s"
    with runaway(bot, code=STUBBORN) as (process, found):
        assert workspace.click(ALICE.id, found.ts, "Approve").acked
        until(lambda: "sent SIGTERM" in bot.log)
        # What is written next needs room: a long journal would be written over.
        database = connect(url_of(None, state))
        database.empty_journal()
        database.close()
        bot.crash()
        workspace.wait_for(lambda: workspace.connections() == 0)
        filler = fill(state)
        bot.start()
        until(lambda: "name=recover" in bot.log)
        assert bot.process is not None and bot.process.poll() is None
        assert workspace.command(ALICE.id, "status").acked

        filler.unlink()
        words = "Countersign was interrupted while acting"
        story(workspace, found, words)
        assert process.poll() is None
    lines = [line.all_text() for line in workspace.thread(found.ts)[1:]]
    assert sum(words in line for line in lines) == 1
    assert bot.run("audit", "verify").returncode == 0


def test_a_bot_that_cannot_open_its_database_names_the_full_disk(
    bot: Bot, state: Path
) -> None:
    bot.start()
    bot.stop()
    filler = fill(state)
    refused = bot.run("run")
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert f"The disk of {state} is full: make room there" in refused.stderr

    filler.unlink()
    bot.start()
    assert bot.stop() == 0


def test_a_start_that_must_write_names_the_full_disk_too(bot: Bot, state: Path) -> None:
    bot.start()
    bot.crash()
    policy = bot.config["policy"]
    assert isinstance(policy, dict)
    policy["cooldown"] = "5m"  # which is written into the chain at the start
    (bot.folder / "countersign.yaml").write_text(yaml.safe_dump(bot.config))
    fill(state)
    refused = bot.run("run")
    assert (refused.returncode, "Traceback" in refused.stderr) == (2, False)
    assert f"The disk of {state} is full: make room there" in refused.stderr


def test_a_disk_without_inodes_is_full_and_not_anothers(tmp_path: Path) -> None:
    options = ("-t", "tmpfs", "-o", "nr_inodes=8", "tmpfs")
    with mounted(tmp_path / "state", *options) as small:
        with contextlib.suppress(OSError):
            for number in range(8):
                (small / str(number)).touch()
        with pytest.raises(BadState, match="Its disk is full: make room there"):
            StateFolder(small).prepare()


# --- where only root may delete ---------------------------------------------------


@pytest.fixture
def host() -> Iterator[Machine]:
    with machine() as running:
        yield running


@pytest.fixture
def hosted(workspace: Workspace, host: Machine, tmp_path: Path) -> Iterator[HostedBot]:
    """The bot by its shipped unit, and a machine whose /var/log is small."""
    host.run("mount", "-t", "tmpfs", "-o", "size=20m,mode=755", "tmpfs", "/var/log")
    # Its log would lie below what is mounted over it.
    host.run("systemctl", "restart", "systemd-journald")
    made = HostedBot(
        workspace=workspace,
        folder=tmp_path,
        config=settings(
            workspace,
            {"rotated_logs": "7d", "untouched": "0s"},
            gate={"socket": SOCKET},
        ),
        machine=host,
    )
    yield made
    print(made.log[-8000:])
    print(gate_log(host))


def test_on_a_shipped_installation_the_gate_deletes_them(
    workspace: Workspace, host: Machine, hosted: HostedBot
) -> None:
    folders = json.loads((ROOT / "deploy" / "gate-folders.json").read_text())
    for fields in folders.values():
        fields["untouched_hours"] = 0  # what the test puts there is new
    install_gate(host, folders=folders)
    host.run("sh", "-c", _FILLS)
    hosted.start()
    found = card(workspace, "Disk /var/log", "Delete 9 files (18 MB) in /var/log")

    assert workspace.click(ALICE.id, found.ts, "Approve").acked
    told = story(workspace, found, "Deleted 9 of 9 files (18 MB)")
    assert "asking the gate for 9 files" in told
    story(workspace, found, "Recovered")
    assert host.run("ls", "/var/log/app").split() == ["app.log"]
    assert '"what": "delete in /var/log: app/app.log.1.gz' in gate_log(host)


_FILLS = """
mkdir -p /var/log/app && cd /var/log/app && echo live > app.log
for number in 1 2 3 4 5 6 7 8 9; do
    head -c 2000000 /dev/zero > app.log.$number.gz
    touch -d '30 days ago' app.log.$number.gz
done
# A lease on what is another's needs CAP_LEASE.
chown www-data app.log.3.gz app.log.4.gz
"""
