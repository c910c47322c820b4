"""What the soak looks for it finds: each invariant is broken once, by hand."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from slack_sdk import WebClient

from bot.person import Person
from handlers.workspace.delivery import Delivery
from handlers.workspace.people import ALICE, STRANGER
from handlers.workspace.workspace import Workspace
from remediation.ledger.audit import Sealed
from remediation.ledger.proposal import State
from tests.promises.house import House, on_card
from tests.soak import acted, answered, endured, told
from tests.soak.books import Books, Record, record_of
from tests.soak.crowd import Click
from tests.soak.lives import Life
from tests.soak.storms import Told
from tests.soak.villains import Villains

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with Workspace.start() as running:
        yield running


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House.in_folder(tmp_path)
    yield made
    made.close()


def done_by(house: House, person: str) -> Record:
    """An action that was approved by this person and carried out."""
    number = house.open_incident()
    proposal = house.propose(number)[0]
    who = Person(id=person, is_approver=True)
    house.decide.approve(proposal.id, who, on_card(number))
    house.carry_out.step()
    return record_of(house.url)


def books(record: Record, workspace: Workspace, **changes: object) -> Books:
    """Books in which nothing is wrong beside the record and the changes."""
    innocent = Books(
        record=record,
        workspace=workspace,
        clicks=(),
        alerts={},
        villains=(),
        bystanders=(),
        left_stopped=(),
        gone=frozenset(),
        kept=(),
        lives=(Life(began=0.0),),
        kills=(),
        outages=(),
        full=(),
        settled=1.0,
        hung=(),
        code=0,
        proof=(0, ""),
        log="",
    )
    return replace(innocent, **changes)


def click(value: str, who: str = ALICE.id) -> Click:
    sent = {"response_url": "http://127.0.0.1/hook/none"}
    done = Delivery(acked=True, payload={}, seconds=0.1, sent=sent)
    at = time.time()
    return Click(
        at=at, ended=at, who=who, button="approve", value=value, card="1.1", done=done
    )


# --- acts ----------------------------------------------------------------------------


def test_an_act_that_nobody_clicked_for_is_found(
    house: House, workspace: Workspace
) -> None:
    record = done_by(house, ALICE.id)
    (which,) = (p.id for p in record.proposals.values() if p.state is State.DONE)

    assert acted.unapproved(books(record, workspace, clicks=[click(which)])).held
    assert not acted.unapproved(books(record, workspace)).held


def test_an_act_that_a_stranger_approved_is_found(
    house: House, workspace: Workspace
) -> None:
    record = done_by(house, STRANGER.id)
    (which,) = (p.id for p in record.proposals.values() if p.state is State.DONE)
    clicks = [click(which, STRANGER.id)]

    assert not acted.unapproved(books(record, workspace, clicks=clicks)).held


def test_an_act_of_another_hash_is_found(house: House, workspace: Workspace) -> None:
    record = done_by(house, ALICE.id)
    changed = {
        key: replace(each, digest="0" * 64) for key, each in record.proposals.items()
    }
    forged = replace(record, proposals=changed)
    clicks = [click(key) for key in changed]

    assert not acted.unapproved(books(forged, workspace, clicks=clicks)).held


def test_what_begins_twice_is_found(house: House, workspace: Workspace) -> None:
    record = done_by(house, ALICE.id)
    (start,) = record.of_kind("action.started")
    again: list[Sealed] = [*record.events, replace(start, seq=start.seq + 100)]

    assert acted.twice(books(record, workspace)).held
    assert not acted.twice(books(replace(record, events=again), workspace)).held


def test_a_signal_that_nobody_approved_is_found(
    house: House, workspace: Workspace, tmp_path: Path
) -> None:
    villains = Villains(1, tmp_path)
    try:
        found = books(
            record_of(house.url),
            workspace,
            villains=villains.all,
            bystanders=villains.bystanders,
        )
        assert acted.strangers(found).held and acted.twice(found).held
        bystander = villains.bystanders[0].process
        os.kill(bystander.pid, signal.SIGTERM)
        bystander.wait()
        wrong = acted.strangers(found).examples
        assert len(wrong) == 2
        assert not acted.twice(found).held
    finally:
        villains.close()


def test_a_file_that_nobody_approved_is_found(
    house: House, workspace: Workspace, tmp_path: Path
) -> None:
    record = record_of(house.url)
    gone = books(record, workspace, gone=frozenset({"base.1.gz"}))

    assert not acted.stray_files(gone).held
    assert not acted.stray_files(books(record, workspace, kept=[tmp_path / "no"])).held


def test_a_proposal_without_an_end_is_found(house: House, workspace: Workspace) -> None:
    house.propose(house.open_incident())

    assert not acted.unended(books(record_of(house.url), workspace)).held


# --- words ---------------------------------------------------------------------------


def test_a_click_that_nobody_answered_is_found(
    house: House, workspace: Workspace
) -> None:
    record = done_by(house, ALICE.id)
    (which,) = (p.id for p in record.proposals.values() if p.state is State.DONE)
    lost = click("another")

    assert answered.clicks(books(record, workspace, clicks=[click(which)])).held
    assert not answered.clicks(books(record, workspace, clicks=[lost])).held
    killed = books(record, workspace, clicks=[lost], kills=[lost.at + 1])
    assert answered.clicks(killed).held


def test_an_alert_that_got_lost_is_found(house: House, workspace: Workspace) -> None:
    alerts = {"Down": Told(name="Down", hosts=("a",), until=0, starts_at=NOW)}

    found = books(record_of(house.url), workspace, alerts=alerts)

    assert not answered.alerts(found).held


def test_a_line_that_is_missing_or_stands_twice_is_found(
    house: House, workspace: Workspace
) -> None:
    record = done_by(house, ALICE.id)
    (number,) = record.incidents
    posting = record.postings[number]
    client = WebClient(token=workspace.bot_token, base_url=workspace.api_url)
    root = client.chat_postMessage(channel=workspace.channel_id, text="card")["ts"]
    there = replace(record, postings={number: replace(posting, ts=root)})
    found = books(there, workspace)

    def post(seq: int) -> None:
        client.chat_postMessage(
            channel=workspace.channel_id,
            thread_ts=root,
            text="line",
            blocks=[
                {
                    "type": "context",
                    "block_id": f"event:{seq}:0",
                    "elements": [{"type": "mrkdwn", "text": "line"}],
                }
            ],
        )

    missing = told.lines(found).examples
    for sealed in there.events:
        if any(f" {sealed.seq} stands" in said for said in missing):
            post(sealed.seq)
    assert missing
    assert told.lines(found).held
    post(there.of_kind("action.started")[0].seq)
    assert len(told.lines(found).examples) == 1


def test_a_missing_card_and_an_open_end_are_found(
    house: House, workspace: Workspace
) -> None:
    found = books(done_by(house, ALICE.id), workspace)

    assert not told.cards(found).held
    assert not told.open_ends(found).held


# --- the bot itself ------------------------------------------------------------------


def test_only_the_end_of_a_chain_of_tracebacks_counts() -> None:
    head = "Traceback (most recent call last):\n  File x\n"
    chained = (
        f"{head}OSError: 1\n\nDuring handling of the above exception, another "
        f"exception occurred:\n\n{head}ValueError: 2\nnext line of the log\n"
    )

    assert list(endured.ends_of(f"a\n{chained}{head}KeyError: 3\n")) == [
        "ValueError: 2",
        "KeyError: 3",
    ]


def test_a_failure_of_an_unknown_kind_is_found(
    house: House, workspace: Workspace
) -> None:
    record = record_of(house.url)
    head = "Traceback (most recent call last):\n  File x\n"
    full = f"{head}OSError: [Errno 28] No space left on device\n"

    assert endured.faults_in_log(books(record, workspace, log=full)).held
    odd = books(record, workspace, log=f"{head}KeyError: 'x'\n")
    assert not endured.faults_in_log(odd).held
    locked = books(record, workspace, log="database is locked")
    assert not endured.faults_in_log(locked).held


def life(megabytes: float, slope: float = 0.0, seconds: int = 600) -> Life:
    made = Life(began=0.0)
    made.memory = [(age, megabytes + slope * age / 60) for age in range(seconds)]
    return made


def test_memory_that_grows_is_found(house: House, workspace: Workspace) -> None:
    record = record_of(house.url)

    def lived(*lives: Life) -> Books:
        return books(record, workspace, lives=lives)

    assert endured.grown_with_age(lived(life(300))).held
    assert not endured.grown_with_age(lived(life(300, slope=5))).held
    flat, rising = [life(300)] * 6, [life(300 + 20 * n) for n in range(6)]
    assert endured.grown_from_life_to_life(lived(*flat)).held
    assert not endured.grown_from_life_to_life(lived(*rising)).held


def test_a_start_while_slack_is_out_is_not_counted_as_slow() -> None:
    started = Life(began=10.0, ready=28.0)

    assert started.connected_after([(1.0, 9.0), (29.0, 40.0)]) == 18.0
    assert started.connected_after([(9.0, 24.0)]) is None
    assert Life(began=10.0).connected_after([]) is None


def test_only_a_disk_that_is_full_excuses_a_bot_that_does_not_begin(
    house: House, workspace: Workspace
) -> None:
    record = record_of(house.url)

    def is_held(**changes: object) -> bool:
        life = {"began": 10.0, "ended_at": 12.0, "ended": "by itself", "code": 2}
        lives = [Life(**{**life, **changes})]
        full = [(11.0, 15.0)]
        found = books(record, workspace, lives=lives, full=full, log=log)
        return endured.deaths(found).held

    log = "countersign cannot start: … The disk of /s is full: make room there"
    assert is_held()
    assert not is_held(ended_at=11.0)
    assert not is_held(began=15.0, ended_at=17.0)
    assert not is_held(code=3)
    assert not is_held(ready=11.5)
    log = "countersign cannot start: cannot listen on 127.0.0.1:80"
    assert not is_held()


def test_a_bot_that_hangs_dies_or_lies_is_found(
    house: House, workspace: Workspace
) -> None:
    record = record_of(house.url)
    dead = Life(began=0.0, ended="by itself with 1")

    assert not endured.settled(books(record, workspace, settled=None)).held
    assert not endured.settled(books(record, workspace, hung=["readyz"])).held
    assert not endured.deaths(books(record, workspace, lives=[dead])).held
    assert not endured.chain(books(record, workspace, proof=(1, "broken"))).held
