"""Processes that burn, flap or do not want to end, and bystanders that must all live."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.soak.actor import Actor

PROGRAM = """\
import os, signal, sys, time
note = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
burns, rests, is_stubborn = float(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "1"
def told(number, _):
    os.write(note, b"%d " % number)
    if number == signal.SIGTERM and not is_stubborn:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
for number in (1, 2, 3, 10, 15, 18):
    signal.signal(number, told)
signal.signal(signal.SIGUSR2, lambda *_: os._exit(0))
signal.alarm(int(sys.argv[5]))
print("ready", flush=True)
while True:
    until = time.monotonic() + burns
    while (now := time.monotonic()) < until:
        while time.monotonic() < now + 0.06: pass
        time.sleep(0.04)
    time.sleep(rests)
"""
"""Burns half a core for a while, rests, and so on; writes down each signal it gets."""

ONE_DAY = 86_400
AT_MOST = 3
"""Burners at once: a core and a half of whatever machine this is."""
_OURS = (0, -signal.SIGALRM)
"""How one ends that nobody but the soak and its own alarm ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Villain:
    """One process: who it is, and where it writes down what it is told."""

    process: "subprocess.Popen[bytes]"
    note: Path
    start_ticks: int

    @property
    def identity(self) -> tuple[int, int]:
        """Its number and its beginning, as a proposal names them."""
        return self.process.pid, self.start_ticks

    def heard(self) -> list[int]:
        """The signals that it wrote down, those that end a process last."""
        told = [int(word) for word in self.note.read_text().split()]
        code = self.process.poll()
        if code is None or code in _OURS or -code in told:
            return told
        return [*told, -code]

    def end(self) -> None:
        """End it by the one signal that nobody else sends."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGUSR2)


class Villains(Actor):
    """Starts processes to be found; the soak ends each of them at the latest."""

    def __init__(self, seed: int, folder: Path, *, often: float = 1.0) -> None:
        super().__init__(seed, between=(12 / often, 26 / often))
        self._folder = folder
        self._lock = threading.Lock()
        self._all: list[Villain] = []
        self.left_stopped: list[int] = []
        self.bystanders = [self._begin(0, 1, lasts=ONE_DAY) for _ in range(5)]

    @property
    def all(self) -> list[Villain]:
        """Everybody so far, bystanders too."""
        with self._lock:
            return list(self._all)

    def act(self) -> None:
        burning = [v for v in self.all if v.process.poll() is None]
        if len(burning) >= AT_MOST + len(self.bystanders):
            return
        burns, rests = self.chance.choice([(600, 0), (600, 0), (5, 7)])
        self._begin(
            burns,
            rests,
            lasts=self.chance.randrange(40, 100),
            stubborn=self.chance.random() < 0.3,
        )

    def sleeper(self) -> int:
        """A process that does nothing; return its pid."""
        return self._begin(0, 1, lasts=90).process.pid

    def named_in(self, text: str) -> bool:
        """Say whether the text names one of them that may be acted on, and nobody else."""
        known = {v.process.pid for v in self.all}
        spared = {v.process.pid for v in self.bystanders}
        named = {int(pid) for pid in re.findall(r"\bpid (\d+)", text)}
        return bool(named) and named <= known - spared

    def end(self) -> None:
        """End them all but the bystanders; who stands still for good is noted."""
        mortal = [v for v in self.all if v not in self.bystanders]
        for villain in mortal:
            villain.end()
        for villain in mortal:
            try:
                villain.process.wait(20)
            except subprocess.TimeoutExpired:
                self.left_stopped.append(villain.process.pid)

    def close(self) -> None:
        for villain in self.all:
            villain.process.kill()
            villain.process.communicate()

    def _begin(
        self, burns: float, rests: float, *, lasts: int, stubborn: bool = False
    ) -> Villain:
        note = self._folder / f"villain-{len(self.all)}"
        words = (note, burns, rests, int(stubborn), lasts)
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *map(str, words)],
            env={"PATH": os.defpath},
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        stat = Path(f"/proc/{process.pid}/stat").read_text()
        ticks = int(stat.rpartition(")")[2].split()[19])
        villain = Villain(process=process, note=note, start_ticks=ticks)
        with self._lock:
            self._all.append(villain)
        return villain
