"""The services that a team declares: what should run, and how it answers."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from bot.config.durations import Duration
from bot.config.section import Section
from remediation.target.unit import is_service_name, unit_name

Port = Annotated[int, Field(ge=1, le=65535)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+\S*$")]
Pattern = Annotated[str, Field(min_length=1, max_length=255)]


def _service_name(name: str) -> str:
    full = unit_name(name)
    if not is_service_name(full):
        raise ValueError("a service's name was expected, such as nginx.service")
    return full


class Service(Section):
    """One service of this host.

    unit: its canonical name. should_run: whether its being stopped is a condition.
    ports: TCP ports on this machine that must accept. http: an address that must answer
    with a status below 400. within: an answer that takes longer is slow. timeout: one
    that takes longer counts as none.
    """

    unit: str
    should_run: bool = True
    ports: tuple[Port, ...] = ()
    http: Url | None = None
    within: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=1)
    timeout: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(seconds=30))] = (
        timedelta(seconds=3)
    )

    _canonical = field_validator("unit")(_service_name)


class Timer(Section):
    """A systemd timer whose service must have been started lately.

    unit: its name, such as backup.timer. every: the longest time between two starts.
    """

    unit: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:_.@\\-]{0,240}\.timer$")
    ]
    every: Annotated[Duration, Field(gt=timedelta(0))]


class ServicePolicy(Section):
    """Which services may be started, stopped, restarted and reloaded.

    allow: canonical names; empty: none. protect: extra patterns (`*` and `?`) that
    nothing lifts.
    """

    allow: tuple[str, ...] = ()
    protect: tuple[Pattern, ...] = ()

    @field_validator("allow")
    @classmethod
    def _canonical(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_service_name(name) for name in names)


class Supervisor(Section):
    """socket: of the supervisord that runs this host's services, instead of systemd."""

    socket: Path | None = None
