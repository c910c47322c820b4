"""Work that looks like trouble and is none: nobody may be called for it."""

import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.faults.disks import tmpfs
from tests.bench.faults.processes import BURN, program

DECLARED = "declared batch"
"""The executable of the declared batch is a copy of this interpreter with this name."""


def compiles(folder: Path) -> None:
    """A build on all cores for some seconds: many short processes, much CPU."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    lines = "\n".join(
        f"int f{n}(int x) {{ return x * {n} + f{n - 1}(x); }}" for n in range(1, 1500)
    )
    rules = ["all: " + " ".join(f"{n}.o" for n in range(24))]
    for number in range(24):
        (source / f"{number}.c").write_text(f"int f0(int x) {{ return x; }}\n{lines}\n")
    (source / "Makefile").write_text("\n".join(rules) + "\n")
    subprocess.run(
        ["make", "-s", "-j4", "-C", str(source)],
        check=True,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )


def backs_up(folder: Path) -> None:
    """A backup at low priority: it reads, packs and writes for half a minute."""
    code = (
        "import gzip, os, sys, time\n"
        "os.nice(19)\n"
        "end = time.monotonic() + 30\n"
        "while time.monotonic() < end:\n"
        "    with gzip.open(sys.argv[1], 'wb') as packed:\n"
        "        for _ in range(40): packed.write(os.urandom(100_000))\n"
    )
    subprocess.run(
        [sys.executable, "-S", "-c", code, str(folder / "backup.gz")],
        check=True,
        timeout=60,
    )


def rotates(folder: Path) -> None:
    """A log that grows, is packed and begins anew, again and again."""
    with tmpfs(folder, "size=64m") as place:
        log = place / "app.log"
        for _ in range(10):
            for _ in range(10):
                with log.open("ab") as file:
                    file.write(b"a line of a log\n" * 100_000)
                time.sleep(0.2)
            (place / "app.log.1.gz").write_bytes(gzip.compress(log.read_bytes(), 1))
            log.write_bytes(b"")


def bursts(_: Path) -> None:
    """All cores busy for two seconds: somebody opened a large page."""
    with program(BURN), program(BURN), program(BURN):
        time.sleep(2)


def batch(folder: Path) -> None:
    """A batch that was declared, on all cores for twenty seconds."""
    own = declared_exe(folder)
    code = "import signal\nsignal.alarm(20)\nwhile True: pass"
    batches = [
        subprocess.Popen([str(own), "-S", "-c", code], env={"PATH": os.defpath})
        for _ in range(os.cpu_count() or 1)
    ]
    for one in batches:
        one.wait(40)


def declared_exe(folder: Path) -> Path:
    """Return the batch's own executable."""
    own = folder / "batch"
    if not own.exists():
        own.write_bytes(Path(sys.executable).resolve().read_bytes())
        own.chmod(0o755)
    return own
