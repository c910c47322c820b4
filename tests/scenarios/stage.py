"""What a scenario needs: a local workspace, the unmodified bot, villains to find."""

import contextlib
import json
import os
import pwd
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import yaml

from bot.detectors import known
from handlers.workspace.message import Message
from handlers.workspace.people import ALICE, BOB
from handlers.workspace.workspace import Workspace
from tests.fakes import slack

T = TypeVar("T")
BURN = "import resource, signal\nsignal.alarm(90)\nwhile True: pass"
PATIENT = 90
"""Seconds that may pass before a card says what it should."""
STUBBORN = "import signal\nsignal.signal(15, signal.SIG_IGN)\n" + BURN


def me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def _is_of_host(name: str) -> bool:
    return known()[name].Section.needs_host


@dataclass
class Bot:
    """The bot as a process, with a state folder of its own.

    inside: words that start a program elsewhere, in a namespace for one.
    """

    workspace: Workspace
    folder: Path
    config: dict[str, object]
    extra: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    inside: tuple[str, ...] = ()

    @property
    def log(self) -> str:
        return (self.folder / "bot.log").read_text()

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "HOME": str(self.folder),
            "COUNTERSIGN_CONFIG": str(self.folder / "countersign.yaml"),
            "COUNTERSIGN_STATE_DIR": str(self.folder / "state"),
            **self.workspace.environment(),
            **self.extra,
        }

    def start(self, *, connected: bool = True) -> None:
        (self.folder / "countersign.yaml").write_text(yaml.safe_dump(self.config))
        with (self.folder / "bot.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.inside, sys.executable, "-m", "bot", "run"],
                env=self.environment(),
                stdout=log,
                stderr=log,
            )
        if connected:
            self.workspace.wait_connected(30)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.inside, sys.executable, "-m", "bot", *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def crash(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.crash()


def config(workspace: Workspace, **changes: object) -> dict[str, object]:
    """A configuration with everything quick; `changes` replace whole sections."""
    return {
        "host": "web-1",
        "slack": {
            "channel": workspace.channel_id,
            "approvers": {"users": [ALICE.id, BOB.id]},
            "notify": {"critical": [ALICE.id]},
        },
        "detectors": {
            # What else goes on on this machine is no part of the story.
            **{name: {"enabled": False} for name in known() if _is_of_host(name)},
            "runaway_process": {
                "interval": "0.5s",
                "for": "1s",
                "keep_firing_for": "1.5s",
                "warning": 40,
                "critical": 60,
            },
        },
        "policy": {
            "cooldown": "0s",
            "grace": "2s",
            "actions_per_hour": 100,
            "processes": {"users": [me()]},
        },
        "verify": {"window": "1.5s"},
        "http": {"listen": "127.0.0.1:0"},
        **changes,
    }


@contextlib.contextmanager
def villain(code: str = BURN) -> Iterator[subprocess.Popen[bytes]]:
    """A process that misbehaves for real; it ends with the test at the latest."""
    process = subprocess.Popen([sys.executable, "-c", code], env={"PATH": os.defpath})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(look: Callable[[], T | None], seconds: float = 40.0) -> T:
    """Return the first true value; fail with what was waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {look}")


def card_of(
    workspace: Workspace, pid: int, words: str = "", seconds: float = 60
) -> Message:
    """The card that names the pid, once it says the words."""

    def find() -> Message | None:
        for post in workspace.posts():
            text = post.all_text()
            if re.search(rf"pid {pid}\b", text) and words in text:
                return post
        return None

    return workspace.wait_for(find, seconds)


@contextlib.contextmanager
def runaway(
    bot: Bot, words: str = "Proposed action", *, code: str = BURN
) -> Iterator[tuple["subprocess.Popen[bytes]", Message]]:
    """The bot at work and a process that runs wild, once its card says the words."""
    bot.start()
    with villain(code) as process:
        yield process, card_of(bot.workspace, process.pid, words, PATIENT)


def thread_says(workspace: Workspace, card: Message, words: str) -> str:
    """The thread's text, once it has the words."""
    return slack.thread_says(workspace, card.ts, words, seconds=30)


def number_of(card: Message) -> str:
    found = re.search(r"Incident (\d+)", card.all_text())
    assert found is not None
    return found[1]


# --- what people decide by -----------------------------------------------------------


def opinion(card: Message) -> str:
    """What stands under *What I think*; nothing yet is a `LookupError`."""
    for block in card.blocks:
        text = str(block.get("text", {}))
        if "*What I think*" in text:
            return text
    raise LookupError("no opinion yet")


@dataclass(frozen=True, kw_only=True)
class Deciding:
    """What people decide by: all above the buttons without its figures, and the buttons."""

    facts: str
    buttons: str


def deciding(blocks: list[dict[str, object]]) -> Deciding:
    place = [block["type"] for block in blocks].index("actions")
    above = "\n".join(spoken(blocks[:place]))
    # Measured anew every second.
    facts = re.sub(r"\d+(\.\d+)?", "#", above)
    return Deciding(facts=facts, buttons=json.dumps(blocks[place], sort_keys=True))


def spoken(value: object) -> Iterator[str]:
    """Every text in it, without the ids that Slack adds."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for inner in value.values():
            yield from spoken(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from spoken(inner)


def first_post(workspace: Workspace, card: Message) -> Deciding:
    """The card as it was posted, before anybody was asked."""
    name = card.blocks[-1]["block_id"]
    for call in workspace.calls_of("chat.postMessage"):
        blocks = call.args.get("blocks")
        told = json.loads(blocks) if isinstance(blocks, str) else blocks
        if told and told[-1].get("block_id") == name:
            return deciding(told)
    raise LookupError(name)
