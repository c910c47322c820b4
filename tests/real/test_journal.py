"""The lines of a service, from the journal of a real systemd."""

import shlex
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.logs.journal import Journald
from bot.logs.lines import Lines, NoLogs, Wanted
from tests.real.machines import Machine, machine

pytestmark = pytest.mark.timeout(180)
FAILS = """\
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for n in 1 2 3; do echo "worker $n: connection refused by 10.0.0.$n:5432"; done; echo "password=hunter2"; echo bye; exit 3'
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Machine]:
    with machine() as running:
        yield running


@pytest.fixture(scope="module")
def journald(host: Machine, tmp_path_factory: pytest.TempPathFactory) -> Journald:
    program = tmp_path_factory.mktemp("program") / "journalctl"
    inside = shlex.join(host.enter("journalctl"))
    program.write_text(f'#!/bin/sh\nexec {inside} "$@"\n')
    program.chmod(0o755)
    return Journald(program=program)


def wanted(service: str, *, before: timedelta = timedelta(minutes=10)) -> Wanted:
    now = datetime.now(UTC)
    return Wanted(host="web-1", service=service, since=now - before, until=now)


def written(journald: Journald, service: str, words: str) -> Lines:
    """What it wrote, once that is in the journal."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = journald.around(wanted(service))
        if any(words in line.text for line in found.last):
            return found
        time.sleep(0.1)
    raise AssertionError(f"not written within 30 s: {words}")


def test_a_failed_services_errors_and_last_words(
    host: Machine, journald: Journald
) -> None:
    host.service("fails.service", FAILS)
    told = written(journald, "fails.service", "Failed with result 'exit-code'")
    errors = [line.text for line in told.errors]
    assert sum("connection refused by 10.0.0." in text for text in errors) == 3
    last = "\n".join(line.text for line in told.last)
    assert "bye" in last
    assert "password=[redacted]" in last and "hunter2" not in last
    assert list(told.last) == sorted(told.last, key=lambda line: line.at)
    assert abs(told.last[-1].at - datetime.now(UTC)) < timedelta(minutes=5)


def test_what_was_written_before_the_window_is_the_last_there_is(
    host: Machine, journald: Journald
) -> None:
    host.service("early.service", "[Service]\nExecStart=/bin/echo early words\n")
    written(journald, "early.service", "early words")
    later = journald.around(wanted("early.service", before=timedelta(hours=-1)))
    assert any("early words" in line.text for line in later.last)


def test_a_service_that_never_wrote_has_no_lines(journald: Journald) -> None:
    told = journald.around(wanted("never.service"))
    assert (list(told.errors), list(told.last)) == ([], [])


@pytest.mark.parametrize("name", ["*", "--force", "a b", "", "x\n", "nginx*.service"])
def test_what_is_no_name_reaches_no_program(journald: Journald, name: str) -> None:
    with pytest.raises(NoLogs, match="not the name"):
        journald.around(wanted(name))


def test_a_host_without_a_journal_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoLogs, match="cannot be read"):
        Journald(program=tmp_path / "none").around(wanted("nginx.service"))
