"""`countersign export`: what other programs are given is what was recorded, and harmless."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.cli.bounds import parse_bound
from bot.cli.exports import _write_incidents
from bot.keeping.audit_sheet import COLUMNS, harmless, write
from bot.keeping.bygone import Bygone
from remediation.ledger import audit
from tests.bot.cli.test_cli import countersign
from tests.fakes.clock import START
from tests.fakes.story import ALICE, BOB, Story
from tests.real.databases import KINDS, fresh, on

README = (Path(__file__).parents[3] / "README.md").read_text()
HEADER = ",".join(f'"{column}"' for column in COLUMNS)
Lines = list[dict[str, Any]]

database = on(*KINDS)


@pytest.fixture
def told(story: Story) -> Story:
    """Incident 1 recovered after an approval; a day later 2 is open, rejected once."""
    story.ends()
    story.clock.go(timedelta(days=1).total_seconds())
    story.opens()
    offered = story.incident(2).offered or ""
    story.decide.reject(offered, ALICE, None)
    story.decide.say_why(offered, ALICE, "=HYPERLINK(1)")
    return story


def lines(
    story: Story, since: datetime | None = None, until: datetime | None = None
) -> Lines:
    out = io.StringIO()
    with story.database.read() as tx:
        _write_incidents(tx, out, since, until)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def sheet(
    story: Story, since: datetime | None = None, until: datetime | None = None
) -> list[dict[str, str]]:
    out = io.StringIO(newline="")
    with story.database.read() as tx:
        write(tx, out, since=since, until=until)
    out.seek(0)
    return list(csv.DictReader(out))


# --- incidents -----------------------------------------------------------------------


def test_an_incident_is_a_line_with_all_that_was_done(told: Story) -> None:
    first, second = lines(told)
    assert (first["number"], first["phase"], first["outcome"]) == (
        1,
        "resolved",
        "fixed",
    )
    assert second["outcome"] is None and second["resolved_at"] is None
    action = first["actions"][0]
    assert (action["state"], action["result"]) == ("done", "done")
    assert action["approvers"] == [ALICE.id]
    assert first["measured"]["verdict"] == "recovered"
    with told.database.read() as tx:
        recorded = [s.hash for s in audit.read(tx, incident=1)]
    events = first["events"]
    assert [event["hash"] for event in events] == recorded


def test_a_rejection_has_its_reason(told: Story) -> None:
    rejected = [a for a in lines(told)[1]["actions"] if a["state"] == "rejected"]
    assert [(a["note"], a["decided_by"]) for a in rejected] == [
        ("=HYPERLINK(1)", ALICE.id)
    ]


def test_readme_names_every_field(told: Story) -> None:
    part = README.partition("`countersign export incidents` prints")[2]
    named = re.findall(r"`([a-z_]+)`", part.partition("`countersign export audit`")[0])
    first = lines(told)[0]
    of_actions = {"letter", "kind", "text", "hash", "state", "result"}
    assert [name for name in named if name not in of_actions] == list(first)
    assert of_actions <= set(first["actions"][0])


def test_a_span_is_of_what_was_opened_in_it(told: Story) -> None:
    day = START + timedelta(days=1)
    assert [line["number"] for line in lines(told, since=day)] == [2]
    assert [line["number"] for line in lines(told, until=day)] == [1]
    assert lines(told, since=day, until=day) == []


def test_a_purge_is_no_gap_in_an_export(told: Story, tmp_path: Path) -> None:
    now = told.clock.wall
    bygone = Bygone(told.database, tmp_path)
    bygone.take(now - timedelta(hours=1), why="a test", now=now)
    assert [line["number"] for line in lines(told)] == [2]
    assert sheet(told)[-1]["what"] == "records.purged"


# --- the ledger as a sheet -----------------------------------------------------------


def test_the_sheet_has_every_event_in_its_place(told: Story) -> None:
    rows = sheet(told)
    with told.database.read() as tx:
        recorded = [(str(s.seq), s.event.kind, s.hash) for s in audit.export(tx)]
    assert [(row["seq"], row["what"], row["hash"]) for row in rows] == recorded
    assert list(rows[0]) == list(COLUMNS)


def test_it_says_who_and_why_and_what_came_of_it(told: Story) -> None:
    by_kind = {row["what"]: row for row in sheet(told)}
    approved, rejected = by_kind["proposal.approved"], by_kind["proposal.rejected"]
    assert (approved["who"], approved["outcome"]) == (ALICE.id, "done")
    assert approved["why"].startswith("policy.") and len(approved["action_hash"]) == 64
    assert rejected["why"] == "'=HYPERLINK(1)"
    assert by_kind["incident.opened"]["who"] == "countersign"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(told: Story, begin: str) -> None:
    with told.database.write() as tx:
        text = f'{begin}cmd|"/c calc"!A1, "x"\n2'
        event = audit.Event(kind="x", text=text, at=START, actor=f"{begin}U1")
        audit.append(tx, event)
    last = sheet(told)[-1]
    assert last["text"] == f"'{text}" and last["who"] == f"'{begin}U1"
    assert harmless(None) == "" and harmless(12) == "12" and harmless("a=b") == "a=b"


def test_a_sheet_of_a_span_has_its_events(told: Story) -> None:
    day = START + timedelta(days=1)
    whole, before, after = sheet(told), sheet(told, until=day), sheet(told, since=day)
    assert before + after == whole and before and after


# --- the command ---------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "state").mkdir()
    with fresh("sqlite", tmp_path / "state") as database:
        Story(database).ends()
        yield tmp_path / "state"


def test_both_are_printed(folder: Path) -> None:
    done = countersign("export", "incidents", "--since", "2026-03-01", folder=folder)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    day = ("--since", "2026-03-01", "--until", "2026-03-01")
    done = countersign("export", "audit", *day, folder=folder)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == HEADER
    assert len(done.stdout.splitlines()) > 5
    done = countersign("export", "audit", "--until", "2026-02-28", folder=folder)
    assert done.stdout.splitlines() == [HEADER]


@pytest.mark.parametrize(
    "words",
    [
        ("incidents", "--since", "yesterday"),
        ("incidents", "--until", "2026-02-30"),
        ("audit", "--since", ""),
        ("audit", "--until", "9999-12-31"),
    ],
)
def test_a_date_that_is_none_is_said(folder: Path, words: tuple[str, ...]) -> None:
    done = countersign("export", *words, folder=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{words[1]}: " in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("what", ["incidents", "audit"])
def test_without_a_database_nothing_is_exported(tmp_path: Path, what: str) -> None:
    done = countersign("export", what, folder=tmp_path)
    assert (done.returncode, "there is no database" in done.stderr) == (2, True)
    (tmp_path / "countersign.db").write_text("no database " * 500)
    done = countersign("export", what, folder=tmp_path)
    assert (done.returncode, "cannot be used" in done.stderr) == (2, True)


def test_a_reader_that_goes_is_no_fault(tmp_path: Path) -> None:
    with fresh("sqlite", tmp_path) as database, database.write() as tx:
        for number in range(5000):
            audit.append(tx, audit.Event(kind="x", text=f"{number}", at=START))
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "export", "audit"],
        env={"PATH": os.defpath, "COUNTERSIGN_STATE_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stderr
    assert process.stdout.readline().startswith('"seq"')
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), said) == (141, "")


# --- bounds --------------------------------------------------------------------------


def test_a_day_is_all_of_it() -> None:
    day = datetime(2026, 1, 31, tzinfo=UTC)
    assert parse_bound("2026-01-31") == day
    assert parse_bound(" 2026-01-31 ", is_end=True) == day + timedelta(days=1)
    noon = day + timedelta(hours=12)
    for text in ("2026-01-31T12:00", "2026-01-31 13:00+01:00", "2026-01-31T12:00Z"):
        assert parse_bound(text) == parse_bound(text, is_end=True) == noon


def test_who_asked_is_said(story: Story) -> None:
    story.ask.kill("web-1", 4242, BOB)
    (line,) = lines(story)
    assert line["actions"][0]["requested_by"] == BOB.id
