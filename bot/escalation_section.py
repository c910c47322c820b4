"""When people are called, and whom besides Slack: the `escalation:` section."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.durations import Duration
from bot.section import Section

Address = Annotated[str, Field(pattern=r"^https?://[^\s/]+\S*$")]


class Escalation(Section):
    """after: how long a critical incident may be without owner and decision.

    pagerduty_url: where events go if PAGERDUTY_ROUTING_KEY is set.
    """

    after: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=10)
    pagerduty_url: Address = "https://events.pagerduty.com/v2/enqueue"
