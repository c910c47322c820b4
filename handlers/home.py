"""App Home: drawn when somebody opens it."""

import logging

from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from handlers.actions import Body
from handlers.blocks.home import home, refused
from handlers.client import failure_of
from handlers.desk import Desk
from handlers.guard import Denied

log = logging.getLogger(__name__)


def register(app: App, desk: Desk) -> None:
    """Wire the tab."""

    def opened(event: Body, body: Body, client: WebClient) -> None:
        user_id = str(event.get("user"))
        if event.get("tab", "home") != "home":
            return
        try:
            who = desk.guard.person(user_id, str(body.get("team_id")))
        except Denied as denied:
            view = refused(denied.reason)
        else:
            view = home(
                desk.status.board(),
                desk.reports.week(),
                person=who.id,
                is_approver=who.is_approver,
                configuration=dict(desk.configuration),
            )
        try:
            client.views_publish(user_id=user_id, view=view)
        except SlackApiError as error:
            log.warning("home.not_published error=%s", failure_of(error).error)

    app.event("app_home_opened")(opened)
