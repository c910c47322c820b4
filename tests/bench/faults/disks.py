"""Faults of file systems, on small ones of the bench's own, and of memory limits."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.bench.faults.fault import Injected

V1 = Path("/sys/fs/cgroup/memory")
OOM = (
    "import os, time\n"
    "os.read(0, 1)\n"
    "kept = []\n"
    "while len(kept) < 400: kept.append(b'x' * 1_000_000)\n"
)


def no_root() -> str:
    """Say why no file system can be mounted."""
    return "" if os.geteuid() == 0 else "root"


def no_loop() -> str:
    """Say why no file can be a disk."""
    return no_root() or ("" if Path("/dev/loop-control").exists() else "loop devices")


def no_limit() -> str:
    """Say why no cgroup can be limited."""
    there = (V1 / "memory.limit_in_bytes").exists()
    return no_root() or ("" if there else "cgroups of version 1")


def run(*words: str) -> None:
    """Run a program that must do what it is asked."""
    subprocess.run(words, check=True, capture_output=True, timeout=30)


@contextlib.contextmanager
def tmpfs(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory."""
    place = folder / "mount"
    place.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place))
    try:
        yield place
    finally:
        run("umount", "-l", str(place))


@contextlib.contextmanager
def ext4(folder: Path) -> Iterator[Path]:
    """A file system on a file of 64 MB."""
    image, place = folder / "image", folder / "disk"
    place.mkdir(exist_ok=True)
    with image.open("wb") as file:
        file.truncate(64 << 20)
    run("mkfs.ext4", "-q", "-F", str(image))
    run("mount", "-o", "loop", str(image), str(place))
    try:
        yield place
    finally:
        run("umount", "-l", str(place))
        image.unlink()


def empty(place: Path) -> None:
    """Delete all files of a folder."""
    for file in place.iterdir():
        file.unlink()


@contextlib.contextmanager
def full(folder: Path) -> Iterator[Injected]:
    """A file system of 32 MB with 31 MB in it."""
    with tmpfs(folder, "size=32m") as place:
        big = place / "big"
        big.write_bytes(b"x" * (31 << 20))
        yield Injected(named=str(place), mend=big.unlink)


@contextlib.contextmanager
def filling(folder: Path) -> Iterator[Injected]:
    """A file that grows by half a megabyte a second, of 64 MB that are half full."""
    done = threading.Event()

    def grow(place: Path) -> None:
        with (place / "log").open("ab", buffering=0) as file:
            file.write(b"x" * (44 << 20))
            while not done.wait(0.5):
                file.write(b"x" * (128 << 10))

    def stop(place: Path) -> None:
        done.set()
        writer.join()
        (place / "log").unlink()

    with tmpfs(folder, "size=64m") as place:
        writer = threading.Thread(target=grow, args=(place,))
        writer.start()
        try:
            yield Injected(named=str(place), mend=lambda: stop(place))
        finally:
            done.set()
            writer.join()


@contextlib.contextmanager
def no_inodes(folder: Path) -> Iterator[Injected]:
    """A file system of 200 inodes with as many small files."""
    with tmpfs(folder, "size=8m,nr_inodes=200") as place:
        for number in range(195):
            (place / str(number)).touch()
        yield Injected(named=str(place), mend=lambda: empty(place))


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[Injected]:
    """A disk that nobody can write to any more."""
    with ext4(folder) as place:
        # The bot must have seen it writable.
        threading.Event().wait(5)
        run("mount", "-o", "remount,ro", str(place))
        again = ("mount", "-o", "remount,rw", str(place))
        yield Injected(named=str(place), mend=lambda: run(*again))


@contextlib.contextmanager
def hanging(folder: Path) -> Iterator[Injected]:
    """Six writers to a disk that does not answer."""
    write = "import sys; open(sys.argv[1], 'ab', 0).write(b'x')"
    with ext4(folder) as place:
        run("fsfreeze", "-f", str(place))
        writers = [
            subprocess.Popen([sys.executable, "-S", "-c", write, str(place / str(n))])
            for n in range(6)
        ]
        thaw = ("fsfreeze", "-u", str(place))
        try:
            yield Injected(named="state D", mend=lambda: run(*thaw))
        finally:
            subprocess.run(thaw, check=False, capture_output=True, timeout=30)
            for writer in writers:
                writer.wait(20)


@contextlib.contextmanager
def killed_for_memory(_: Path) -> Iterator[Injected]:
    """A program that takes more than its cgroup may have."""
    group = V1 / f"countersign-bench-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(64 << 20))
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", OOM], stdin=subprocess.PIPE
        )
        (group / "cgroup.procs").write_text(str(process.pid))
        process.communicate(b"x", timeout=30)
        yield Injected(named=f"pid {process.pid}", mend=lambda: None)
    finally:
        group.rmdir()
