import os
import resource
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.target import identity as module
from remediation.target.identity import (
    Gone,
    ProcessIdentity,
    Unobservable,
    Unreaped,
    changed,
    is_same_process,
    open_process,
    pidfd_inodes_are_unique,
    read_identity,
)
from tests.remediation.victims import (
    DROP,
    LEADER_ENDS,
    SLEEPS,
    running,
    started,
    state,
    told_by_nobody,
    until,
)

_HIDDEN = "a program that this bot may not see"
APPROVED = ProcessIdentity(
    boot_id="b",
    pid=4242,
    start_ticks=100,
    pidfd_inode=7,
    exe="/usr/bin/python3.11",
    image="fe00:1:5:9",
    uid=1000,
)
_REEXECUTES = (
    "import os, sys\n"
    "if len(sys.argv) > 1:\n"
    "    print('again', flush=True)\n"
    "    import time; time.sleep(600)\n"
    "print('ready', flush=True)\n"
    "input()\n"
    "os.execv({program!r}, {arguments!r})\n"
)


def _identity(pid: int) -> ProcessIdentity:
    with open_process(pid) as process:
        return process.identity


def test_the_same_process_reads_the_same_identity_twice(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        first = _identity(victim.pid)

        assert _identity(victim.pid) == first
        assert first.exe == str(Path(sys.executable).resolve())
        assert first.uid == os.geteuid()


def test_two_processes_have_two_identities(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as one, running(SLEEPS, tmp_path) as two:
        first, second = _identity(one.pid), _identity(two.pid)

        assert not is_same_process(first, second)
        if pidfd_inodes_are_unique():
            assert first.pidfd_inode != second.pidfd_inode


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"boot_id": "c"}, "the host has been booted since, or it is another host"),
        ({"start_ticks": 101}, "pid 4242 now belongs to another process"),
        ({"pidfd_inode": 8}, "pid 4242 now belongs to another process"),
        (
            {"exe": "/usr/bin/yes", "image": "fe00:2:5:9"},
            "it now runs /usr/bin/yes instead of /usr/bin/python3.11",
        ),
        (
            {"exe": "", "image": ""},
            f"it now runs {_HIDDEN} instead of /usr/bin/python3.11",
        ),
        ({"image": "fe00:1:6:9"}, "it executed itself anew"),
        ({"uid": 0}, "it now runs as uid 0 instead of 1000"),
        ({"pidfd_inode": None}, None),
        ({"exe": "/usr/bin/python3.11 (deleted)"}, None),
        ({}, None),
    ],
)
def test_a_difference_is_said_in_plain_words(
    change: dict[str, object], words: str | None
) -> None:
    assert changed(APPROVED, replace(APPROVED, **change)) == words


@given(
    st.sampled_from(["boot_id", "pid", "start_ticks", "pidfd_inode", "image", "uid"]),
    st.integers(1, 2**40),
)
def test_any_other_value_is_a_difference(field: str, by: int) -> None:
    was = getattr(APPROVED, field)
    other = was + by if isinstance(was, int) else f"{was}{by}"

    assert changed(APPROVED, replace(APPROVED, **{field: other}))


def test_a_script_that_executes_itself_anew_is_another_image(tmp_path: Path) -> None:
    again = [sys.executable, "-S", str(tmp_path / "burn.py"), "again"]
    before, after = _across_exec(tmp_path, sys.executable, again)

    assert is_same_process(before, after)
    assert changed(before, after) == "it executed itself anew"


def test_another_program_in_the_same_process_is_named(tmp_path: Path) -> None:
    before, after = _across_exec(tmp_path, "/bin/sleep", ["sleep", "600"])

    assert is_same_process(before, after)
    assert changed(before, after) == f"it now runs {after.exe} instead of {before.exe}"


def _across_exec(
    folder: Path, program: str, arguments: list[str]
) -> tuple[ProcessIdentity, ProcessIdentity]:
    script = folder / "burn.py"
    script.write_text(_REEXECUTES.format(program=program, arguments=arguments))
    process = subprocess.Popen(
        [sys.executable, "-S", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        before = _identity(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        until(lambda: _identity(process.pid).image != before.image)
        after = _identity(process.pid)
        process.kill()
    return before, after


def test_a_deleted_executable_is_still_the_same_program(tmp_path: Path) -> None:
    copy = tmp_path / "sleeper"
    copy.write_bytes(Path("/bin/sleep").read_bytes())
    copy.chmod(0o755)
    with started([str(copy), "600"]) as victim:
        until(lambda: _identity(victim.pid).exe == str(copy))
        before = _identity(victim.pid)
        copy.unlink()
        after = _identity(victim.pid)

    assert after.exe == f"{copy} (deleted)"
    assert changed(before, after) is None


def test_a_zombie_is_gone_and_its_parent_is_named(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path, reaped=False) as victim:
        victim.kill()
        until(lambda: state(victim.pid) == "Z")

        with pytest.raises(Unreaped) as caught, open_process(victim.pid):
            pass

    assert caught.value.parent == os.getpid()


def test_a_leader_that_ended_before_its_threads_is_still_there(tmp_path: Path) -> None:
    with running(LEADER_ENDS, tmp_path) as victim:
        until(lambda: state(victim.pid) == "Z")

        with open_process(victim.pid) as process:
            assert not process.has_exited()
            assert process.identity.exe == str(Path(sys.executable).resolve())
            assert process.identity.image


def test_a_process_that_ends_while_it_is_read_is_gone(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim, open_process(victim.pid) as process:
        victim.kill()
        until(lambda: not Path(f"/proc/{victim.pid}").exists())

        assert process.has_exited()
        with pytest.raises(Gone, match="has exited"):
            read_identity(victim.pid, process.pidfd)


@pytest.mark.parametrize("number", [0, -1, 2**22 + 1])
def test_a_number_that_is_no_process_is_gone(number: int) -> None:
    with pytest.raises(Gone), open_process(number):
        pass


def test_a_thread_is_not_a_process() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert thread.native_id is not None
        with pytest.raises(Gone, match="a thread"), open_process(thread.native_id):
            pass
    finally:
        done.set()
        thread.join()


def test_a_kernel_thread_has_no_program() -> None:
    if not Path("/proc/2/stat").exists():
        pytest.skip("the kernel's threads are not visible in this pid namespace")

    assert _identity(2).exe == _identity(2).image == ""


def test_no_descriptors_left_means_it_cannot_be_looked_at() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(Unobservable, match="opened"), open_process(os.getpid()):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("error", "words"),
    [(FileNotFoundError, "does not show"), (PermissionError, "may not look")],
)
def test_a_live_process_that_proc_hides_cannot_be_looked_at(
    error: type[OSError], words: str
) -> None:
    pidfd = os.pidfd_open(os.getpid())
    try:
        looking = module.reading(os.getpid(), pidfd)
        with pytest.raises(Unobservable, match=words), looking:
            raise error
    finally:
        os.close(pidfd)


def test_a_program_that_may_not_be_read_is_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(module.procfs, "executable", refuses)

    assert _identity(os.getpid()).exe == _identity(os.getpid()).image == ""


def test_addresses_that_may_not_be_read_are_zeros(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stat = replace(module.procfs.stat(os.getpid()), code=1, stack=0)
    monkeypatch.setattr(module.procfs, "stat", lambda *_: stat)

    assert _identity(os.getpid()).image.endswith(":0:0")


def test_threads_that_end_while_they_are_read_are_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with running(LEADER_ENDS, tmp_path) as victim:
        until(lambda: state(victim.pid) == "Z")
        real = module.procfs.threads(victim.pid)
        monkeypatch.setattr(module.procfs, "threads", lambda _: (2**22 + 1, *real))
        assert _identity(victim.pid).image
        monkeypatch.setattr(module.procfs, "threads", lambda _: ())
        assert _identity(victim.pid).image == ""


def test_a_pid_that_is_already_another_process_is_gone(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim, open_process(victim.pid) as process:
        victim.kill()
        until(process.has_exited)

        with pytest.raises(Gone, match="has exited"):
            read_identity(os.getpid(), process.pidfd)


def test_an_unreadable_program_is_empty_and_no_crash(tmp_path: Path) -> None:
    code = "with open_process(int(sys.argv[2])) as p: print(repr(p.identity.exe))"
    with running(SLEEPS, tmp_path) as victim:
        told = told_by_nobody(
            f"from remediation.target.identity import open_process\n{DROP}\n{code}",
            victim.pid,
        )

    assert told == "''\n"


@pytest.mark.parametrize("others", [(), (2**22,)])
def test_alone_it_learns_the_same_as_beside_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, others: tuple[int, ...]
) -> None:
    for pid in (os.getpid(), *others):  # of which none lives
        (tmp_path / str(pid)).mkdir()
    expected = pidfd_inodes_are_unique()
    monkeypatch.setattr(module.procfs, "PROC", tmp_path)

    assert pidfd_inodes_are_unique.__wrapped__() is expected


def test_where_all_share_one_inode_none_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / str(os.getpid())).mkdir()
    monkeypatch.setattr(module.procfs, "PROC", tmp_path)
    # What kernels before 6.9 give for any pid: the inode of all anonymous files.
    monkeypatch.setattr(module.os, "pidfd_open", lambda _: os.eventfd(0))

    assert pidfd_inodes_are_unique.__wrapped__() is False


def test_inodes_are_compared_with_a_process_that_lives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for pid in (os.getpid(), os.getppid(), 2**22):
        (tmp_path / str(pid)).mkdir()
    expected = pidfd_inodes_are_unique()
    monkeypatch.setattr(module.procfs, "PROC", tmp_path)

    assert pidfd_inodes_are_unique.__wrapped__() is expected
