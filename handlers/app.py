"""The Bolt app: listeners registered, errors worded, nothing posted that was raised."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from handlers import actions, feedback, home, mentions, modals, slash
from handlers.actions import Body
from handlers.blocks import answers
from handlers.desk import Desk
from handlers.guard import Denied, Guard

log = logging.getLogger(__name__)

_FAILED = (
    "Something failed on my side and this was not done. "
    "Try again; if it stays, look at my log."
)
LISTENERS = 32
"""Threads that serve clicks and commands; each may wait for `users.info`."""


def build(client: WebClient, desk: Desk, *, signing_secret: str | None) -> App:
    """Return the app with every listener; it has made no call to Slack yet."""
    app = App(
        logger=_quiet(),
        client=client,
        signing_secret=signing_secret or "socket mode needs none",
        token_verification_enabled=False,
        # Socket Mode's envelopes are authenticated by the connection itself.
        request_verification_enabled=signing_secret is not None,
        authorize=_authorize(desk.guard, client),
        listener_executor=ThreadPoolExecutor(LISTENERS, thread_name_prefix="listener"),
    )
    for feature in (actions, slash, feedback, modals, mentions, home):
        feature.register(app, desk)
    app.error(_on_error(desk))
    return app


def _quiet() -> logging.Logger:
    # Bolt warns of a token it finds in the environment and of every connection that
    # it replaces; errors of listeners come through `_on_error`.
    logger = logging.getLogger("slack")
    logger.setLevel(logging.ERROR)
    return logger


def _authorize(guard: Guard, client: WebClient) -> Callable[[], AuthorizeResult]:
    """One workspace, one token: no call to Slack on the way to a listener."""

    # A function, not an object: Bolt fills arguments by name and would fill `self`.
    def authorize() -> AuthorizeResult:
        try:
            place = guard.home()
        except Denied:
            team_id = bot_user_id = None
        else:
            team_id, bot_user_id = place.team_id, place.bot_user_id
        return AuthorizeResult(
            enterprise_id=None,
            team_id=team_id,
            bot_user_id=bot_user_id,
            bot_token=client.token,
        )

    return authorize


def _on_error(desk: Desk) -> Callable[..., None]:
    """Handle a failed listener: logged with its traceback, counted, said to the clicker.

    A click that was not acknowledged stays so, and Slack shows it as failed too.
    """

    def on_error(error: Exception, body: Body) -> None:
        log.error("listener.failed", exc_info=error)
        desk.telemetry.failed("listener")
        event = body.get("event")
        if isinstance(event, dict):
            desk.reply.aside(mentions.spoken_in(event), answers.plain(_FAILED))
        else:
            desk.reply(body, answers.plain(_FAILED))

    return on_error
