"""What people and pipelines tell that they changed: kept, refused, shown as evidence."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bot.evidence.changes import ChangesEvidence
from bot.runtime.telemetry import Telemetry
from bot.storage import marks
from bot.storage.database import Database
from bot.storage.marks import BadMark, Mark, Marks
from bot.webhooks import changes
from bot.webhooks.door import Door
from tests.bot.cli.test_cli import countersign
from tests.detectors.pieces import this_host
from tests.fakes.clock import START
from tests.fakes.posting import TOKEN, posted
from tests.fakes.services import service
from tests.fakes.story import Story
from tests.fakes.things import incident

HOUR = timedelta(hours=1)


def told(database: Database, *kept: Mark) -> list[str]:
    with database.write() as tx:
        for mark in kept:
            marks.keep(tx, mark)
    with database.read() as tx:
        found = marks.between(
            tx, START - HOUR, START, host="web-1", service="nginx.service"
        )
    return [mark.text for mark in found]


def made(text: str, **changes: object) -> Mark:
    return marks.made(text, now=START, **changes)  # type: ignore[arg-type]


# --- keeping -------------------------------------------------------------------------


def test_what_concerns_a_host_and_service_is_found_the_newest_first(
    database: Database,
) -> None:
    earlier = START - timedelta(minutes=10)
    assert told(
        database,
        made("everywhere", at=earlier),
        made("another host", host="web-2"),
        made("another service", service="redis"),
        made("of the service", service="nginx", host="web-1"),
    ) == ["of the service", "everywhere"]


def test_an_incident_about_no_service_sees_every_services(database: Database) -> None:
    told(database, made("of redis", service="redis"))
    with database.read() as tx:
        found = marks.between(tx, START - HOUR, START, host="web-1", service="")
    assert [mark.service for mark in found] == ["redis.service"]


def test_what_is_old_is_forgotten(database: Database) -> None:
    old = made("old")
    with database.write() as tx:
        marks.keep(tx, old)
        later = marks.made("new", now=START + marks.KEPT_FOR + HOUR)
        marks.keep(tx, later)
        everything = marks.between(tx, START, later.at, host="", service="")
    assert [mark.text for mark in everything] == ["new"]


def test_a_secret_is_not_kept() -> None:
    kept = made("deployed with password=hunter2secret").text
    assert "hunter2" not in kept


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"text": "  "}, "say what was changed"),
        ({"at": START.replace(tzinfo=None)}, "no time zone"),
        ({"at": START - timedelta(days=2)}, "within the last 24 h"),
        ({"at": START + HOUR}, "within the last 24 h"),
        ({"service": "../../etc"}, "no name of a service"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, object], why: str) -> None:
    with pytest.raises(BadMark, match=why):
        made(**{"text": "deployed", **changes})  # type: ignore[arg-type]


# --- evidence ------------------------------------------------------------------------


def test_it_is_evidence_beside_packages(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "var/log/dpkg.log"
    log.parent.mkdir(parents=True)
    at = (START - HOUR).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    log.write_text(f"{at} upgrade nginx:amd64 1.22 1.24\n")
    told(database, made("deployed 2.31", service="nginx", by="pipeline"))
    source = ChangesEvidence(replace(this_host(), marks=Marks(database)), root=tmp_path)
    (item,) = source.gather(incident(service=service()))
    assert item.table is not None
    assert [row[1] for row in item.table.rows] == [
        "deployed 2.31 (nginx.service), told by pipeline",
        "package nginx:amd64: upgraded from 1.22 to 1.24",
    ]


def test_a_hundred_packages_do_not_hide_what_was_told(
    database: Database, tmp_path: Path
) -> None:
    log = tmp_path / "var/log/dpkg.log"
    log.parent.mkdir(parents=True)
    at = START.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    log.write_text("".join(f"{at} install p{n}:all <none> 1\n" for n in range(100)))
    told(database, made("deployed 2.31", at=START - HOUR))
    source = ChangesEvidence(replace(this_host(), marks=Marks(database)), root=tmp_path)
    (item,) = source.gather(incident())
    assert item.title == "What changed in the day before (93 more)"
    assert item.table is not None
    assert item.table.rows[-1][1] == "deployed 2.31"


def test_a_line_of_something_else_loses_nothing(
    database: Database, tmp_path: Path
) -> None:
    log = tmp_path / "var/log/dpkg.log"
    log.parent.mkdir(parents=True)
    log.write_text(
        "2026-02-30 10:00:00 install a:all <none> 1\n"
        "2446-01-01 10:00:00 install b:all <none> 1\n"
    )
    told(database, made("deployed 2.31"))
    source = ChangesEvidence(replace(this_host(), marks=Marks(database)), root=tmp_path)
    (item,) = source.gather(incident())
    assert item.table is not None
    assert [row[1] for row in item.table.rows] == ["deployed 2.31"]


# --- POST /webhooks/change -----------------------------------------------------------


def post(
    story: Story,
    body: object,
    *,
    token: str = TOKEN,
    raw: bytes | AsyncIterator[bytes] | None = None,
    seconds: float = 10,
) -> httpx.Response:
    door = Door(TOKEN, Telemetry(), seconds=seconds)
    routes = changes.router(story.record, door)
    return posted(routes, "/webhooks/change", body, token=token, raw=raw)


def kept(story: Story) -> list[Mark]:
    with story.database.read() as tx:
        now = story.clock.wall
        return list(
            marks.between(tx, now - 30 * HOUR, now + HOUR, host="web-1", service="")
        )


def test_a_pipeline_tells_a_change(story: Story) -> None:
    answer = post(story, {"text": "deployed 2.31", "service": "nginx", "by": "ci"})
    assert (answer.status_code, answer.text) == (201, "kept\n")
    (mark,) = kept(story)
    assert (mark.text, mark.service, mark.by) == (
        "deployed 2.31",
        "nginx.service",
        "ci",
    )
    assert story.events() == ["change.told"]


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], "x y"])
def test_without_the_token_nothing_is_kept(story: Story, token: str) -> None:
    answer = post(story, {"text": "x"}, token=token)
    assert answer.status_code == 401
    assert kept(story) == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ([], "one object"),
        ({}, "say what was changed"),
        ({"text": 7}, "text: a text"),
        ({"text": "x", "odd": 1}, "one object"),
        ({"text": "x", "at": "yesterday"}, "a time like"),
        ({"text": "x", "at": "2031-01-01T00:00:00Z"}, "last 24 h"),
        ({"text": "x", "service": "a b"}, "no name of a service"),
    ],
)
def test_bad_input_is_named(story: Story, body: object, why: str) -> None:
    answer = post(story, body)
    assert answer.status_code == 400
    assert why in answer.text
    assert kept(story) == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [(b"{", 400), (b"\xff\xfe", 400), (b"[" * 16_000, 400), (b"x" * 50_000, 413)],
)
def test_garbage_is_refused_and_bounded(story: Story, raw: bytes, status: int) -> None:
    assert post(story, None, raw=raw).status_code == status


def test_a_body_that_never_ends_is_given_up(story: Story) -> None:
    async def drip() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    assert post(story, None, raw=drip(), seconds=0.1).status_code == 408


# --- the commands --------------------------------------------------------------------


def test_scripts_tell_changes_and_maintenance(tmp_path: Path) -> None:
    (tmp_path / "countersign.yaml").write_text("host: web-1\n")

    def run(*words: str) -> tuple[int, str]:
        done = countersign(*words, folder=tmp_path)
        return done.returncode, done.stdout + done.stderr

    assert run("mark", "deployed 2.31") == (0, "noted: deployed 2.31\n")
    begun = run("maintenance", "start", "--for", "2h", "--why", "new kernel")
    assert begun == (0, "web-1 is in maintenance for 2 h: new kernel\n")
    assert run("maintenance", "list")[1].startswith("web-1  until ")
    assert run("maintenance", "end") == (0, "the maintenance of web-1 has ended\n")
    assert run("maintenance", "end") == (0, "the maintenance of web-1 had ended\n")
    assert run("maintenance", "list") == (0, "nothing is in maintenance\n")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("mark", " "), "say what was changed"),
        (("maintenance", "start", "--why", "x", "--for", "soon"), "a duration is"),
        (("maintenance", "start", "--why", "x", "--for", "9d"), "at most 7 d"),
        (("maintenance", "start", "--why", ""), "say what is done"),
        (
            ("maintenance", "start", "--why", "x", "no-such-unit"),
            "tells of such a service",
        ),
    ],
)
def test_bad_words_are_named(tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    (tmp_path / "countersign.yaml").write_text("host: web-1\n")
    done = countersign(*words, folder=tmp_path)
    assert done.returncode == 2
    assert why in done.stderr


def test_a_database_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "countersign.yaml").write_text("host: web-1\n")
    assert countersign("mark", "x", folder=tmp_path).returncode == 0
    (tmp_path / "countersign.db").write_bytes(os.urandom(4096))
    done = countersign("mark", "x", folder=tmp_path)
    assert done.returncode == 2
    assert "database" in done.stderr
