"""What an Alertmanager answered, as values; whatever else it says is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError


class NotSaid(Exception):
    """It gave no answer that can be used; its text says why, fit for a card."""


class SilenceRefused(Exception):
    """It does not want this silence; its text says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One label that a silence asks for; with `is_regex` a pattern for all of its value."""

    name: str
    value: str
    is_regex: bool = False

    def as_sent(self) -> dict[str, object]:
        """Return it as the API words it."""
        regex = {"isRegex": self.is_regex, "isEqual": True}
        return {"name": self.name, "value": self.value, **regex}


class ServerSilence(BaseModel):
    """One silence of the server. state: whether it counts now."""

    class Status(BaseModel):
        """Where it stands."""

        state: Literal["active", "pending", "expired"]

    id: str
    status: Status
    ends_at: AwareDatetime = Field(alias="endsAt")
    created_by: str = Field(alias="createdBy")
    comment: str

    @property
    def is_over(self) -> bool:
        """Whether it silences nothing any more."""
        return self.status.state == "expired"


class ServerAlert(BaseModel):
    """One alert of the server that is not resolved."""

    class Status(BaseModel):
        """Who keeps it quiet: ids of silences, fingerprints of inhibiting alerts."""

        silenced_by: list[str] = Field(alias="silencedBy")
        inhibited_by: list[str] = Field(alias="inhibitedBy")

    fingerprint: str
    status: Status


class ServerStatus(BaseModel):
    """The server itself. uptime: since when it runs."""

    uptime: AwareDatetime


_ALERTS: TypeAdapter[list[ServerAlert]] = TypeAdapter(list[ServerAlert])
_SILENCES: TypeAdapter[list[ServerSilence]] = TypeAdapter(list[ServerSilence])


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands. alerts: by fingerprint, all that are not resolved."""

    started: datetime
    alerts: Mapping[str, ServerAlert]
    silences: Mapping[str, ServerSilence]


def standing(status: bytes, alerts: bytes, silences: bytes) -> Standing:
    """Return the answers to the three questions as one; raise `NotSaid`."""
    try:
        return Standing(
            started=ServerStatus.model_validate_json(status).uptime,
            alerts={a.fingerprint: a for a in _ALERTS.validate_json(alerts)},
            silences={
                s.id: s for s in _SILENCES.validate_json(silences) if not s.is_over
            },
        )
    except ValidationError as error:
        raise NotSaid("what it answers is not Alertmanager's JSON") from error
