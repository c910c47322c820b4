"""Promises 18 and 30: killed at any syscall, or with a disk that fails at any write.

The real ledger, decision, executor and pidfd act on a real process; strace kills them
or makes the disk fail at the n-th call. What then stands in the database must agree
with what the victim itself saw.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import migrations
from bot.storage.database import connect
from remediation.ledger import audit
from remediation.ledger.proposal import State
from remediation.ledger.tables import events, leases, proposals
from remediation.rules.protect import OwnTree
from tests.promises import act_once

STRACE = shutil.which("strace")
PYTHON = str(Path(sys.executable).resolve())
"""The interpreter itself: strace would count the calls of a shim in front of it."""

ROOT = Path(__file__).parents[2]
VICTIM = """
import os, signal, sys
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
signal.signal(signal.SIGTERM, lambda *_: os.write(log, b"T"))
os.write(1, b"ready")
while True: signal.pause()
"""
KILLED_AT = (
    "pwrite64",
    "fdatasync",
    "pidfd_send_signal",
    "pidfd_open",
    "unlink",
    "ftruncate",
)
STARVED_AT = ("pwrite64", "fdatasync", "openat")

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(STRACE is None, reason="needs strace"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A fresh database and a fresh victim."""

    folder: Path
    victim: subprocess.Popen[bytes]

    @property
    def terms(self) -> int:
        return len((self.folder / "terms").read_bytes())

    def act(self, inject: str | None) -> int:
        """Run the whole way once under this fault; return the exit code."""
        run = [
            PYTHON,
            "-m",
            "tests.promises.act_once",
            str(self.folder),
            str(self.victim.pid),
        ]
        if inject is not None:
            call = inject.partition(":")[0]
            # Not --seccomp-bpf: strace 6.1 then injects no signal.
            options = ["-f", "-qq", "-o", "/dev/null"]
            run = [
                str(STRACE),
                *options,
                "-e",
                f"trace={call}",
                "-e",
                f"inject={inject}",
                *run,
            ]
        done = subprocess.run(
            run, cwd=ROOT, env=_env(), capture_output=True, timeout=60, check=False
        )
        return done.returncode


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What stands in the database."""

    state: State | None
    kinds: tuple[str, ...]
    fault: str | None
    busy: bool
    outcome: str | None


def _env() -> dict[str, str]:
    packages = next(p for p in sys.path if p.endswith("site-packages"))
    return {
        "PATH": os.defpath,
        "PYTHONPATH": f"{ROOT}:{packages}",
        # Bytecode files are written too; they would be most of the points.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "countersign.db"
    database = connect(f"sqlite:///{file}")
    migrations.migrate(database)
    database.close()
    return file


@contextlib.contextmanager
def scene(template: Path, folder: Path) -> Iterator[Scene]:
    folder.mkdir()
    shutil.copy(template, folder / "countersign.db")
    (folder / "terms").touch()
    victim = subprocess.Popen(
        [PYTHON, "-I", "-S", "-c", VICTIM, str(folder / "terms")],
        stdout=subprocess.PIPE,
        env={"PATH": os.defpath},
    )
    assert victim.stdout is not None
    victim.stdout.read(5)
    try:
        yield Scene(folder=folder, victim=victim)
    finally:
        victim.kill()
        victim.wait()
        victim.stdout.close()
        shutil.rmtree(folder)


def _recover(found: Scene) -> None:
    """What the next start does, in this other process."""
    database, _ledger, _decide, carry_out, _clock = act_once.parts(
        found.folder, OwnTree(pid=0, ancestors=frozenset(), service=None)
    )
    carry_out.recover()
    carry_out.step()
    carry_out.step()
    database.close()


def _look(found: Scene) -> Found:
    database = connect(f"sqlite:///{found.folder / 'countersign.db'}")
    with database.read() as tx:
        row = tx.execute(select(proposals.c.state, proposals.c.outcome)).first()
        kinds = tuple(
            tx.execute(select(events.c.kind).order_by(events.c.seq)).scalars()
        )
        busy = tx.execute(select(leases.c.key).where(leases.c.key.startswith("busy:")))
        answer = Found(
            state=State(row.state) if row else None,
            kinds=kinds,
            fault=audit.verify(tx).fault,
            busy=busy.first() is not None,
            outcome=row.outcome if row else None,
        )
    database.close()
    return answer


def _check(
    where: str, crashed: Found, terms_then: int, after: Found, terms: int
) -> None:
    wrong = f"{where}: {crashed} then {after}, SIGTERM {terms_then} then {terms}"
    assert terms <= 1, f"double. {wrong}"
    assert crashed.fault is None and after.fault is None, wrong
    if terms_then:
        # The signal was seen, so approval and intent were on disk before it.
        assert "proposal.approved" in crashed.kinds, f"unapproved. {wrong}"
        assert "action.started" in crashed.kinds, f"unaudited. {wrong}"
    assert not after.busy, f"the host stays occupied. {wrong}"
    assert after.state in (
        None,
        State.PENDING,
        State.DONE,
        State.INTERRUPTED,
        State.REFUSED,
    ), wrong
    if terms:
        assert after.state in (State.DONE, State.INTERRUPTED), wrong
    if crashed.state is State.EXECUTING:
        assert after.state is State.INTERRUPTED, wrong
        assert after.kinds.count("action.interrupted") == 1, wrong
    if after.state is State.PENDING:
        assert terms == 0, wrong
    for kind in ("proposal.made", "proposal.approved", "action.started"):
        assert after.kinds.count(kind) <= 1, f"told twice. {wrong}"
    ends = [
        k
        for k in after.kinds
        if k in ("action.done", "action.interrupted", "action.refused")
    ]
    assert len(ends) == (1 if "action.started" in after.kinds else len(ends)), wrong


@pytest.fixture(scope="module")
def totals(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many of these calls a run without a fault makes."""
    folder = tmp_path_factory.mktemp("count") / "scene"
    log = folder.with_suffix(".log")
    calls = sorted({*KILLED_AT, *STARVED_AT})
    with scene(template, folder) as found:
        run = [
            PYTHON,
            "-m",
            "tests.promises.act_once",
            str(folder),
            str(found.victim.pid),
        ]
        options = ["-f", "-qq", "-o", str(log), "-e", f"trace={','.join(calls)}"]
        done = subprocess.run(
            [str(STRACE), *options, *run],
            cwd=ROOT,
            env=_env(),
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert _look(found).state is State.DONE
        assert found.terms == 1
    lines = log.read_text().splitlines()
    return {call: sum(f" {call}(" in line for line in lines) for call in calls}


def _points(first: int, last: int, *, full: bool, sample: int) -> list[int]:
    count = last - first + 1
    if full or count <= sample:
        return list(range(first, last + 1))
    step = count / sample
    return sorted({first + int(step * (n + 0.5)) for n in range(sample)})


@pytest.mark.promise(18)
def test_killed_at_any_syscall_it_never_acts_twice_nor_unrecorded(
    template: Path, totals: dict[str, int], tmp_path: Path, *, full_counts: bool
) -> None:
    start = time.monotonic()
    tried, results = (
        0,
        {
            State.INTERRUPTED: 0,
            State.DONE: 0,
            State.PENDING: 0,
            None: 0,
            State.REFUSED: 0,
        },
    )
    seen = []
    for call in KILLED_AT:
        total = totals[call]
        points = _points(1, total, full=full_counts, sample=2)
        for point in points:
            with scene(template, tmp_path / f"{call}-{point}") as found:
                code = found.act(f"{call}:signal=SIGKILL:when={point}")
                if code == 0:
                    continue
                crashed, terms_then = _look(found), found.terms
                _recover(found)
                time.sleep(0.02)
                after = _look(found)
                _check(f"{call} {point}", crashed, terms_then, after, found.terms)
                tried += 1
                results[after.state] += 1
                if after.state is State.REFUSED:
                    print(f"refused after {call} {point}: {after.outcome}")
        seen.append(f"{call} {total}")
    print(
        f"promise 18: killed at {tried} points of {', '.join(seen)}; doubles 0, "
        f"unapproved 0, unaudited 0; interrupted {results[State.INTERRUPTED]}, done "
        f"{results[State.DONE]}, still pending {results[State.PENDING]}, nothing yet "
        f"{results[None]}, refused {results[State.REFUSED]}; {time.monotonic() - start:.0f} s"
    )
    assert tried >= (100 if full_counts else 8)
    assert results[State.INTERRUPTED] > 0


@pytest.mark.promise(30)
def test_a_full_or_failing_disk_means_no_action(
    template: Path, totals: dict[str, int], tmp_path: Path, *, full_counts: bool
) -> None:
    start = time.monotonic()
    tried = stopped = 0
    for call in STARVED_AT:
        total = totals[call]
        # Before its last sixty openat, Python only reads its modules.
        first = max(1, total - 60) if call == "openat" else 1
        for error in ("ENOSPC", "EIO"):
            for when in _points(first, total, full=full_counts, sample=1):
                with scene(template, tmp_path / f"{call}-{error}-{when}") as found:
                    # "+": the disk stays so until the process ends.
                    code = found.act(f"{call}:error={error}:when={when}+")
                    crashed, terms_then = _look(found), found.terms
                    _recover(found)
                    time.sleep(0.02)
                    after = _look(found)
                    _check(
                        f"{call} {error} {when}+",
                        crashed,
                        terms_then,
                        after,
                        found.terms,
                    )
                    tried += 1
                    stopped += code != 0
    print(
        f"promise 30: disk full or failing from {tried} points on; unaudited actions 0, "
        f"doubles 0, recovered {tried}; runs that gave up {stopped}, "
        f"{time.monotonic() - start:.0f} s"
    )
    assert tried and stopped
