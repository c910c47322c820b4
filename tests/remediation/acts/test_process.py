import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from remediation.action import Action, Terminate
from remediation.acts import terminate
from remediation.acts.aftermath import Successor, successor
from remediation.acts.course import Course
from remediation.acts.held import holding
from remediation.acts.process import perform
from remediation.attempt import Progress, Recheck
from remediation.outcome import Outcome, Result, Seen
from remediation.target import procfs
from remediation.target.facts import FactReader, ProcessFacts, pids_below
from remediation.target.identity import Gone
from tests.remediation.victims import (
    DROP,
    HOST,
    IGNORES_SIGTERM,
    LEADER_ENDS,
    PARENT_OF_TWO,
    SLEEPS,
    agrees,
    as_root,
    facts_of,
    now,
    running,
    silent,
    started,
    state,
    told_by_nobody,
    until,
)

_SHORT = timedelta(seconds=0.2)
_FORKS_WHEN_TOLD = (
    "import signal, subprocess, time\n"
    "def more(*_): subprocess.Popen(['/bin/sleep', '600'])\n"
    "signal.signal(signal.SIGUSR1, more)\n"
    + SLEEPS.replace("time.sleep(600)", "\nwhile True: time.sleep(1)")
)


def _act(
    action: Action, *, recheck: Recheck = agrees, progress: Progress = silent
) -> Outcome:
    return perform(action, recheck=recheck, progress=progress, now=now)


def _end(pid: int, grace: timedelta = timedelta(seconds=5)) -> Terminate:
    facts = facts_of(pid)
    return Terminate(host=HOST, process=facts.identity, label=facts.label, grace=grace)


def _end_tree(pid: int, grace: timedelta = timedelta(seconds=5)) -> Terminate:
    below = FactReader(HOST).descendants(pid)
    members = tuple(facts.identity for facts in below)
    return replace(_end(pid, grace), scope="tree", members=members)


def _tell(pid: int, number: signal.Signals) -> None:
    pidfd = os.pidfd_open(pid)
    signal.pidfd_send_signal(pidfd, number)
    os.close(pidfd)


def test_a_well_behaved_process_exits_after_sigterm(tmp_path: Path) -> None:
    told: list[str] = []
    with running(SLEEPS, tmp_path) as victim:
        action = _end(victim.pid)
        outcome = _act(action, progress=told.append)

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.EXITED)
    begin = f"{action.label} (pid {victim.pid}) exited "
    assert outcome.summary.startswith(begin)
    rest = outcome.summary.removeprefix(begin)
    assert re.fullmatch(r"(under 0\.1|0\.\d) s after SIGTERM", rest)
    assert [step.text for step in outcome.steps] == told


def test_a_process_that_ignores_sigterm_gets_sigkill_after_the_grace(
    tmp_path: Path,
) -> None:
    with running(IGNORES_SIGTERM, tmp_path) as victim:
        outcome = _act(_end(victim.pid, _SHORT))

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.EXITED)
    said = r"ignored SIGTERM for 0\.2 s and exited (under 0\.1|0\.\d) s after SIGKILL"
    assert re.search(said, outcome.summary)
    assert victim.returncode == -signal.SIGKILL


def test_a_process_that_nobody_reaps_is_called_so(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path, reaped=False) as victim:
        outcome = _act(_end(victim.pid))

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.ZOMBIE)
    assert f"its parent, pid {os.getpid()}, has not reaped it" in outcome.summary


def test_a_zombie_is_left_alone_and_its_parent_named(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path, reaped=False) as victim:
        action = _end(victim.pid)
        victim.kill()
        until(lambda: state(victim.pid) == "Z")
        outcome = _act(action)

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.ZOMBIE)
    assert f"its parent, pid {os.getpid()}, must reap it" in outcome.summary


def test_a_leader_that_ended_first_is_ended_with_its_threads(tmp_path: Path) -> None:
    with running(LEADER_ENDS, tmp_path) as victim:
        until(lambda: state(victim.pid) == "Z")
        outcome = _act(_end(victim.pid))

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.EXITED)


def test_what_has_exited_by_itself_is_not_signalled(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        action = _end(victim.pid)
        victim.kill()
        until(lambda: not Path(f"/proc/{victim.pid}").exists())
        outcome = _act(action)

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.EXITED)
    assert outcome.summary.endswith("was left alone: it has already exited")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start_ticks": 1}, "now belongs to another process"),
        ({"image": "1:2:3:4"}, "it executed itself anew"),
        ({"exe": "/usr/bin/yes", "image": "1:2:3:4"}, "instead of /usr/bin/yes"),
        ({"uid": 4711}, "instead of 4711"),
        ({"boot_id": "another"}, "the host has been booted since"),
    ],
)
def test_another_process_than_the_approved_one_is_left_alone(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    with running(SLEEPS, tmp_path) as victim:
        action = _end(victim.pid)
        stale = replace(action, process=replace(action.process, **change))
        outcome = _act(stale)
        alive = victim.poll() is None

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.CHANGED)
    assert words in outcome.summary
    assert alive


def test_words_of_policy_or_lock_refuse_before_the_first_signal(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        outcome = _act(_end(victim.pid), recheck=lambda _: "the bot is locked")
        alive = victim.poll() is None

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.ALIVE)
    assert outcome.summary.endswith("was left alone: the bot is locked")
    assert alive


def test_a_lock_between_the_signals_withholds_sigkill(tmp_path: Path) -> None:
    answers = iter([None, "the bot is locked"])
    with running(IGNORES_SIGTERM, tmp_path) as victim:
        outcome = _act(_end(victim.pid, _SHORT), recheck=lambda _: next(answers))
        alive = victim.poll() is None

    assert (outcome.result, outcome.seen) == (Result.FAILED, Seen.ALIVE)
    assert "SIGTERM was sent, SIGKILL was not: the bot is locked" in outcome.summary
    assert alive


def test_a_process_that_executes_anew_after_sigterm_gets_no_sigkill(
    tmp_path: Path,
) -> None:
    code = (
        "import os, signal, time\n"
        "if os.environ.get('AGAIN'):\n"
        "    signal.signal(15, signal.SIG_IGN); time.sleep(600)\n"
        "def again(*_):\n"
        "    os.environ['AGAIN'] = '1'\n"
        f"    os.execv({sys.executable!r}, [{sys.executable!r}, '-S', __file__])\n"
        "signal.signal(15, again)\n" + SLEEPS
    )
    with running(code, tmp_path) as victim:
        outcome = _act(_end(victim.pid, timedelta(seconds=0.5)))
        alive = victim.poll() is None

    assert (outcome.result, outcome.seen) == (Result.FAILED, Seen.CHANGED)
    assert "SIGKILL was not: it executed itself anew" in outcome.summary
    assert alive


def test_recheck_sees_the_facts_of_this_instant(tmp_path: Path) -> None:
    seen: list[ProcessFacts] = []
    with running(IGNORES_SIGTERM, tmp_path) as victim:
        action = _end(victim.pid, _SHORT)
        _act(action, recheck=seen.append)

    assert [facts.identity for facts in seen] == [action.process] * 2


def test_what_progress_raises_stops_before_sigkill(tmp_path: Path) -> None:
    def disk_full(_: str) -> None:
        raise OSError("disk full")

    with running(IGNORES_SIGTERM, tmp_path) as victim:
        with pytest.raises(OSError, match="disk full"):
            _act(_end(victim.pid, _SHORT), progress=disk_full)
        assert victim.poll() is None


def test_a_tree_ends_with_its_parent_told_first(tmp_path: Path) -> None:
    told: list[str] = []
    with running(PARENT_OF_TWO, tmp_path) as victim:
        action = _end_tree(victim.pid)
        outcome = _act(action, progress=told.append)

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.EXITED)
    assert outcome.summary.endswith("; 2 others of its tree exited too")
    assert len(action.members) == 2
    assert str(victim.pid) in told[0]


def test_a_child_nobody_approved_refuses_the_tree(tmp_path: Path) -> None:
    with running(_FORKS_WHEN_TOLD, tmp_path) as victim:
        action = _end_tree(victim.pid)
        _tell(victim.pid, signal.SIGUSR1)
        until(lambda: bool(pids_below(victim.pid)))
        (child,) = pids_below(victim.pid)
        outcome = _act(action)
        alive = victim.poll() is None

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.ALIVE)
    assert outcome.summary.endswith(f"processes nobody approved: pid {child}")
    assert alive


def test_a_child_that_ended_by_itself_does_no_harm(tmp_path: Path) -> None:
    with running(PARENT_OF_TWO, tmp_path) as victim:
        action = _end_tree(victim.pid)
        gone = action.members[0].pid
        _tell(gone, signal.SIGKILL)
        until(lambda: state(gone) == "Z")
        outcome = _act(action)

    assert outcome.result is Result.DONE
    assert outcome.steps[0].text == f"pid {gone} had already exited"
    assert outcome.summary.endswith("; 1 other of its tree exited too")


def test_a_member_whose_pid_is_another_process_now_had_exited(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim, running(SLEEPS, tmp_path) as innocent:
        former = replace(facts_of(innocent.pid).identity, start_ticks=1)
        action = replace(_end(victim.pid), scope="tree", members=(former,))
        outcome = _act(action)
        alive = innocent.poll() is None

    assert outcome.result is Result.DONE
    assert "its pid is another's now" in outcome.steps[0].text
    assert alive


def test_a_member_that_runs_another_program_refuses_the_tree(tmp_path: Path) -> None:
    with running(PARENT_OF_TWO, tmp_path) as victim:
        action = _end_tree(victim.pid)
        first = replace(action.members[0], exe="/usr/bin/yes", image="1:2:3:4")
        outcome = _act(replace(action, members=(first, action.members[1])))
        alive = victim.poll() is None

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.CHANGED)
    assert alive


def test_a_protected_member_refuses_the_tree(tmp_path: Path) -> None:
    with running(PARENT_OF_TWO, tmp_path) as victim:
        action = _end_tree(victim.pid)
        spared = action.members[1].pid
        outcome = _act(
            action, recheck=lambda f: "a dump" if f.identity.pid == spared else None
        )
        alive = victim.poll() is None

    assert outcome.result is Result.REFUSED
    assert alive


def test_members_are_forced_one_by_one_until_the_lock(tmp_path: Path) -> None:
    code = PARENT_OF_TWO.replace(
        "/bin/sleep', '600'", f"{sys.executable}', '-S', '-c', CODE"
    )
    code = f"CODE = {IGNORES_SIGTERM.replace(SLEEPS, 'import time; time.sleep(600)')!r}\n{code}"
    forced: list[int] = []

    def locked_after_one(facts: ProcessFacts) -> str | None:
        if not told:
            return None
        forced.append(facts.identity.pid)
        return "the bot is locked" if len(forced) > 1 else None

    told: list[str] = []
    with running(code, tmp_path) as victim:
        until(lambda: all("-c" in _words(pid) for pid in pids_below(victim.pid)))
        until(lambda: len(_ignoring(victim.pid)) == 2)
        action = _end_tree(victim.pid, _SHORT)
        outcome = _act(action, recheck=locked_after_one, progress=told.append)
        first, second = sorted(action.members, key=lambda m: (m.start_ticks, m.pid))

        assert outcome.result is Result.FAILED
        assert outcome.seen is Seen.ALIVE
        assert (
            f"pid {second.pid} is alive; SIGTERM was sent, SIGKILL was not"
            in outcome.summary
        )
        assert any(f"sent SIGKILL to pid {first.pid}" in text for text in told)


def _words(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")


def _ignoring(pid: int) -> list[int]:
    """List those below `pid` that ignore SIGTERM, by the kernel's mask."""
    return [child for child in pids_below(pid) if _ignored(child) >> 14 & 1]


def _ignored(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1], 16) for line in lines if "SigIgn:" in line)


def test_a_child_started_in_the_last_instant_is_named_and_left(tmp_path: Path) -> None:
    code = _FORKS_WHEN_TOLD.replace("signal.SIGUSR1", "signal.SIGTERM")
    with running(code, tmp_path) as victim:
        action = replace(_end(victim.pid, _SHORT), scope="tree")
        outcome = _act(
            action, progress=lambda _: until(lambda: bool(pids_below(victim.pid)), 1)
        )

    assert any("started meanwhile and left alone" in s.text for s in outcome.steps)


def test_the_root_cgroup_is_no_target(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        for root in _roots():
            root.write_text(str(victim.pid))
        outcome = _act(replace(_end(victim.pid), scope="cgroup"))

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.ALIVE)
    assert "shares the root cgroup with the whole machine" in outcome.summary


def _roots() -> list[Path]:
    """List the top of every cgroup hierarchy; skip where it may not be written."""
    base = Path("/sys/fs/cgroup")
    found = [place / "cgroup.procs" for place in (base, *base.iterdir())]
    roots = [file for file in found if file.is_file() and file.parent.is_mount()]
    if not roots or not all(os.access(file, os.W_OK) for file in roots):
        pytest.skip("needs root and a writable cgroup hierarchy")
    return roots


@contextmanager
def _own_cgroup(*pids: int) -> Iterator[None]:
    """Move processes into a fresh cgroup; skip where that is not possible."""
    group = _fresh_cgroup()
    for pid in pids:
        (group / "cgroup.procs").write_text(str(pid))
    try:
        yield
    finally:
        assert until(lambda: _removed(group))


def _fresh_cgroup() -> Path:
    for base in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
        group = Path(base) / f"countersign-test-{os.getpid()}"
        if Path(base, "cgroup.procs").exists() and os.access(base, os.W_OK):
            group.mkdir()
            return group
    pytest.skip("needs root and a writable cgroup hierarchy")


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except OSError:
        return False
    return True


def test_a_cgroup_ends_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    with (
        running(SLEEPS, tmp_path) as root,
        running(SLEEPS, tmp_path) as member,
        _own_cgroup(root.pid, member.pid),
    ):
        alone = replace(_end(root.pid), scope="cgroup")
        refused = _act(alone)
        whole = replace(alone, members=(facts_of(member.pid).identity,))
        done = _act(whole)

    assert refused.result is Result.REFUSED
    assert refused.summary.endswith(f"nobody approved: pid {member.pid}")
    assert done.result is Result.DONE
    assert done.summary.endswith("; 1 other of its cgroup exited too")


@contextmanager
def _frozen_file_system(folder: Path) -> Iterator[tuple[Path, Callable[[], object]]]:
    """Give a file system on which writers hang, and what ends that."""
    mkfs, fsfreeze, mount, umount = _tools()
    image, mounted = folder / "image", folder / "mounted"
    with image.open("wb") as file:
        file.truncate(8 * 1024 * 1024)
    mounted.mkdir()
    subprocess.run([mkfs, "-q", str(image)], check=True)
    if not _succeeds(mount, "-o", "loop", str(image), str(mounted)):
        pytest.skip("no loop device can be mounted here")
    with ExitStack() as stack:
        stack.callback(until, lambda: _succeeds(umount, str(mounted)))
        subprocess.run([fsfreeze, "-f", str(mounted)], check=True)
        stack.callback(_succeeds, fsfreeze, "-u", str(mounted))
        yield mounted, lambda: _succeeds(fsfreeze, "-u", str(mounted))


def _tools() -> list[str]:
    paths = [
        "/usr/sbin/mkfs.ext4",
        "/usr/sbin/fsfreeze",
        "/usr/bin/mount",
        "/usr/bin/umount",
    ]
    if not as_root or not all(map(os.path.exists, paths)):
        pytest.skip("needs root, mkfs.ext4, fsfreeze and a loop device")
    return paths


def _succeeds(*command: str) -> bool:
    return not subprocess.run(command, check=False, capture_output=True).returncode


def test_a_process_in_uninterruptible_sleep_is_never_called_dead(
    tmp_path: Path,
) -> None:
    with _frozen_file_system(tmp_path) as (mounted, thaw):
        code = f"print('ready', flush=True)\nopen({str(mounted / 'x')!r}, 'w').write('x')\n"
        with running(code, tmp_path) as victim:
            until(lambda: state(victim.pid) == "D")
            outcome = _act(_end(victim.pid, _SHORT))
            thaw()
            victim.wait(5)

    assert (outcome.result, outcome.seen) == (Result.FAILED, Seen.UNINTERRUPTIBLE)
    assert "in uninterruptible sleep (D), SIGKILL is pending" in outcome.summary


def test_threads_in_uninterruptible_sleep_outlive_their_leader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminate, "KILL_WAIT", _SHORT)
    with _frozen_file_system(tmp_path) as (mounted, thaw):
        code = LEADER_ENDS.replace(
            "target=time.sleep, args=(600,)",
            f"target=open, args=({str(mounted / 'x')!r}, 'w')",
        )
        with running(code, tmp_path) as victim:
            until(lambda: "D" in procfs.thread_states(victim.pid))
            outcome = _act(_end(victim.pid, _SHORT))
            thaw()
            victim.wait(5)

    assert (outcome.result, outcome.seen) == (Result.FAILED, Seen.UNINTERRUPTIBLE)


def test_what_lives_on_after_sigkill_is_called_alive(tmp_path: Path) -> None:
    with running(LEADER_ENDS, tmp_path) as victim:
        until(lambda: state(victim.pid) == "Z")
        approved = facts_of(victim.pid).identity
        with holding(approved, label="x", reader=FactReader(HOST)) as target:
            course = Course(target=target, asked_at=0.0, forced_at=time.monotonic())

            assert course.seen() is Seen.ALIVE
            assert course.in_words() == (
                "is still alive under 0.1 s after SIGKILL "
                "(its first thread has ended, 1 others run on)"
            )


def test_a_signal_that_the_kernel_does_not_permit_is_said_so(tmp_path: Path) -> None:
    code = (
        "from remediation.action import Terminate\n"
        "from remediation.target.facts import FactReader\n"
        "from remediation.acts.process import perform\n"
        "from datetime import datetime, UTC\n"
        f"{DROP}\n"
        "facts = FactReader('h').read(int(sys.argv[2]))\n"
        "action = Terminate(host='h', process=facts.identity, label='x')\n"
        "print(perform(action, recheck=lambda f: None, progress=lambda t: None,\n"
        "              now=lambda: datetime.now(UTC)).summary)\n"
    )
    with running(SLEEPS, tmp_path) as victim:
        told = told_by_nobody(code, victim.pid)

    assert told.endswith(
        "the kernel does not permit the signal (CAP_KILL is missing)\n"
    )


def _fails(error: type[OSError], *, after: int) -> Callable[[int, int], None]:
    """Stand for the kernel: it lets `after` signals through and then says no."""
    real, sent = signal.pidfd_send_signal, []

    def send(pidfd: int, number: int) -> None:
        if number and len(sent) >= after:
            raise error
        if number:
            sent.append(number)
        real(pidfd, number)

    return send


@pytest.mark.parametrize(
    ("error", "seen"),
    [(ProcessLookupError, Seen.EXITED), (PermissionError, Seen.ALIVE)],
)
def test_a_signal_that_reaches_nobody_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[OSError], seen: Seen
) -> None:
    with running(SLEEPS, tmp_path) as victim:
        action = _end(victim.pid)
        monkeypatch.setattr(signal, "pidfd_send_signal", _fails(error, after=0))
        outcome = _act(action)
        monkeypatch.undo()

    assert (outcome.result, outcome.seen) == (Result.REFUSED, seen)


def test_a_member_that_may_not_be_signalled_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(PARENT_OF_TWO, tmp_path) as victim:
        action = _end_tree(victim.pid)
        refuses = _fails(PermissionError, after=1)
        monkeypatch.setattr(signal, "pidfd_send_signal", refuses)
        outcome = _act(action)
        monkeypatch.undo()

    assert (outcome.result, outcome.seen) == (Result.FAILED, Seen.ALIVE)
    for member in action.members:
        assert f"pid {member.pid} is alive and was not signalled" in outcome.summary


def test_a_successor_in_the_same_service_is_found(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        new = replace(facts_of(victim.pid), unit="a.service")
        ended = replace(new, ppid=0)

        found = successor(ended, since=0, known=(), reader=_Reads(new))
        elsewhere = replace(ended, unit="b.service")
        nothing = successor(elsewhere, since=0, known=(), reader=_Reads(new))

    assert found == Successor(pid=victim.pid, by="a.service")
    assert nothing is None


def test_a_parent_that_is_gone_is_named_by_its_pid(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        new = replace(facts_of(victim.pid), ppid=2**22)

        found = successor(new, since=0, known=(), reader=_Reads(new))

    assert found == Successor(pid=victim.pid, by=f"pid {2**22}")


class _Reads(FactReader):
    """Knows one process and no other."""

    def __init__(self, known: ProcessFacts) -> None:
        super().__init__(HOST)
        self._known = known

    def read(self, pid: int) -> ProcessFacts:
        if pid != self._known.identity.pid:
            raise Gone(f"pid {pid}")
        return self._known


def test_a_script_in_a_shell_is_ended_too() -> None:
    with started(["/bin/sh", "-c", "echo; sleep 600; true"]) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        until(lambda: bool(pids_below(shell.pid)))
        until(lambda: "sleep" in _words(pids_below(shell.pid)[0]))
        outcome = _act(_end_tree(shell.pid))

    assert outcome.result is Result.DONE
