"""PagerDuty and a webhook are told once of what was escalated, and of its end."""

from collections.abc import Iterator

import pytest

from bot.oncall.pager import Pager, PagerDuty, Pages, Webhook
from bot.runtime.loop import Unfinished
from tests.fakes.pages import Inbox, inbox
from tests.fakes.story import ALICE, Story


@pytest.fixture
def box() -> Iterator[Inbox]:
    with inbox() as running:
        yield running


def pager(story: Story, *to: Pages) -> Pager:
    return Pager(
        record=story.record, poster=story.poster, to=to, instance="web-1~abc123"
    )


def escalated(story: Story) -> None:
    story.opens()
    story.posted(permalink="https://example.test/card")
    story.own.escalate(1, ALICE)


def test_an_escalated_incident_triggers_and_its_end_resolves(
    story: Story, box: Inbox
) -> None:
    escalated(story)
    telling = pager(story, PagerDuty(box.url, "a-key"))
    for _ in range(3):
        telling.step()
    story.own.false_alarm(1, ALICE)
    for _ in range(3):
        telling.step()
    assert box.events() == ["trigger", "resolve"]
    first, last = box.got
    assert first["dedup_key"] == last["dedup_key"] == "countersign/web-1~abc123/1"
    assert first["routing_key"] == "a-key"
    assert first["payload"] == {
        "summary": "CPU 98 % on web-1. The CPU of web-1 is 98 % busy.",
        "source": "web-1",
        "severity": "critical",
        "timestamp": story.incident().since.isoformat(),
        "component": "",
    }
    assert first["links"] == [
        {"href": "https://example.test/card", "text": "The card in Slack"}
    ]


def test_what_nobody_escalated_calls_nobody(story: Story, box: Inbox) -> None:
    story.opens()
    pager(story, Webhook(box.url)).step()
    assert box.got == []


def test_a_webhook_gets_a_document(story: Story, box: Inbox) -> None:
    escalated(story)
    pager(story, Webhook(box.url)).step()
    (body,) = box.got
    assert (body["event"], body["incident"], body["level"]) == (
        "escalated",
        1,
        "critical",
    )
    assert body["link"] == "https://example.test/card"


def test_a_failure_is_told_once_and_tried_again(story: Story, box: Inbox) -> None:
    escalated(story)
    telling = pager(story, Webhook(box.url))
    box.status = 503
    for _ in range(3):
        with pytest.raises(Unfinished):
            telling.step()
    said = [text for text in story.texts().splitlines() if "could not be told" in text]
    assert said == [
        "the webhook could not be told: it answered with status 503. It is tried again"
    ]
    box.status = 200
    telling.step()
    assert story.events(1)[-1] == "page.sent"
    assert len(box.got) == 4


def test_one_that_fails_holds_up_no_other(story: Story, box: Inbox) -> None:
    escalated(story)
    nobody = PagerDuty("http://127.0.0.1:1/", "a-key")
    with pytest.raises(Unfinished):
        pager(story, nobody, Webhook(box.url)).step()
    assert box.events() == ["escalated"]


def test_neither_key_nor_address_is_told_to_anybody(story: Story, box: Inbox) -> None:
    escalated(story)
    box.status = 400
    with pytest.raises(Unfinished):
        pager(story, PagerDuty(box.url, "a-key"), Webhook(box.url)).step()
    assert "a-key" not in story.texts()
    assert "secret-path" not in story.texts()


def test_another_process_goes_on_where_one_ended(story: Story, box: Inbox) -> None:
    escalated(story)
    pager(story, Webhook(box.url)).step()
    pager(story, Webhook(box.url)).step()
    assert box.events() == ["escalated"]
