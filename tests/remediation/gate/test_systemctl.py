"""The gate's systemctl: listed words only, bounded in time and in what it may say."""

from datetime import timedelta
from pathlib import Path

import pytest

from remediation.gate.systemctl import JobVerb, NotDone, run, show

SHORT = timedelta(seconds=20)


def program(folder: Path, *lines: str) -> Path:
    """A systemctl that is a script; it writes down what it was called with."""
    path = folder / "systemctl"
    told = f'printf "%s\\n" "$@" > {folder}/called; env > {folder}/environment'
    path.write_text("\n".join(("#!/bin/sh", told, *lines, "")))
    path.chmod(0o755)
    return path


def called(folder: Path) -> list[str]:
    return (folder / "called").read_text().splitlines()


def test_a_job_is_one_verb_and_one_name_and_throws_out_no_others(
    tmp_path: Path,
) -> None:
    systemctl = program(tmp_path)
    assert run(JobVerb.RESTART, "nginx.service", deadline=SHORT, systemctl=systemctl)

    words = ["restart", "--job-mode=fail", "--no-ask-password", "--", "nginx.service"]
    assert called(tmp_path) == words
    environment = (tmp_path / "environment").read_text()
    names = {line.partition("=")[0] for line in environment.splitlines()}
    assert names <= {"PATH", "LC_ALL", "SYSTEMD_COLORS", "SYSTEMD_PAGER", "PWD", "_"}


def test_a_failed_state_is_cleared_without_a_job(tmp_path: Path) -> None:
    systemctl = program(tmp_path)
    run(JobVerb.RESET_FAILED, "nginx.service", deadline=SHORT, systemctl=systemctl)
    assert called(tmp_path)[:2] == ["reset-failed", "--no-ask-password"]


def test_what_systemctl_says_is_told_in_one_printable_line(tmp_path: Path) -> None:
    systemctl = program(tmp_path, r"printf 'Job \033[31mfailed\nmore\n' >&2", "exit 1")
    with pytest.raises(NotDone) as failed:
        run(JobVerb.START, "nginx.service", deadline=SHORT, systemctl=systemctl)
    assert str(failed.value) == r"systemctl says: Job \x1b[31mfailed"


@pytest.mark.parametrize(
    ("lines", "words"), [(("exit 3",), "failed (3)"), ((), "could not be started")]
)
def test_a_systemctl_that_says_nothing_is_told_too(
    tmp_path: Path, lines: tuple[str, ...], words: str
) -> None:
    systemctl = program(tmp_path, *lines) if lines else tmp_path / "missing"
    with pytest.raises(NotDone) as failed:
        run(JobVerb.START, "nginx.service", deadline=SHORT, systemctl=systemctl)
    assert words in str(failed.value)


def test_a_job_that_takes_longer_is_left_to_systemd(tmp_path: Path) -> None:
    systemctl = program(tmp_path, "exec sleep 60")
    deadline = timedelta(seconds=0.2)
    assert not run(
        JobVerb.STOP, "nginx.service", deadline=deadline, systemctl=systemctl
    )


def test_a_service_is_shown_with_its_names_and_what_needs_it(tmp_path: Path) -> None:
    systemctl = program(
        tmp_path,
        "echo Id=nginx.service; echo Names=web.service nginx.service",
        "echo LoadState=loaded; echo ActiveState=active; echo InvocationID=ab",
        "echo ControlGroup=/system.slice/nginx.service",
        "echo RequiredBy=a.service; echo BoundBy=; echo ConsistsOf=b.service c.service",
    )
    row = show("web.service", systemctl=systemctl)

    assert (row.name, row.names) == ("nginx.service", ("web.service", "nginx.service"))
    assert (row.load, row.active, row.invocation) == ("loaded", "active", "ab")
    assert row.cgroup == "/system.slice/nginx.service"
    assert row.needed_by == ("a.service", "b.service", "c.service")


@pytest.mark.parametrize("name", ["--now.service", "../x.service", "a@.service", ""])
def test_what_is_no_service_is_never_an_argument(tmp_path: Path, name: str) -> None:
    systemctl = program(tmp_path)
    with pytest.raises(NotDone, match="no name of one service"):
        show(name, systemctl=systemctl)
    with pytest.raises(NotDone, match="no name of one service"):
        run(JobVerb.STOP, name, deadline=SHORT, systemctl=systemctl)
    assert not (tmp_path / "called").exists()


def test_a_systemctl_that_cannot_tell_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(NotDone, match="failed with status 1"):
        show("nginx.service", systemctl=program(tmp_path, "exit 1"))
