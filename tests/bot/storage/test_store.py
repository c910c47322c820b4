"""Incidents and what was posted of them, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from bot.lore import Diagnosis, Hypothesis
from bot.model import (
    Check,
    EvidenceItem,
    Incident,
    NoAction,
    Phase,
    Table,
    Verification,
)
from bot.storage import store
from bot.storage.database import Database
from remediation.ledger import audit
from remediation.verify import Verdict
from tests.fakes.clock import START, FakeClock
from tests.fakes.things import culprit, finding, incident
from tests.real.databases import KINDS, on

CHANNEL = "C07OPSALRT1"

database = on(*KINDS)


def created(database: Database, **changes: object) -> Incident:
    with database.write() as tx:
        return store.create(tx, lambda number: incident(number=number, **changes))


def test_an_incident_comes_back_whole(database: Database) -> None:
    table = Table(columns=("PID", "CPU"), rows=(("1", "2"),))
    whole = created(
        database,
        culprit=culprit(),
        owner="U1",
        muted_until=START,
        evidence=(EvidenceItem(id="E1", title="top", table=table),),
        diagnosis=Diagnosis(
            summary="s",
            hypotheses=(Hypothesis(cause="c", evidence=("E1",)),),
            confidence=0.5,
            author="rules",
        ),
        no_action=NoAction(rule="r", reason="x"),
        check=Check(
            proposal="p",
            acted=FakeClock().now(),
            window=timedelta(0),
            before=(finding(),),
        ),
        verification=Verification(
            proposal="p",
            verdict=Verdict.WORSE,
            figures="f",
            took=timedelta(seconds=1.5),
        ),
    )
    with database.read() as tx:
        assert store.get(tx, whole.number) == whole


def test_numbers_go_up(database: Database) -> None:
    numbers = [created(database, fingerprint=f"f{n}").number for n in range(3)]
    assert numbers == [1, 2, 3]


def test_a_cause_has_one_open_incident(database: Database) -> None:
    created(database)
    with pytest.raises(IntegrityError):
        created(database)


def test_a_resolved_cause_may_open_again(database: Database) -> None:
    created(database)
    with database.write() as tx:
        store.bump(tx, 1, phase=Phase.RESOLVED)
    assert created(database).number == 2


def test_an_older_version_is_not_written_over_a_newer(database: Database) -> None:
    old = created(database)
    with database.write() as tx:
        store.bump(tx, 1, owner="U1")
    with database.write() as tx, pytest.raises(store.Unknown):
        store.save(tx, replace(old, version=old.version))


def test_an_unknown_number_is_said_so(database: Database) -> None:
    with database.read() as tx, pytest.raises(store.Unknown):
        store.get(tx, 99)


def test_open_ones_come_the_oldest_first_and_recent_ones_the_newest(
    database: Database,
) -> None:
    for n in range(3):
        created(database, fingerprint=f"f{n}", opened_at=START + timedelta(hours=n))
    with database.write() as tx:
        store.bump(tx, 2, phase=Phase.RESOLVED)
        opened = [i.number for i in store.opened(tx)]
        since = [i.number for i in store.since(tx, START + timedelta(hours=1))]
    assert (opened, since) == ([1, 3], [3, 2])


def test_a_new_incident_is_unposted(database: Database) -> None:
    created(database)
    with database.write() as tx:
        (posting,) = store.unposted(tx, CHANNEL)
    assert (posting.incident, posting.ts, posting.channel) == (1, None, CHANNEL)


def test_what_slack_has_seen_is_not_unposted(database: Database) -> None:
    created(database)
    with database.write() as tx:
        store.unposted(tx, CHANNEL)
        store.posted(tx, 1, ts="1.1", version=1)
        assert store.unposted(tx, CHANNEL) == []
        assert store.by_message(tx, CHANNEL, "1.1") == 1


@pytest.mark.parametrize("news", ["version", "event"])
def test_a_change_or_an_event_makes_it_unposted_again(
    database: Database, news: str
) -> None:
    created(database)
    with database.write() as tx:
        store.unposted(tx, CHANNEL)
        store.posted(tx, 1, ts="1.1", version=1)
        if news == "version":
            store.bump(tx, 1, owner="U1")
        else:
            audit.append(tx, audit.Event(kind="x", text="", at=START, incident=1))
        assert len(store.unposted(tx, CHANNEL)) == 1


def test_a_message_in_another_channel_is_no_card(database: Database) -> None:
    created(database)
    with database.write() as tx:
        store.unposted(tx, CHANNEL)
        store.posted(tx, 1, ts="1.1")
        assert store.by_message(tx, "C0OTHER", "1.1") is None


@pytest.mark.parametrize(
    ("known", "is_it"),
    [
        ({"ts": "2.2"}, True),
        ({"ts": "1.1"}, False),
        ({"ts": "1.1", "doubtful": 1}, True),
        ({"ts": None, "attempting": store.CARD}, True),
        ({"ts": None, "attempting": 7}, False),
        ({"ts": None}, False),
    ],
)
def test_a_card_without_an_answer_is_known(
    database: Database, known: dict[str, object], *, is_it: bool
) -> None:
    created(database)
    with database.write() as tx:
        store.unposted(tx, CHANNEL)
        store.posted(tx, 1, **known)
        card = store.posting(tx, 1)
        assert store.is_card(tx, card, CHANNEL, "2.2") is is_it
        assert not store.is_card(tx, card, "C0OTHER", "2.2")
        assert not store.is_card(tx, card, CHANNEL, "")
        assert not store.is_card(tx, store.posting(tx, 2), CHANNEL, "2.2")


def test_a_small_fact_is_kept(database: Database) -> None:
    with database.write() as tx:
        store.remember(tx, "k", "old")
        store.remember(tx, "k", "new")
        assert (store.recall(tx, "k"), store.recall(tx, "x")) == ("new", None)
