"""Promises 23 and 37: no secret of a process, nor the bot's own, in anything it writes."""

import secrets
import string
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bot.config.environment import Environment
from handlers.workspace.people import ALICE, BOB
from handlers.workspace.workspace import Workspace
from tests.fakes.gemini import GOOD, FakeGemini, calls, in_turn, says
from tests.promises.hostile import knowing
from tests.promises.sinks import calls_of, files_of
from tests.scenarios.stage import Bot, card_of, config, until

pytestmark = [pytest.mark.timeout(240)]

SHAPES = (
    "--password={}",
    "--db-pass={}",
    "--api-key {}",
    "-p{}",
    "-p {}",
    "-u admin:{}",
    "amqp://svc:{}@rabbit:5672/",
    "postgresql://{}@db/x",
    "PGPASSWORD={}",
    "AWS_SECRET_ACCESS_KEY={}",
    "-Djavax.net.ssl.keyStorePassword={}",
    "Authorization: Bearer {}",
    "-pass pass:{}",
    "https://b.example/k?X-Amz-Signature={}",
    '--config={{"k":"{}"}}',
    "--pass wo --rd {}",
    "--{}",
    "{}",
    "/opt/{}/app.py",
    "token={}.{}",
    "-----BEGIN OPENSSH PRIVATE KEY-----\n{}",
    "xoxb-{}",
    "ghp_{}",
)

PRINTED = (
    ("memory", "list"),
    ("memory", "show", "1"),
    ("memory", "export"),
    ("audit", "export"),
    ("doctor",),
)
RUNBOOK = """\
---
title: A process runs away, password={0}
conditions: [runaway_process]
symptoms: ["connects to postgres://u:{0}@db/x"]
---
## Steps

1. Log in: mysql -u root --password={0} -h db
2. PGPASSWORD={0} psql postgres://u:{0}@db/x
3. The password for user root: {0}
"""
Sinks = Sequence[tuple[str, bytes]]


@pytest.fixture
def gemini() -> Iterator[FakeGemini]:
    with FakeGemini.start() as fake:
        yield fake


def _leaks(
    bot: Bot, workspace: Workspace, words: list[str], more: Sinks = ()
) -> list[str]:
    sinks = [*files_of(bot), *calls_of(workspace), *more]
    return [
        f"{word[:4]}… in {name}"
        for name, raw in sinks
        for word in words
        if word.encode() in raw
    ]


def _said(workspace: Workspace) -> list[str]:
    return [raw.decode() for _, raw in calls_of(workspace)]


def _set_up(bot: Bot, gemini: FakeGemini) -> None:
    detectors = dict(bot.config["detectors"])  # type: ignore[call-overload]
    detectors["runaway_process"] = {
        "interval": "1s", "for": "1s", "keep_firing_for": "2s", "warning": 25, "critical": 35,
    }  # fmt: skip
    budget = {"rounds": 10, "tokens": 500_000, "dollars_per_incident": 10}
    bot.config = config(bot.workspace, detectors=detectors, model={"budget": budget})
    bot.extra |= {
        "COUNTERSIGN_LOG": "DEBUG",
        "GEMINI_API_KEY": secrets.token_hex(12),
        "GOOGLE_GEMINI_BASE_URL": gemini.url,
    }


def _use_everything(workspace: Workspace, pid: int) -> None:
    card = card_of(workspace, pid, "Proposed action", 60)
    card_of(workspace, pid, str(GOOD["summary"]), 60)
    workspace.click(ALICE.id, card.ts, "Simulate")
    workspace.command(BOB.id, "status")
    workspace.command(BOB.id, f"kill web-1:{pid}")
    workspace.mention(BOB.id, "why is it slow?", thread_ts=card.ts)
    workspace.mention(BOB.id, "what does the runbook say?", thread_ts=card.ts)
    workspace.open_home(ALICE.id)
    workspace.click(ALICE.id, card.ts, "Approve")


def _shelve(bot: Bot) -> str:
    """Write a runbook with a secret (F37) for the incident; return the secret."""
    # Letters only: nothing but where it stands gives it away.
    word = "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))
    folder = bot.folder / "runbooks"
    folder.mkdir()
    (folder / "runaway.md").write_text(RUNBOOK.format(word))
    return word


def _read_once(bot: Bot) -> None:
    """Take the runbook away, so that the bot's own copies are all that is searched."""
    (bot.folder / "runbooks" / "runaway.md").unlink()


def _curious(gemini: FakeGemini, pid: int) -> None:
    """A model that reads everything there is before it answers."""
    gemini.answers = in_turn(
        calls("process_detail", pid=pid),
        calls("journal_lines"),
        calls("past_incidents", words="burning"),
        calls("runbooks", words="runaway"),
        says(GOOD),
    )


@pytest.mark.promise(23)
def test_no_secret_of_a_burning_process_is_in_any_sink(
    workspace: Workspace, bot: Bot, tmp_path: Path, gemini: FakeGemini
) -> None:
    _set_up(bot, gemini)
    told = _shelve(bot)
    bot.start()
    words, arguments = [], []
    for shape in SHAPES:
        word = secrets.token_hex(12)
        words.append(word)
        arguments += shape.format(word, word).split(" ")
    inside = secrets.token_hex(12)
    with knowing(
        arguments, {"DB_PASSWORD": inside, f"X{inside}": inside}, tmp_path
    ) as process:
        _curious(gemini, process.pid)
        _use_everything(workspace, process.pid)
        process.wait(30)
        card_of(workspace, process.pid, "Resolved", 60)
    checked = bot.run("runbooks", "check", str(bot.folder / "runbooks")).stdout
    _read_once(bot)
    until(lambda: " fixed " in bot.run("memory", "list").stdout, 60)
    printed = checked + "".join(bot.run(*verb).stdout for verb in PRINTED)
    more = [("prompts", gemini.prompts), ("printed", printed.encode())]
    leaks = _leaks(
        bot, workspace, [*words, inside, told, bot.extra["GEMINI_API_KEY"]], more
    )
    names = [name for name, _ in (*files_of(bot), *calls_of(workspace), *more)]
    index = [name for name in names if name.startswith("state/chroma/index-")]
    print(
        f"promise 23: {len(words)} shapes in argv, 1 in environ, 1 in a runbook, 1 API key; {len(names)} "
        f"sinks searched byte by byte (DEBUG log, database, WAL, {len(index)} files of "
        f"Chroma, {len(gemini.heard)} prompts of {len(gemini.prompts)} bytes, posts, what "
        f"the commands print), leaks {len(leaks)} {leaks[:5]}"
    )
    assert (bot.folder / "state" / "countersign.db").stat().st_size > 0
    assert index
    assert b"functionResponse" in gemini.prompts
    # The runbook was read, and shown without its secret.
    assert "runaway.md:8: what looks like a secret" in checked
    assert b"--password=[redacted]" in gemini.prompts
    assert any("Runbook" in raw and "Log in" in raw for raw in _said(workspace))
    assert leaks == []


@pytest.mark.promise(37)
def test_the_bots_own_tokens_are_nowhere_but_in_its_environment(
    workspace: Workspace, bot: Bot, tmp_path: Path
) -> None:
    secret = secrets.token_hex(12)
    bot.extra |= {"COUNTERSIGN_LOG": "DEBUG", "SLACK_SIGNING_SECRET": secret}
    policy = {**bot.config["policy"], "candidates": ["pause"], "pause_for": "6s"}  # type: ignore[dict-item]
    bot.config = config(workspace, policy=policy)
    bot.start()
    tokens = [workspace.bot_token, workspace.app_token, secret]
    with knowing([], {}, tmp_path) as process:
        card = card_of(workspace, process.pid, "Pause")
        workspace.click(ALICE.id, card.ts, "Approve")
        helpers = until(lambda: _helpers(bot))
        environs = [_read(Path(f"/proc/{pid}/environ")) for pid in helpers]
        lines = [_read(Path(f"/proc/{pid}/cmdline")) for pid in helpers]
    environment = Environment.read(bot.environment())
    shown = repr(environment) + str(environment)
    leaks = _leaks(bot, workspace, tokens)
    inherited = [t for t in tokens for raw in (*environs, *lines) if t.encode() in raw]
    print(
        f"promise 37: 3 tokens: in sinks {len(leaks)} {leaks[:3]}, in the environment or "
        f"arguments of {len(helpers)} children {len(inherited)}, in repr "
        f"{sum(t in shown for t in tokens)}"
    )
    assert leaks == []
    assert inherited == []
    assert not any(token in shown for token in tokens)


def _helpers(bot: Bot) -> list[int]:
    """Every process that was started from the bot's own code, apart from the bot."""
    assert bot.process is not None
    found = []
    for entry in (path.name for path in Path("/proc").iterdir()):
        if not entry.isdigit() or int(entry) == bot.process.pid:
            continue
        words = _read(Path(f"/proc/{entry}/cmdline"))
        if b"remediation/signals.py" in words or _parent(entry) == bot.process.pid:
            found.append(int(entry))
    return found


def _parent(pid: str) -> int:
    stat = _read(Path(f"/proc/{pid}/stat"))
    return int(stat.rpartition(b")")[2].split()[1]) if stat else 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
