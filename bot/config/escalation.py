"""When people are called, and whom besides Slack: the `escalation:` section."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.config.durations import Duration
from bot.config.policy import SlackGroup, SlackUser, When
from bot.config.section import Section

Address = Annotated[str, Field(pattern=r"^https?://[^\s/]+\S*$")]


class SecondApprover(Section):
    """Whom to call when an action has some of its approvals, and the others do not come.

    after: how long to wait before each of `then`, people or groups in this order. when:
    the hours in which it is done; always without the key.
    """

    after: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=5)
    then: tuple[SlackUser | SlackGroup, ...] = ()
    when: When | None = None


class Escalation(Section):
    """after: how long a critical incident may be without owner and decision.

    second_approver: whom to call when one approval is not enough. pagerduty_url: where events go if PAGERDUTY_ROUTING_KEY is set.
    """

    after: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=10)
    second_approver: SecondApprover = SecondApprover()
    pagerduty_url: Address = "https://events.pagerduty.com/v2/enqueue"
