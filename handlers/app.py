"""The Bolt app: listeners registered, errors worded, nothing posted that was raised."""

import logging
from concurrent.futures import ThreadPoolExecutor

from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from handlers import actions, commands, home, mentions, modals
from handlers.actions import Body
from handlers.blocks import answers
from handlers.desk import Desk
from handlers.guard import Denied, Guard

log = logging.getLogger(__name__)

LISTENERS = 32
"""Threads that serve clicks and commands; each may wait for `users.info`."""


def build(client: WebClient, desk: Desk, *, signing_secret: str | None) -> App:
    """Return the app with every listener; it has made no call to Slack yet."""
    app = App(
        client=client,
        signing_secret=signing_secret or "socket mode needs none",
        token_verification_enabled=False,
        # Socket Mode's envelopes are authenticated by the connection itself.
        request_verification_enabled=signing_secret is not None,
        authorize=_Authorize(desk.guard, client),
        listener_executor=ThreadPoolExecutor(LISTENERS, thread_name_prefix="listener"),
    )
    for feature in (actions, commands, modals, mentions, home):
        feature.register(app, desk)
    app.error(_OnError(desk))
    return app


class _Authorize:
    """One workspace, one token: no call to Slack on the way to a listener."""

    def __init__(self, guard: Guard, client: WebClient) -> None:
        self._guard = guard
        self._client = client

    def __call__(self) -> AuthorizeResult:
        try:
            home_ = self._guard.home()
        except Denied:
            team_id = bot_user_id = None
        else:
            team_id, bot_user_id = home_.team_id, home_.bot_user_id
        return AuthorizeResult(
            enterprise_id=None,
            team_id=team_id,
            bot_user_id=bot_user_id,
            bot_token=self._client.token,
        )


class _OnError:
    """A listener failed: logged with its traceback, counted, said to the clicker.

    The click stays unacknowledged where it was not acknowledged before, so Slack
    shows it as failed too.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self, error: Exception, body: Body) -> BoltResponse | None:
        log.error("listener.failed", exc_info=error)
        self._desk.telemetry.failed("listener")
        self._desk.reply(
            body,
            answers.plain(
                "Something failed on my side and this was not done. "
                "Try again; if it stays, look at my log."
            ),
        )
        return None
