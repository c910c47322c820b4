"""Where the fleet's logs are kept: the `logs:` section. Its secret is in the environment."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.config.durations import Duration
from bot.config.prometheus import LabelName
from bot.config.section import Section
from bot.config.server import ServerSection


class LokiLabels(Section):
    """The labels of a stream that name its host and its service.

    host: none where services have one name in the whole fleet.
    """

    host: LabelName | None = "host"
    service: LabelName = "service_name"


class LokiSection(ServerSection):
    """One server that speaks Loki's API.

    timeout: for all that is asked about an incident. tenant: of a server that has several.
    """

    timeout: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(seconds=30))] = (
        timedelta(seconds=3)
    )
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9!_.*'()|-]{1,150}$")] | None = (
        None
    )
    labels: LokiLabels = LokiLabels()


class LogsSection(Section):
    """loki: asked about services of other hosts, and of this one without a journal."""

    loki: LokiSection | None = None
