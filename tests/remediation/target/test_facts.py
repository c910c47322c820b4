import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.target import cgroup, listening, procfs
from remediation.target import facts as module
from remediation.target.facts import FactReader, account
from remediation.target.identity import Gone, Unreaped, open_process
from tests.remediation.victims import (
    DROP,
    HOST,
    PARENT_OF_TWO,
    SLEEPS,
    TWO_THREADS,
    end_session,
    facts_of,
    running,
    started,
    state,
    told_by_nobody,
    until,
)

_ID = "3f" * 32


def test_facts_tell_who_and_what_a_process_is(tmp_path: Path) -> None:
    with running(TWO_THREADS, tmp_path, "--password=Zq8", name="job.py") as victim:
        facts = facts_of(victim.pid)

    program = Path(sys.executable).resolve().name
    assert facts.label == f"{program} job.py --password (+2 hidden)"
    assert "Zq8" not in repr(facts)
    assert facts.user == account(os.geteuid())
    assert facts.ppid == os.getpid() == facts.ancestors[0]
    assert facts.ancestors[-1] == 1 or os.getpid() == 1
    assert facts.threads == 2
    assert facts.rss_bytes > 1024 * 1024
    assert facts.nice == os.getpriority(os.PRIO_PROCESS, 0)
    assert not facts.kernel_thread
    assert not facts.foreign_pid_namespace
    assert not facts.leads_terminal
    assert facts.denied is None
    assert datetime.now(UTC) - facts.started_at < timedelta(seconds=60)


@pytest.mark.parametrize(
    ("comm", "shown"),
    [
        (b"<!channel>", "<!channel>"),
        (b"ss\xe2\x80\x8bhd", "ss\\u200bhd"),
        (b"\xe2\x80\xaegpj.exe", "\\u202egpj.exe"),
        (b"a) R 1 (b", "a) R 1 (b"),
        (b"\xff\xfe\n\x1b[", "\\xff\\xfe\\n\\x1b["),
        (b"%s%n{0.__class}", "%s%n{0.__class}"),
        (b" ", " "),
        (b"", "(no name)"),
    ],
)
def test_a_name_of_any_bytes_is_shown_and_changes_nothing(
    tmp_path: Path, comm: bytes, shown: str
) -> None:
    code = f"import ctypes\nctypes.CDLL(None).prctl(15, {comm!r}, 0, 0, 0)\n{SLEEPS}"
    with running(code, tmp_path) as victim:
        facts = facts_of(victim.pid)

    assert facts.name == shown
    assert facts.ppid == os.getpid()


@given(st.binary(max_size=15).filter(lambda raw: b"\0" not in raw))
def test_no_name_breaks_reading_the_rest(comm: bytes) -> None:
    libc = ctypes.CDLL(None)
    before = Path("/proc/thread-self/comm").read_bytes().rstrip(b"\n")
    libc.prctl(15, comm, 0, 0, 0)
    try:
        facts = facts_of(os.getpid())
    finally:
        libc.prctl(15, before, 0, 0, 0)

    assert facts.ppid == os.getppid()
    assert facts.name.isprintable()


def test_a_megabyte_of_arguments_is_read_in_part(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path, *["A" * 65_536] * 16) as victim:
        facts = facts_of(victim.pid)

    assert facts.label.endswith("burn.py (+1 hidden and more)")


def test_a_deleted_executable_is_shown_as_deleted(tmp_path: Path) -> None:
    copy = tmp_path / "miner"
    copy.write_bytes(Path("/bin/sleep").read_bytes())
    copy.chmod(0o755)
    with started([str(copy), "600"]) as victim:
        until(lambda: facts_of(victim.pid).identity.exe == str(copy))
        copy.unlink()

        assert facts_of(victim.pid).label == "miner (deleted) (+1 hidden)"


def test_descendants_are_children_and_theirs(tmp_path: Path) -> None:
    with running(PARENT_OF_TWO, tmp_path) as victim:
        below = FactReader(HOST).descendants(victim.pid)

        assert [facts.ppid for facts in below] == [victim.pid] * 2
        assert victim.pid in {
            facts.identity.pid for facts in FactReader(HOST).descendants(os.getpid())
        }


def test_a_dead_child_is_no_descendant(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path, reaped=False) as victim:
        victim.kill()
        until(lambda: state(victim.pid) == "Z")

        below = FactReader(HOST).descendants(os.getpid())
        assert victim.pid not in {facts.identity.pid for facts in below}
        with pytest.raises(Unreaped):
            facts_of(victim.pid)


def test_a_pid_that_does_not_exist_is_gone() -> None:
    with pytest.raises(Gone):
        facts_of(2**22 + 1)


def test_a_kernel_thread_is_known_by_its_flag() -> None:
    if not Path("/proc/2/stat").exists():
        pytest.skip("the kernel's threads are not visible in this pid namespace")

    facts = facts_of(2)
    assert facts.kernel_thread
    assert facts.label == "[kthreadd]"


def test_a_process_that_calls_itself_a_kernel_thread_is_none(tmp_path: Path) -> None:
    code = f"import ctypes\nctypes.CDLL(None).prctl(15, b'kworker/0:1H', 0, 0, 0)\n{SLEEPS}"
    with running(code, tmp_path) as victim:
        facts = facts_of(victim.pid)

    assert facts.name == "kworker/0:1H"
    assert not facts.kernel_thread


def test_ports_are_those_it_listens_on(tmp_path: Path) -> None:
    code = (
        "import socket\n"
        "tcp = socket.create_server(('127.0.0.1', 0))\n"
        "udp = socket.socket(type=socket.SOCK_DGRAM); udp.bind(('127.0.0.1', 0))\n"
        "client = socket.create_connection(tcp.getsockname())\n"
        "peer = socket.socket(type=socket.SOCK_DGRAM); peer.connect(udp.getsockname())\n"
        "ports = sorted({tcp.getsockname()[1], udp.getsockname()[1]})\n"
        "print(*ports, file=open('ports', 'w'))\n" + SLEEPS
    )
    code = code.replace("'ports', 'w'", f"{str(tmp_path / 'ports')!r}, 'w'")
    with running(code, tmp_path) as victim:
        facts = facts_of(victim.pid)

    wanted = tuple(map(int, (tmp_path / "ports").read_text().split()))
    assert facts.ports == wanted


def _fake_proc(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay out what the kernel shows of one process with a socket and a closed file."""
    place = folder / "7"
    (place / "fd").mkdir(parents=True)
    (place / "fd/3").symlink_to("socket:[253]")
    (place / "net").mkdir()
    line = "0: 0100007F:07E8 00000000:0000 0A 0:0 00:0 0 0 0 253 1 x 100 0 0 10 0"
    (place / "net/tcp").write_text(f"sl local_address\n{line}\n")
    monkeypatch.setattr(procfs, "PROC", folder)
    return place


def test_a_kernel_without_ipv6_or_udp_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_proc(tmp_path, monkeypatch)

    assert listening.ports(7) == (2024,)


def test_files_that_close_while_they_are_read_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = _fake_proc(tmp_path, monkeypatch)
    gone = place / "fd/9"
    monkeypatch.setattr(Path, "iterdir", lambda _: iter([gone, place / "fd/3"]))

    assert listening.ports(7) == (2024,)


def test_ports_that_may_not_be_seen_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "iterdir", _refuses)
    monkeypatch.setattr(procfs, "PROC", tmp_path)

    assert listening.ports(7) == ()


def _refuses(*_: object) -> NoReturn:
    raise PermissionError


def test_a_namespace_that_may_not_be_seen_is_taken_for_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Path, "readlink", _refuses)

    assert not module._is_foreign(os.getpid())


def test_ancestors_that_may_not_be_seen_end_the_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(procfs, "stat", _refuses)

    assert module._ancestors(4242) == (4242,)


@pytest.mark.parametrize(
    ("error", "exe", "words"),
    [
        (PermissionError, "/x", "signalling it needs CAP_KILL"),
        (None, "", "seeing what it runs needs CAP_SYS_PTRACE"),
    ],
)
def test_the_missing_privilege_is_named(
    monkeypatch: pytest.MonkeyPatch,
    error: type[OSError] | None,
    exe: str,
    words: str,
) -> None:
    with open_process(os.getpid()) as process:
        hidden = replace(process, identity=replace(process.identity, exe=exe))
        if error is not None:
            monkeypatch.setattr(signal, "pidfd_send_signal", _refuses)

        assert words in str(module._denied(hidden, kernel_thread=False))


def test_a_process_that_ends_under_the_probe_is_gone(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim, open_process(victim.pid) as process:
        victim.kill()
        until(lambda: not Path(f"/proc/{victim.pid}").exists())

        with pytest.raises(Gone):
            module._denied(process, kernel_thread=False)


def test_a_kernel_that_hides_its_boot_time_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stat").write_text("cpu 1\n")
    monkeypatch.setattr(procfs, "PROC", tmp_path)

    with pytest.raises(OSError, match="btime"):
        procfs.boot_time()


def test_a_process_without_sockets_listens_on_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)), running(SLEEPS, tmp_path) as victim:
        assert facts_of(victim.pid).ports == ()


def test_a_login_shell_leads_a_terminal(tmp_path: Path) -> None:
    code = (
        "import os, pty, sys, time\n"
        "pid, fd = pty.fork()\n"
        "if pid == 0: os.execv('/bin/sh', ['sh', '-c', 'echo $$; read x'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(pid))\n"
        "os.read(fd, 1)\n" + SLEEPS
    )
    with running(code, tmp_path) as victim:
        shell = int((tmp_path / "pid").read_text())
        try:
            assert facts_of(shell).leads_terminal
            assert not facts_of(victim.pid).leads_terminal
        finally:
            end_session(shell)


def test_another_pid_namespace_is_foreign() -> None:
    unshare = ["unshare", "--fork", "--pid", "--map-root-user", "sleep", "600"]
    if subprocess.run(
        [*unshare[:-2], "true"], check=False, capture_output=True
    ).returncode:
        pytest.skip("this kernel or account may not unshare the pid namespace")
    with started(unshare) as outside:
        until(lambda: bool(FactReader(HOST).descendants(outside.pid)))
        inside = FactReader(HOST).descendants(outside.pid)

        assert [facts.foreign_pid_namespace for facts in inside] == [True]
        assert not facts_of(outside.pid).foreign_pid_namespace


def test_who_may_not_signal_is_told_which_privilege_is_missing(tmp_path: Path) -> None:
    code = (
        f"from remediation.target.facts import FactReader\n{DROP}\n"
        "facts = FactReader('h').read(int(sys.argv[2]))\n"
        "print(facts.denied, facts.label, facts.ports)"
    )
    with running(SLEEPS, tmp_path) as victim:
        told = told_by_nobody(code, victim.pid)

    assert told == ("it belongs to root; signalling it needs CAP_KILL [python] ()\n")


def test_who_may_signal_but_not_look_is_told_too(tmp_path: Path) -> None:
    # CAP_KILL alone is kept: bit 5 in the permitted and effective sets.
    keep = (
        "import ctypes, struct; libc = ctypes.CDLL(None); libc.prctl(8, 1, 0, 0, 0)\n"
        f"{DROP}\n"
        "head = struct.pack('Ii', 0x20080522, 0)\n"
        "assert libc.capset(head, struct.pack('6I', 32, 32, 0, 0, 0, 0)) == 0\n"
    )
    code = (
        f"from remediation.target.facts import FactReader\n{keep}"
        "print(FactReader('h').read(int(sys.argv[2])).denied)"
    )
    with running(SLEEPS, tmp_path) as victim:
        told = told_by_nobody(code, victim.pid)

    assert told == "it belongs to root; seeing what it runs needs CAP_SYS_PTRACE\n"


def test_an_account_without_a_name_is_its_number() -> None:
    assert account(3_000_000_001) == "3000000001"


@pytest.mark.parametrize(
    ("text", "path", "unit", "container"),
    [
        ("0::/system.slice/nginx.service", "/system.slice/nginx.service", "nginx.service", None),
        ("0::/", "/", None, None),
        ("0::/init.scope", "/init.scope", "init.scope", None),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/sshd.service",
            "/user.slice/user-1000.slice/user@1000.service/app.slice/sshd.service",
            "user@1000.service",
            None,
        ),
        (
            "0::/user.slice/user-0.slice/session-3.scope",
            "/user.slice/user-0.slice/session-3.scope",
            "session-3.scope",
            None,
        ),
        (f"0::/system.slice/docker-{_ID}.scope", f"/system.slice/docker-{_ID}.scope", f"docker-{_ID}.scope", _ID),
        (f"12:pids:/docker/{_ID}\n1:name=systemd:/docker/{_ID}\n0::/", f"/docker/{_ID}", None, _ID),
        (
            f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{_ID}.scope",
            f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{_ID}.scope",
            f"cri-containerd-{_ID}.scope",
            _ID,
        ),
        (f"4:pids:/kubepods/pod1/{_ID}", f"/kubepods/pod1/{_ID}", None, _ID),
        (f"0::/machine.slice/libpod-{_ID}.scope/container", f"/machine.slice/libpod-{_ID}.scope/container", f"libpod-{_ID}.scope", _ID),
        (f"0::/crio-{_ID}.scope", f"/crio-{_ID}.scope", f"crio-{_ID}.scope", _ID),
        ("0::/lxc.payload.web1/system.slice/x.service", "/lxc.payload.web1/system.slice/x.service", None, "web1"),
        ("4:memory,cpu:/lxc/web1", "/lxc/web1", None, "web1"),
        ("2:cpu,cpuacct:/a\n1:name=systemd:/b.slice/c.service\n0::/", "/b.slice/c.service", "c.service", None),
        ("0::/a\u202e.service", "/a\\u202e.service", "a\\u202e.service", None),
    ],
)  # fmt: skip
def test_a_cgroup_names_unit_and_container(
    text: str, path: str, unit: str | None, container: str | None
) -> None:
    place = cgroup.parse(f"{text}\n")

    assert (place.cgroup, place.unit, place.container) == (path, unit, container)


def test_many_threads_read_facts_at_once(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(20):
                facts_of(victim.pid)
        except OSError as error:
            failures.append(error)

    with running(SLEEPS, tmp_path) as victim:
        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

    assert failures == []
