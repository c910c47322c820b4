"""What is read from the messages of other systems, and what is refused."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbound.messages import (
    MOST_ALERTS,
    BadMessage,
    of_alertmanager,
    of_grafana,
    of_json,
)
from bot.inbound.told import Source
from tests.fakes.clock import START
from tests.fakes.telling import message, told


def body(*alerts: dict[str, object], **changes: object) -> bytes:
    return json.dumps(message(*alerts) | changes).encode()


def test_an_alert_keeps_its_key_and_its_words() -> None:
    (alert,) = of_alertmanager(body(told(service="nginx")), START)
    assert (alert.source, alert.name) == (Source.ALERTMANAGER, "HighLatency")
    assert (alert.starts_at, alert.is_firing) == (START, True)
    assert alert.labels["service"] == "nginx"
    assert alert.annotations == {"summary": "HighLatency is bad"}
    assert alert.group


def test_alerts_of_one_group_share_it_and_others_do_not() -> None:
    one, two = of_alertmanager(body(told(), told("DiskFull")), START)
    (other,) = of_alertmanager(body(told(), groupKey="{}:{a=1}"), START)
    assert one.group == two.group != other.group


def test_what_the_sender_left_out_is_told() -> None:
    (alert,) = of_alertmanager(body(told(), truncatedAlerts=40), START)
    assert alert.left_out == 40


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        (START - timedelta(hours=3), START - timedelta(hours=3)),
        (START + timedelta(minutes=1), START + timedelta(minutes=1)),
        (START + timedelta(days=900), START),
        (datetime(1, 1, 1, tzinfo=UTC), START),
    ],
)
def test_a_start_that_cannot_be_is_now(at: datetime, kept: datetime) -> None:
    (alert,) = of_alertmanager(body(told(starts_at=at)), START)
    assert alert.starts_at == kept


def test_grafana_says_more_and_is_read_the_same() -> None:
    alert = told() | {"values": {"B": 44.2}, "dashboardURL": "", "silenceURL": "x"}
    raw = json.dumps(message(alert) | {"version": "1", "orgId": 1, "state": "alerting"})
    (read,) = of_grafana(raw.encode(), START)
    assert (read.source, read.name) == (Source.GRAFANA, "HighLatency")


def test_the_plain_form_needs_a_name_only() -> None:
    (alert,) = of_json(b'{"name": "backup failed"}', START)
    assert (alert.name, alert.is_firing, alert.source) == (
        "backup failed",
        True,
        Source.JSON,
    )
    (over,) = of_json(b'{"name": "backup failed", "status": "resolved"}', START)
    assert over.fingerprint == alert.fingerprint
    (there,) = of_json(b'{"name": "backup failed", "host": "db-1"}', START)
    assert there.fingerprint != alert.fingerprint


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "one JSON object"),
        (b"{}", "version None is not known; version 4 was expected"),
        (body(version="5"), "version 5 is not known"),
        (body(alerts="x"), "alerts:"),
        (body(told() | {"labels": {"a": 1}}), "alerts.0.labels.a:"),
        (body(told() | {"startsAt": "yesterday"}), "alerts.0.startsAt:"),
        (body(told() | {"startsAt": "2026-11-21T10:00:00"}), "alerts.0.startsAt:"),
        (body(told() | {"status": "maybe"}), "alerts.0.status:"),
        (body(truncatedAlerts=-1), "truncatedAlerts:"),
        (body(*[told()] * (MOST_ALERTS + 1)), "alerts:"),
    ],
)
def test_what_is_no_such_message_is_named(raw: bytes, why: str) -> None:
    with pytest.raises(BadMessage) as refused:
        of_alertmanager(raw, START)
    assert why in str(refused.value)


def test_a_bomb_of_labels_is_cut_and_its_name_is_kept() -> None:
    many = {f"a{n:05}": "x" * 5000 for n in range(2000)}
    alert = told() | {"labels": many | {"alertname": "Bomb"}}
    (read,) = of_alertmanager(body(alert), START)
    assert read.name == "Bomb"
    assert len(read.labels) == 64
    assert max(map(len, read.labels.values())) == 1000


@given(st.binary(max_size=300))
def test_noise_is_refused_and_raises_nothing_else(raw: bytes) -> None:
    for read in (of_alertmanager, of_grafana, of_json):
        with pytest.raises(BadMessage):
            read(raw, START)


@given(st.text(), st.text(), st.text(max_size=64))
def test_any_words_can_be_written_down(label: str, value: str, name: str) -> None:
    alert = told() | {"labels": {label: value}, "fingerprint": name}
    (read,) = of_alertmanager(body(alert), START)
    said = [*read.labels, *read.labels.values(), read.fingerprint, read.name]
    assert "\x00" not in "".join(said).encode().decode()
