"""`countersign demo`: the whole story on this machine, with no account anywhere.

Starts the local workspace, the unmodified bot against it, and a process that really
burns the CPU. The page's panel leads through two acts. Everything ends with Ctrl-C.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.demo.script import CONFIG, INTRO, STEPS
from bot.demo.shop import BOOKS, SHOP, Shop
from handlers.workspace.people import ALICE, BOB
from handlers.workspace.server import Taken
from handlers.workspace.stage import Stage
from handlers.workspace.workspace import Workspace

_VILLAINS = Path(__file__).parent / "villains"
_FIRST = "runaway.py"


class Demo:
    """The stage: the workspace, the bot's process and the villains."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self._workspace = workspace
        self._folder = folder
        self._shop = Shop(folder)
        self._bot: subprocess.Popen[bytes] | None = None
        self._villains: list[subprocess.Popen[bytes]] = []
        self._steps = {step.id: step for step in STEPS}
        self._turn = threading.Lock()

    def open(self) -> None:
        """Start the bot, then the first villain."""
        config = CONFIG.format(
            channel=self._workspace.channel_id,
            alice=ALICE.id,
            bob=BOB.id,
            user="nobody" if os.geteuid() == 0 else _me(),
            shop_port=self._shop.port,
            shop_socket=self._shop.socket,
            today=_day(0),
            tomorrow=_day(1),
        )
        (self._folder / "countersign.yaml").write_text(config)
        self._shop.open()
        self._start_bot()
        self._workspace.set_stage(self._stage(), self._on_stage)
        self._wait_for_bot()
        self._start(_FIRST)

    def _wait_for_bot(self) -> None:
        for _ in range(30):
            try:
                self._workspace.wait_connected(timeout=1)
            except TimeoutError:
                if self._bot is not None and self._bot.poll() is not None:
                    return  # `bot_ended` tells
            else:
                return

    def close(self) -> None:
        """End everything that was started, the bot gracefully."""
        for villain in self._villains:
            villain.kill()
            villain.wait()
        self._shop.close()
        if self._bot is not None and self._bot.poll() is None:
            self._bot.terminate()
            try:
                self._bot.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._bot.kill()
                self._bot.wait()

    def look(self) -> None:
        """Tick off the first act once its process ended; the next waits for its end."""
        watching = self._steps["watch"].state == "running"
        if watching and self._villains and self._villains[0].poll() is not None:
            with self._turn:
                words = f"Pid {self._villains[0].pid} has ended."
                self._show("watch", "done", words)
        if self._steps["memory"].state == "waiting" and self._is_over(_FIRST):
            with self._turn:
                self._show("memory", "ready", "")

    def bot_ended(self) -> int | None:
        """Return the bot's exit code if it ended while nobody meant it to."""
        with self._turn:
            return self._bot.poll() if self._bot is not None else None

    # --- acts --------------------------------------------------------------------

    def _on_stage(self, step_id: str) -> None:
        acts: dict[str, Callable[[], str]] = {
            "memory": self._memory,
            "chameleon": self._chameleon,
            "service": self._service,
            "window": self._window,
            "crash": self._crash,
            "proof": self._proof,
            "again": self._again,
        }
        with self._turn:
            self._show(step_id, "running", "")
            try:
                result = acts[step_id]()
            except (TimeoutError, OSError, subprocess.SubprocessError) as error:
                self._show(step_id, "failed", f"This did not work: {error}")
            else:
                self._show(step_id, "done", result)

    def _memory(self) -> str:
        self._wait_for_memory()
        villain = self._start(_FIRST)
        self._wait_for_card(villain.pid, "Last time")
        return (
            f"{_FIRST} is pid {villain.pid} now, and its card says what happened last "
            "time. Ask about it in the thread."
        )

    def _chameleon(self) -> str:
        villain = self._start("chameleon.py")
        self._wait_for_card(villain.pid)
        villain.send_signal(signal.SIGUSR1)
        return (
            f"Pid {villain.pid} was chameleon.py when its card was posted, and is "
            "/bin/sh now. Approve its card."
        )

    def _service(self) -> str:
        pid = self._shop.crash(SHOP)
        self._wait_for_words(SHOP)
        return f"The shop (pid {pid}) was killed. Approve its card."

    def _window(self) -> str:
        self._shop.crash(BOOKS)
        self._wait_for_words(BOOKS, "No action offered")
        return self._countersign("policy", "explain", f"restart {BOOKS}")

    def _crash(self) -> str:
        villain = self._start("spinner.py")
        self._wait_for_card(villain.pid)
        if self._bot is not None:
            self._bot.kill()
            self._bot.wait()
        started = time.monotonic()
        self._start_bot()
        self._workspace.wait_for(lambda: self._workspace.connections() == 1, 30)
        back = time.monotonic() - started
        return (
            f"kill -9, and back after {back:.1f} s. The card of pid {villain.pid} is "
            "the one from before: approve it."
        )

    def _proof(self) -> str:
        return self._countersign("audit", "verify")

    def _again(self) -> str:
        villain = self._start(_FIRST)
        return f"{_FIRST} is pid {villain.pid}."

    # --- parts -------------------------------------------------------------------

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        """Start a villain; the ones before it end, so that each has its own card."""
        for earlier in self._villains:
            earlier.kill()
            earlier.wait()
        villain = subprocess.Popen(
            [sys.executable, str(_VILLAINS / name)], env={"PATH": os.defpath}
        )
        # It is reaped at once when it dies, or it would stay behind as a zombie.
        threading.Thread(target=villain.wait, daemon=True).start()
        self._villains = [villain]
        return villain

    def _start_bot(self) -> None:
        log = (self._folder / "bot.log").open("ab")
        with log:
            self._bot = subprocess.Popen(
                [sys.executable, "-m", "bot", "run"],
                env=self._environment(),
                stdout=log,
                stderr=log,
            )

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "HOME": str(self._folder),
            "COUNTERSIGN_CONFIG": str(self._folder / "countersign.yaml"),
            "COUNTERSIGN_STATE_DIR": str(self._folder / "state"),
            **self._workspace.environment(),
        }

    def _countersign(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    def _wait_for_card(self, pid: int, more: str = "approve") -> None:
        self._wait_for_words(f"pid {pid}", more)

    def _wait_for_words(self, words: str, more: str = "approve") -> None:
        def posted() -> bool:
            cards = (str(m.blocks) for m in self._workspace.posts())
            return any(words in card and more in card for card in cards)

        self._workspace.wait_for(posted, 45)

    def _wait_for_memory(self) -> None:
        """Wait until what ended is remembered: the bot does that some seconds later."""
        for _ in range(20):
            if _FIRST in self._countersign("memory", "list"):
                return
            time.sleep(1)
        raise TimeoutError("the first incident is not remembered yet")

    def _is_over(self, program: str) -> bool:
        cards = (str(m.blocks) for m in self._workspace.posts())
        return any(program in card and "Resolved" in card for card in cards)

    def _show(self, step_id: str, state: str, result: str) -> None:
        step = self._steps[step_id]
        self._steps[step_id] = replace(step, state=state, result=result)  # type: ignore[arg-type]
        self._workspace.set_stage(self._stage())

    def _stage(self) -> Stage:
        steps = tuple(self._steps.values())
        return Stage(title="Countersign, the demo", intro=INTRO, steps=steps)


def run(*, port: int, browser: bool) -> int:
    """Run until Ctrl-C or SIGTERM; 1 if the bot ended by itself."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with tempfile.TemporaryDirectory(prefix="countersign-demo-") as folder:
        try:
            return _play(Path(folder), port, stopping, browser=browser)
        except Taken as error:
            sys.stderr.write(f"countersign demo: {error}\n")
            return 2


def _play(folder: Path, port: int, stopping: threading.Event, *, browser: bool) -> int:
    print("Starting the local workspace and the bot …", flush=True)
    with Workspace.start(port) as workspace:
        demo = Demo(workspace, folder)
        try:
            demo.open()
            print(
                f"\n  Open  {workspace.page_url}\n\nCtrl-C ends everything.", flush=True
            )
            if browser:
                webbrowser.open(workspace.page_url)
            while not stopping.wait(1):
                demo.look()
                if demo.bot_ended() is not None:
                    sys.stderr.write("The bot ended. Its log:\n")
                    sys.stderr.write((folder / "bot.log").read_text()[-4000:])
                    return 1
        finally:
            print("Cleaning up …", flush=True)
            demo.close()
    return 0


def _day(ahead: int) -> str:
    return f"{datetime.now(UTC) + timedelta(days=ahead):%Y-%m-%d}"


def _me() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name
