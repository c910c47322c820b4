"""How alerts that other systems tell are read: the `alerts:` section.

Who may tell them is a secret, and in the environment (`COUNTERSIGN_WEBHOOK_TOKEN`).
"""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.config.durations import Duration
from bot.config.prometheus import LabelName, ServiceAction
from bot.config.section import Section
from bot.config.server import ServerSection

LabelNames = Annotated[tuple[LabelName, ...], Field(min_length=1, max_length=20)]


class Alertmanager(ServerSection):
    """The server whose silences go with the mutes here. every: between two looks."""

    every: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(seconds=5)


class AlertsSection(Section):
    """What the labels of an alert mean, and where its Alertmanager is.

    host, service: the labels that name them; the first that an alert has. actions: all
    that may be proposed for such a service. severity: the label that says how bad it is.
    critical: its values that are critical; ignored: those that are no news for people.
    settle: how long the effect of an action is measured at least; an alert's end is told
    late. forgotten_after: how long nobody may tell of an alert until it counts as gone;
    more than Alertmanager's `repeat_interval`.
    """

    host: LabelNames = ("instance", "host", "hostname", "node", "nodename")
    service: LabelNames = ("service", "unit")
    actions: Annotated[tuple[ServiceAction, ...], Field(min_length=1)] = ("restart",)
    severity: LabelName = "severity"
    critical: tuple[str, ...] = ("critical", "page", "emergency", "fatal")
    ignored: tuple[str, ...] = ("none", "info")
    settle: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(hours=1))] = (
        timedelta(minutes=2)
    )
    forgotten_after: Annotated[Duration, Field(ge=timedelta(minutes=5))] = timedelta(
        hours=24
    )
    alertmanager: Alertmanager | None = None
