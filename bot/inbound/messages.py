"""What a webhook's body says, as alerts; whatever it is not is refused in words.

Three forms: Alertmanager's webhook (version 4), Grafana's (version 1, the same shape with
more in it), and one plain object for anybody else. Unknown fields are passed over, as
both projects add some with each release; everything that is kept is bounded.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, ValidationError

from bot.inbound.told import LONGEST, MOST_LABELS, Source, ToldAlert, digest_of
from bot.text.redact import visible

_MOST_LEFT_OUT: Final = 1_000_000
MOST_ALERTS: Final = 10_000
"""In one message."""
_NAME: Final = 100
_AHEAD: Final = timedelta(minutes=5)
"""How far another clock may be ahead; beyond it an alert began when it was told."""
_OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)

Told = TypeVar("Told")
Words = Annotated[str, StringConstraints(max_length=100_000)]


class BadMessage(ValueError):
    """The body is no such message; its text says what is wrong with it."""


class _Alert(BaseModel):
    status: Literal["firing", "resolved"]
    labels: dict[str, Words]
    annotations: dict[str, Words] = Field(default_factory=dict)
    starts_at: AwareDatetime = Field(alias="startsAt")
    ends_at: AwareDatetime | None = Field(default=None, alias="endsAt")
    fingerprint: Annotated[str, StringConstraints(max_length=64)] = ""


class _Group(BaseModel):
    version: str
    group_key: Words = Field(default="", alias="groupKey")
    alerts: Annotated[list[_Alert], Field(max_length=MOST_ALERTS)]
    left_out: Annotated[int, Field(ge=0)] = Field(default=0, alias="truncatedAlerts")


class _Plain(BaseModel):
    model_config = {"extra": "forbid"}

    name: Annotated[str, StringConstraints(min_length=1, max_length=_NAME)]
    status: Literal["firing", "resolved"] = "firing"
    host: Annotated[str, StringConstraints(max_length=_NAME)] = ""
    service: Annotated[str, StringConstraints(max_length=_NAME)] = ""
    severity: Literal["warning", "critical"] = "warning"
    summary: Annotated[str, StringConstraints(max_length=LONGEST)] = ""


def of_alertmanager(body: bytes, now: datetime) -> tuple[ToldAlert, ...]:
    """Return the alerts of Alertmanager's webhook; raise `BadMessage`.

    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """
    return _of_group(Source.ALERTMANAGER, body, now, version="4")


def of_grafana(body: bytes, now: datetime) -> tuple[ToldAlert, ...]:
    """Return the alerts of Grafana's webhook contact point; raise `BadMessage`."""
    return _of_group(Source.GRAFANA, body, now, version="1")


def of_json(body: bytes, now: datetime) -> tuple[ToldAlert, ...]:
    """Return the one alert of the plain form; raise `BadMessage`.

    It is the same alert as long as name, host and service are; the inbox knows since when.
    """
    told = _checked(_Plain.model_validate, _object(body))
    labels = {"alertname": told.name, "severity": told.severity}
    labels |= {"host": told.host} if told.host else {}
    labels |= {"service": told.service} if told.service else {}
    alert = ToldAlert(
        source=Source.JSON,
        fingerprint=digest_of(told.name, told.host, told.service),
        starts_at=now,
        is_firing=told.status == "firing",
        labels=_bounded(labels),
        annotations=_bounded({"summary": told.summary} if told.summary else {}),
    )
    return (alert,)


Reader = Callable[[bytes, datetime], tuple[ToldAlert, ...]]


def _of_group(
    source: Source, body: bytes, now: datetime, *, version: str
) -> tuple[ToldAlert, ...]:
    found = _object(body)
    if found.get("version") != version:
        seen = str(found.get("version"))[:20]
        raise BadMessage(f"version {seen} is not known; version {version} was expected")
    told = _checked(_Group.model_validate, found)
    return tuple(_alert(source, one, told, now) for one in told.alerts)


def _alert(source: Source, told: _Alert, group: _Group, now: datetime) -> ToldAlert:
    named = told.fingerprint or digest_of(json.dumps(sorted(told.labels.items())))
    return ToldAlert(
        source=source,
        fingerprint=visible(named),
        starts_at=_sensible(told.starts_at, now),
        is_firing=told.status == "firing",
        ends_at=told.ends_at if told.ends_at and told.ends_at >= _OLDEST else None,
        labels=_bounded(told.labels),
        annotations=_bounded(told.annotations),
        group=digest_of(source, group.group_key) if group.group_key else "",
        left_out=min(group.left_out, _MOST_LEFT_OUT),
    )


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadMessage("the body is not JSON") from error
    if not isinstance(found, dict):
        raise BadMessage("one JSON object was expected")
    return found


def _checked(read: Callable[[object], Told], found: Mapping[str, object]) -> Told:
    try:
        return read(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part)[:40] for part in first["loc"])
        raise BadMessage(f"{where}: {first['msg'].lower()}") from error


def _sensible(at: datetime, now: datetime) -> datetime:
    return at.astimezone(UTC) if _OLDEST <= at <= now + _AHEAD else now


def _bounded(words: Mapping[str, str]) -> dict[str, str]:
    """Cut what is more than a person reads; who it is, the fingerprint knows."""
    first = islice(sorted(words.items(), key=_first_of_all), MOST_LABELS)
    return {visible(k[:_NAME]): visible(v[:LONGEST]) for k, v in first}


def _first_of_all(pair: tuple[str, str]) -> tuple[bool, str]:
    # The name is never what is cut away.
    return pair[0] != "alertname", pair[0]
