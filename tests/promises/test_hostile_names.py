"""Promises 20 to 22: what a process calls itself is shown, and never works."""

import re
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import Popen

import pytest

from handlers.workspace.people import ALICE, BOB
from handlers.workspace.workspace import Workspace
from tests.promises.hostile import ARGV0, COMMS, EXES, announced, called, residing
from tests.promises.sinks import calls_of, spoken_blocks
from tests.scenarios.stage import Bot, card_of, config, until

pytestmark = [pytest.mark.promise(20, 21), pytest.mark.timeout(600)]

LIVE = re.compile(r"<!(?:channel|here|everyone)|<@U0CEO|<https?:|<[^>]*evil\.example")
ADDRESS = re.compile(r"https?://[^\s|>]+")
UNSEEN = re.compile(
    "[\u202a-\u202e\u2066-\u2069\u2028\u2029\u200c-\u200f\ufeff\x00-\x09\x0b-\x1f\x7f]"
)


def _sharp(bot: Bot, workspace: Workspace) -> None:
    """Two cores are shared with other work: a burner may get little of one."""
    detectors = dict(bot.config["detectors"])  # type: ignore[call-overload]
    detectors["runaway_process"] = {
        "interval": "1s", "for": "1s", "keep_firing_for": "2s", "warning": 25, "critical": 35,
    }  # fmt: skip
    bot.config = config(workspace, detectors=detectors)


def _live(workspace: Workspace) -> list[str]:
    """Everything in Slack that works although a process wrote it."""
    own = workspace.state.origin
    found = []
    for text in spoken_blocks(workspace):
        said = str(text["text"]).replace(f"<{own}/", "")  # the bot's own permalinks
        found += LIVE.findall(said) if text.get("type") == "mrkdwn" else []
        found += UNSEEN.findall(said)
        found += [
            line for line in said.splitlines() if line.lstrip().startswith("FAKELINE")
        ]
        found += [url for url in ADDRESS.findall(said) if not url.startswith(own)]
        if text.get("type") == "mrkdwn":
            found += re.findall(r"(?<![A-Za-z0-9])[*_~`]+KANARI", said)
    for _, raw in calls_of(workspace):
        found += re.findall(r"evil\.example[/|]a\|", raw.decode())
    return found


def test_no_name_of_a_process_works_in_slack_or_stops_the_bot(
    workspace: Workspace, bot: Bot, tmp_path: Path, *, full_counts: bool
) -> None:
    _sharp(bot, workspace)
    bot.start()
    assert bot.process is not None
    names: list[AbstractContextManager[Popen[bytes]]] = []
    some = slice(None) if full_counts else slice(3, None, 10)
    names += [called(name) for name in COMMS[some]]
    names += [announced(name) for name in ARGV0[some]]
    names += [residing(name, tmp_path) for name in EXES[: None if full_counts else 1]]
    for name in names:
        with name as process:
            card = card_of(workspace, process.pid, "Proposed action")
            workspace.click(ALICE.id, card.ts, "Simulate")
            workspace.command(BOB.id, "status")
            workspace.command(BOB.id, f"kill web-1:{process.pid}")
            workspace.open_home(ALICE.id)
            workspace.click(ALICE.id, card.ts, "Approve")
            process.wait(15)
        number = card.all_text().partition("Incident ")[2].split()[0]
        workspace.command(BOB.id, f"show {number}")
        until(lambda: bot.process and bot.process.poll() is None)
    card_of(workspace, process.pid, "Resolved")
    live = _live(workspace)
    said = " ".join(str(t["text"]) for t in spoken_blocks(workspace))
    log = bot.log
    odd = UNSEEN.findall(log)
    lines = [line for line in log.splitlines() if line.startswith("FAKELINE")]
    print(
        f"promises 20, 21: {len(names)} hostile names, texts "
        f"{sum(1 for _ in spoken_blocks(workspace))}, live tokens {len(live)}, crashes 0, "
        f"control or false lines in the log {len(odd) + len(lines)} {live[:3]}"
    )
    assert "KANAR" in said, "the names were not shown at all"
    assert live == []
    assert not odd and not lines
    assert "Traceback" not in log, log[-3000:]


def test_words_of_people_do_not_work_either(workspace: Workspace, bot: Bot) -> None:
    _sharp(bot, workspace)
    bot.start()
    evil = "<!channel> *KANARI* <https://evil.example/a|x> \u202e\x1b[2J"
    with called(b"plain") as process:
        card = card_of(workspace, process.pid, "Proposed action")
        number = card.all_text().partition("Incident ")[2].split()[0]
        for words in (
            f"lock {evil}", "unlock", f"mute {evil}", f"kill {evil}", f"show {evil}",
            evil, f"chart {evil}", f"handover {number} {evil}", f"unmute {evil}", f"status {evil}",
        ):  # fmt: skip
            assert workspace.command(ALICE.id, words).acked
            workspace.mention(BOB.id, words)
        workspace.command(ALICE.id, "unlock")
        workspace.command(ALICE.id, f"reject {number}a {evil}")
        workspace.wait_for(
            lambda: (
                "rejected" in " ".join(m.all_text() for m in workspace.thread(card.ts))
            ),
            30,
        )
    mine = [m for m in workspace.messages() if m.user == workspace.bot_user_id]
    # The bot's own permalinks may be links.
    own = f"<{workspace.state.origin}/"
    said = (m.all_text() for m in (*mine, *workspace.ephemerals()))
    texts = [text.replace(own, "") for text in said]
    live = [t for t in texts if LIVE.search(t) or UNSEEN.search(t)]
    print(
        f"promises 20, 21: words of people in {len(texts)} texts, live tokens {len(live)}"
    )
    assert live == []
    assert "Traceback" not in bot.log, bot.log[-3000:]
