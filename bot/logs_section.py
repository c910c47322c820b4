"""Where the fleet's logs are kept: the `logs:` section. Its secret is in the environment."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from bot.durations import Duration
from bot.prometheus_section import Address, LabelName
from bot.section import Section


class LokiLabels(Section):
    """The labels of a stream that name its host and its service.

    host: none where services have one name in the whole fleet.
    """

    host: LabelName | None = "host"
    service: LabelName = "service_name"


class LokiSection(Section):
    """One server that speaks Loki's API.

    url: without `/loki/api`. timeout: for all that is asked about an incident. user: for
    basic authentication; its password, or a bearer token where no user is named, is in
    the environment. tenant: of a server that has several. ca_file: whom to trust instead
    of the machine's list.
    """

    url: Address
    timeout: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(seconds=30))] = (
        timedelta(seconds=3)
    )
    user: Annotated[str, Field(pattern=r"^[^\s:]{1,100}$")] | None = None
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9!_.*'()|-]{1,150}$")] | None = (
        None
    )
    ca_file: Path | None = None
    labels: LokiLabels = LokiLabels()

    @field_validator("url")
    @classmethod
    def _without_end(cls, url: str) -> str:
        return url.rstrip("/")


class LogsSection(Section):
    """loki: asked about services of other hosts, and of this one without a journal."""

    loki: LokiSection | None = None
