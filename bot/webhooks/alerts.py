"""Alerts of others: `POST /webhooks/alertmanager`, `/webhooks/grafana`, `/webhooks/alert`.

The answer is 202 as soon as the alerts are durable; detection, posting and diagnosis come
after it, in loops of their own. Where they do not keep up, nothing more is taken.
Alertmanager tries again after a 5xx only and gives up on a 429, so it is told 503.
"""

from functools import partial
from typing import Final

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from bot.alerts.alert_findings import is_news
from bot.config.alerts import AlertsSection
from bot.inbound.inbox import Full, Inbox
from bot.inbound.messages import (
    BadMessage,
    Reader,
    of_alertmanager,
    of_grafana,
    of_json,
)
from bot.ports import Clock
from bot.webhooks.door import Door, busy, said

_LIMIT_BYTES: Final = 16_000_000
"""Ten thousand alerts with a dozen labels and a description."""
_PLAIN_BYTES: Final = 16_384


def router(inbox: Inbox, section: AlertsSection, clock: Clock, door: Door) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()
    keep = partial(_taken, inbox, section, clock)

    @routes.post("/webhooks/alertmanager", include_in_schema=False)
    async def alertmanager(request: Request) -> Response:
        use = partial(keep, of_alertmanager, 503)
        return await door.open(request, _LIMIT_BYTES, use)

    @routes.post("/webhooks/grafana", include_in_schema=False)
    async def grafana(request: Request) -> Response:
        use = partial(keep, of_grafana, 429)
        return await door.open(request, _LIMIT_BYTES, use)

    @routes.post("/webhooks/alert", include_in_schema=False)
    async def alert(request: Request) -> Response:
        use = partial(keep, of_json, 429)
        return await door.open(request, _PLAIN_BYTES, use)

    return routes


def _taken(
    inbox: Inbox,
    section: AlertsSection,
    clock: Clock,
    read: Reader,
    when_full: int,
    body: bytes,
) -> Response:
    try:
        alerts = read(body, clock.now().wall)
        # What is no news for people takes no room from what is.
        inbox.take([alert for alert in alerts if is_news(alert, section)])
    except BadMessage as error:
        return said(400, str(error))
    except Full as error:
        return busy(str(error), when_full)
    except SQLAlchemyError:
        return busy("it could not be kept")
    return said(202, f"kept: {len(alerts)} alert" + ("s" if len(alerts) != 1 else ""))
