"""What was told is kept until it is over, by its key, and never twice."""

import json
from datetime import timedelta

import pytest

from bot.inbound import inbox as inboxes
from bot.inbound.inbox import Full, Inbox
from bot.inbound.messages import of_alertmanager, of_json
from bot.inbound.told import ToldAlert
from tests.fakes.clock import START
from tests.fakes.story import Story
from tests.fakes.telling import message, told


@pytest.fixture
def inbox(story: Story) -> Inbox:
    return Inbox(story.database, story.clock)


def alerts(*raw: dict[str, object]) -> tuple[ToldAlert, ...]:
    return of_alertmanager(
        json.dumps(message(*raw)).encode(), START + timedelta(hours=2)
    )


def names(inbox: Inbox) -> list[str]:
    return [kept.alert.name for kept in inbox.look()]


def test_what_fires_is_there_until_it_is_resolved(inbox: Inbox) -> None:
    inbox.take(alerts(told(), told("DiskFull")))
    assert sorted(names(inbox)) == ["DiskFull", "HighLatency"]
    inbox.take(alerts(told(status="resolved")))
    assert names(inbox) == ["DiskFull"]


def test_what_is_told_again_is_one_and_was_heard_later(
    inbox: Inbox, story: Story
) -> None:
    inbox.take(alerts(told()))
    story.clock.go(60)
    inbox.take(alerts(told()))
    (kept,) = inbox.look()
    assert kept.heard_at == story.clock.wall
    assert kept.alert.starts_at == START


def test_the_end_of_an_earlier_firing_ends_no_later_one(inbox: Inbox) -> None:
    later = START + timedelta(minutes=5)
    inbox.take(alerts(told(starts_at=later)))
    before = (START + timedelta(minutes=4)).isoformat()
    inbox.take(alerts(told(status="resolved", ends_at=before)))
    assert names(inbox) == ["HighLatency"]
    inbox.take(alerts(told(status="resolved", starts_at=later)))
    assert names(inbox) == []


def test_an_end_counts_whose_start_was_set_back(inbox: Inbox) -> None:
    """Alertmanager does that when another Prometheus saw the alert earlier."""
    inbox.take(alerts(told()))
    earlier = START - timedelta(minutes=1)
    over = (START + timedelta(minutes=9)).isoformat()
    inbox.take(alerts(told(status="resolved", starts_at=earlier, ends_at=over)))
    assert names(inbox) == []


def test_a_clock_that_was_set_back_loses_nothing(inbox: Inbox, story: Story) -> None:
    over = b'{"name": "backup failed", "status": "resolved"}'
    inbox.take(of_json(b'{"name": "backup failed"}', story.clock.wall))
    assert names(inbox) == ["backup failed"]
    story.clock.wall -= timedelta(hours=2)
    inbox.take(of_json(over, story.clock.wall))
    assert names(inbox) == []
    inbox.take(of_json(b'{"name": "backup failed"}', story.clock.wall))
    assert names(inbox) == ["backup failed"]


def test_what_nobody_tells_of_any_more_makes_room(inbox: Inbox, story: Story) -> None:
    inbox.take(alerts(told("A")))
    story.clock.go(timedelta(hours=49).total_seconds())
    inbox.take(alerts(told("B")))
    assert names(inbox) == ["B"]


def test_it_may_begin_anew(inbox: Inbox) -> None:
    inbox.take(alerts(told()))
    inbox.take(alerts(told(status="resolved")))
    again = START + timedelta(hours=1)
    inbox.take(alerts(told(starts_at=again)))
    (kept,) = inbox.look()
    assert kept.alert.starts_at == again


def test_an_end_without_a_beginning_is_no_news(inbox: Inbox) -> None:
    inbox.take(alerts(told(status="resolved")))
    assert (names(inbox), inbox.waiting()) == ([], 0)


def test_the_plain_form_began_when_it_was_told_first(
    inbox: Inbox, story: Story
) -> None:
    inbox.take(of_json(b'{"name": "backup failed"}', story.clock.wall))
    story.clock.go(90)
    inbox.take(of_json(b'{"name": "backup failed"}', story.clock.wall))
    (kept,) = inbox.look()
    assert kept.alert.starts_at == START
    over = b'{"name": "backup failed", "status": "resolved"}'
    inbox.take(of_json(over, story.clock.wall))
    assert names(inbox) == []


def test_what_came_and_went_unseen_is_in_the_ledger(inbox: Inbox, story: Story) -> None:
    inbox.take(alerts(told()))
    assert inbox.waiting() == 1
    inbox.take(alerts(told(status="resolved")))
    assert names(inbox) == []
    assert inbox.waiting() == 0
    assert story.events() == ["alert.passed"]
    inbox.look()
    assert story.events() == ["alert.passed"], "told once"


def test_what_was_shown_in_vain_is_not_seen(inbox: Inbox, story: Story) -> None:
    told_now = alerts(told("A"), told("B"))
    inbox.take(told_now)
    assert sorted(names(inbox)) == ["A", "B"]
    inbox.missed([alert for alert in told_now if alert.name == "A"])
    assert sorted(names(inbox)) == ["A", "B"]
    assert inbox.waiting() == 1
    inbox.missed([alert for alert in told_now if alert.name == "A"])
    inbox.take(alerts(told("A", status="resolved"), told("B", status="resolved")))
    assert names(inbox) == []
    assert story.events() == ["alert.passed"]
    assert "A fired" in story.texts()


def test_what_was_shown_in_vain_once_is_seen_in_the_end(
    inbox: Inbox, story: Story
) -> None:
    told_now = alerts(told("A"))
    inbox.take(told_now)
    inbox.look()
    inbox.missed(told_now)
    inbox.look()
    inbox.look()
    assert inbox.waiting() == 0
    inbox.take(alerts(told("A", status="resolved")))
    inbox.look()
    assert story.events() == []


def test_no_more_are_taken_than_there_is_room_for(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inboxes, "MOST_FIRING", 2)
    inbox.take(alerts(told("A"), told("B")))
    with pytest.raises(Full, match="2 alerts fire already"):
        inbox.take(alerts(told("C"), told("A", status="resolved", fingerprint="x")))
    assert sorted(names(inbox)) == ["A", "B"]
    inbox.take(alerts(told("B", status="resolved")))
    inbox.take(alerts(told("C")))
    assert sorted(names(inbox)) == ["A", "C"]


def test_an_end_is_taken_where_there_is_no_room(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.take(alerts(told("A"), told("B")))
    monkeypatch.setattr(inboxes, "MOST_FIRING", 1)
    inbox.take(alerts(told("A", status="resolved")))
    assert names(inbox) == ["B"]


def test_old_rows_go_and_what_fires_stays(inbox: Inbox, story: Story) -> None:
    inbox.take(alerts(told("A"), told("B")))
    inbox.look()
    inbox.look()
    inbox.take(alerts(told("A", status="resolved")))
    story.clock.go(90_000)
    inbox.take(alerts(told("C")))
    with story.database.read() as tx:
        kept = tx.exec_driver_sql("SELECT count(*) FROM inbox").scalar()
    assert kept == 2


def test_a_reader_may_say_that_something_is_over(inbox: Inbox) -> None:
    inbox.take(alerts(told("A"), told("B")))
    (a,) = (k.alert for k in inbox.look() if k.alert.name == "A")
    again = START + timedelta(minutes=1)
    inbox.take(alerts(told("B", starts_at=again)))
    (old,) = alerts(told("B"))
    inbox.end([a, old])
    assert names(inbox) == ["B"], "its later firing goes on"
