"""What a report assumes, and when it comes by itself: the `report:` section of the file."""

from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from bot.config.policy import Day, TimeOfDay, Zone
from bot.config.section import Section
from remediation.rules.calendar import DAYS

_LATE = timedelta(days=1)
"""A bot that was down tells the week so much later at most; then it waits for the next."""


class Weekly(Section):
    """day, at: when the report of the last seven days is posted, in a zone."""

    enabled: bool = False
    day: Day = "mon"
    at: TimeOfDay = timedelta(hours=9)
    zone: Zone = ZoneInfo("UTC")

    def due(self, now: datetime) -> datetime | None:
        """Return the instant of the report that is to be told now, if one is. now: aware."""
        if not self.enabled:
            return None
        here = now.astimezone(self.zone)
        back = (here.weekday() - DAYS.index(self.day)) % 7
        for days in (back, back + 7):
            midnight = datetime.combine(
                here.date() - timedelta(days=days), time(), tzinfo=self.zone
            )
            # Wall clock arithmetic: at nine also where the clocks changed in the night.
            instant = midnight + self.at
            if instant <= here < instant + _LATE:
                return instant
        return None


class ReportSection(Section):
    """minutes_per_action: what a person would have needed for one action that helped."""

    minutes_per_action: Annotated[int, Field(ge=0, le=1440)] = 15
    weekly: Weekly = Weekly()
