"""Conditions of the host itself: who is behind it and what mends it, or why nothing does."""

import os
from pathlib import Path

from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.scenarios.stage import Bot, card_of, config, thread_says, villain

QUICK = {"interval": "0.5s", "for": "1s", "keep_firing_for": "1s"}
UNREAPED = (
    "import os, time\n"
    "for _ in range(120):\n"
    "    if os.fork() == 0: os._exit(0)\n"
    "time.sleep(120)\n"
)
# Who starts a program waits in the kernel until it has begun: here until somebody
# writes to a pipe with a name.
HANGS = (
    "import os\n"
    "wait = [(os.POSIX_SPAWN_OPEN, 0, {fifo!r}, os.O_RDONLY, 0)]\n"
    "os.posix_spawn('/bin/true', ['true'], {{}}, file_actions=wait)\n"
    "import time; time.sleep(120)\n"
)


def watching(bot: Bot, name: str, **limits: object) -> None:
    made = config(bot.workspace)
    sections = made["detectors"]
    assert isinstance(sections, dict)
    made["detectors"] = {
        **sections,
        "runaway_process": {"enabled": False},
        name: {**QUICK, **limits},
    }
    bot.config = made


def test_the_parent_of_zombies_is_ended_and_they_are_gone(
    workspace: Workspace, bot: Bot
) -> None:
    watching(bot, "zombies")
    # Whoever is pid 1 reaps them; some that are made for containers look every other second.
    bot.config["verify"] = {"window": "8s"}
    bot.start()
    with villain(UNREAPED) as parent:
        card = card_of(workspace, parent.pid, "Proposed action")
        assert "does not reap" in card.all_text()
        assert workspace.click(ALICE.id, card.ts, "Approve").acked
        assert parent.wait(10) == -15
        story = thread_says(workspace, card, "Resolved after")

    assert "Recovered: Zombies" in story


def test_no_button_is_offered_for_what_hangs_in_the_kernel(
    workspace: Workspace, bot: Bot, tmp_path: Path
) -> None:
    fifo = tmp_path / "silent"
    os.mkfifo(fifo)
    watching(bot, "blocked_processes")
    bot.start()
    with villain(HANGS.format(fifo=str(fifo))) as stuck:
        try:
            card = card_of(workspace, stuck.pid, "let no signal through")
            assert not workspace.find_button("Approve", card.ts)
            assert f"/proc/{stuck.pid}/stack" in card.all_text()
        finally:
            os.close(os.open(fifo, os.O_RDWR))
        thread_says(workspace, card, "Resolved after")
