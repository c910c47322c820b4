"""Where and with whom the bot talks, and when it tells the day."""

from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from bot.config.policy import (
    Approvers,
    SlackGroup,
    SlackUser,
    TimeOfDay,
    Zone,
)
from bot.config.section import Section

SlackChannel = Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{2,}$")]


class Notify(Section):
    """Whom the first post of a critical incident mentions: user or group ids."""

    critical: tuple[SlackUser | SlackGroup, ...] = ()


class Digest(Section):
    """at: when, every day, it is told what was seen and called nobody; in a zone."""

    enabled: bool = True
    at: TimeOfDay = timedelta(hours=9)
    zone: Zone = ZoneInfo("UTC")

    def is_due(self, now: datetime) -> bool:
        """Say whether its time of this day has come. now: aware."""
        here = now.astimezone(self.zone)
        since = timedelta(hours=here.hour, minutes=here.minute)
        return self.enabled and since >= self.at


class Slack(Section):
    """Where and with whom the bot talks."""

    channel: SlackChannel | None = None
    command: Annotated[str, Field(pattern=r"^/[a-z0-9_-]{1,31}$")] = "/sre"
    approvers: Approvers = Approvers()
    notify: Notify = Notify()
    digest: Digest = Digest()
