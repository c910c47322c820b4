"""`POST /webhooks/alertmanager` and its siblings: who may, what is answered, what is kept."""

import json

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from bot.config.alerts import AlertsSection
from bot.inbound import inbox as inboxes
from bot.inbound.inbox import Inbox
from bot.runtime.telemetry import Telemetry
from bot.storage.database import Database
from bot.webhooks import alerts
from bot.webhooks.door import Door
from tests.fakes.posting import TOKEN, posted
from tests.fakes.story import Story
from tests.fakes.telling import message, told

PATH = "/webhooks/alertmanager"


def post(
    story: Story,
    body: object = None,
    path: str = PATH,
    *,
    token: str = TOKEN,
    raw: bytes | None = None,
) -> httpx.Response:
    inbox = Inbox(story.database, story.clock)
    routes = alerts.router(
        inbox, AlertsSection(), story.clock, Door(TOKEN, Telemetry())
    )
    return posted(routes, path, body, token=token, raw=raw)


def firing(story: Story) -> list[str]:
    kept = Inbox(story.database, story.clock).look()
    return sorted(one.alert.name for one in kept)


def test_what_is_kept_is_answered_with_202(story: Story) -> None:
    answer = post(story, message(told(), told("DiskFull")))
    assert (answer.status_code, answer.text) == (202, "kept: 2 alerts\n")
    assert firing(story) == ["DiskFull", "HighLatency"]


def test_grafana_and_anybody_else_have_their_own_ways(story: Story) -> None:
    body = message(told("FromGrafana")) | {"version": "1"}
    assert post(story, body, "/webhooks/grafana").status_code == 202
    assert post(story, {"name": "FromCron"}, "/webhooks/alert").status_code == 202
    assert firing(story) == ["FromCron", "FromGrafana"]


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], f"{TOKEN}x"])
@pytest.mark.parametrize("path", [PATH, "/webhooks/grafana", "/webhooks/alert"])
def test_without_the_token_nothing_is_kept(story: Story, path: str, token: str) -> None:
    answer = post(story, message(told()), path, token=token)
    assert answer.status_code == 401
    assert firing(story) == []


def test_fifty_megabytes_are_refused(story: Story) -> None:
    answer = post(story, raw=b"x" * 50_000_000)
    assert answer.status_code == 413
    assert "16,000,000 bytes" in answer.text


def test_what_is_no_message_is_named(story: Story) -> None:
    answer = post(story, message(told()) | {"version": "9"})
    assert answer.status_code == 400
    assert "version 9 is not known" in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [(PATH, 503), ("/webhooks/grafana", 429), ("/webhooks/alert", 429)],
)
def test_a_full_inbox_says_so_and_keeps_what_it_has(
    story: Story, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    monkeypatch.setattr(inboxes, "MOST_FIRING", 1)
    post(story, message(told()))
    bodies: dict[str, object] = {
        PATH: message(told("More")),
        "/webhooks/grafana": message(told("More")) | {"version": "1"},
        "/webhooks/alert": {"name": "More"},
    }
    answer = post(story, bodies[path], path)
    assert answer.status_code == status
    assert "send it again" in answer.text
    assert answer.headers["Retry-After"]
    assert firing(story) == ["HighLatency"]


def test_a_database_that_cannot_be_written_is_no_202(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Database) -> object:
        raise OperationalError("insert", {}, Exception("disk I/O error"))

    monkeypatch.setattr(Database, "write", fails)
    answer = post(story, message(told()))
    assert answer.status_code == 503


def test_what_is_posted_is_counted(story: Story) -> None:
    telemetry = Telemetry()
    inbox = Inbox(story.database, story.clock)
    routes = alerts.router(inbox, AlertsSection(), story.clock, Door(TOKEN, telemetry))
    posted(routes, PATH, message(told()))
    posted(routes, PATH, message(told()), token="")
    count = telemetry.registry.get_sample_value
    for status in ("202", "401"):
        labels = {"route": "alertmanager", "status": status}
        assert count("countersign_webhooks_total", labels) == 1


def test_what_is_no_news_takes_no_room(story: Story) -> None:
    answer = post(story, message(told("Watchdog", severity="none"), told()))
    assert answer.status_code == 202
    assert firing(story) == ["HighLatency"]


def test_a_number_that_is_too_large_is_no_error(story: Story) -> None:
    answer = post(story, message(told()) | {"truncatedAlerts": 10**20})
    assert answer.status_code == 202


def test_the_largest_message_is_taken(story: Story) -> None:
    many = [told(f"A{n}", instance=f"web-{n}:9100") for n in range(10_000)]
    raw = json.dumps(message(*many)).encode()
    assert len(raw) < 16_000_000
    answer = post(story, raw=raw)
    assert answer.status_code == 202
    assert len(firing(story)) == 10_000
