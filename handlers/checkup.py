"""The doctor's look at Slack: tokens, scopes, channel, approvers."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.config.environment import Environment
from bot.config.policy import Approvers
from bot.config.settings import Settings
from bot.runtime.checkup import Finding, fail, fine, warn
from handlers.client import NETWORK_ERRORS, client, failure_of

_NEEDED = ("chat:write", "commands", "users:read")
_USEFUL = {
    "app_mentions:read": "mentions are not heard",
    "channels:history": "a post in a public channel whose answer is lost may come twice",
    "groups:history": "a post in a private channel whose answer is lost may come twice",
    "assistant:write": "nobody sees that an answer is being looked for",
    "files:write": "threads get no charts",
    "im:history": "direct messages are not heard",
    "usergroups:read": "groups cannot approve",
}
_SECONDS = 10
_SKEW_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What Slack said: the data, or the error instead."""

    data: Mapping[str, object]
    headers: Mapping[str, str]
    error: str | None


def checks(environment: Environment, settings: Settings | None) -> Iterator[Finding]:
    """Look at tokens, then scopes, clock, channel and approvers."""
    yield from _tokens(environment)
    if not (environment.bot_token or "").startswith("xoxb-"):
        return
    bot = client(environment.bot_token, environment.slack_api_url, timeout=_SECONDS)
    hello = _call(bot, "auth.test")
    if hello.error is not None:
        yield fail(
            "slack",
            f"auth.test says {hello.error}; the bot can neither post nor be clicked. "
            "Check SLACK_BOT_TOKEN and the way to Slack",
        )
        return
    yield fine("slack", f"{hello.data.get('team')} as {hello.data.get('user')}")
    yield from _scopes(hello)
    yield from _clock(hello)
    if environment.app_token is not None:
        yield _socket(environment)
    if settings is not None:
        yield from _channel(bot, settings)
        yield from _approvers(bot, settings)


def _tokens(environment: Environment) -> Iterator[Finding]:
    if not (environment.bot_token or "").startswith("xoxb-"):
        yield fail("SLACK_BOT_TOKEN", "it is missing or of another kind; needs xoxb-…")
    if environment.app_token is None and environment.signing_secret is None:
        yield fail(
            "SLACK_APP_TOKEN",
            "neither it (Socket Mode) nor SLACK_SIGNING_SECRET (HTTP) is set, so no "
            "click can arrive. Set one of them",
        )
    elif environment.app_token is not None and not environment.app_token.startswith(
        "xapp-"
    ):
        yield fail("SLACK_APP_TOKEN", "it is of another kind; needs xapp-…")


def _scopes(hello: _Answer) -> Iterator[Finding]:
    said = hello.headers.get("x-oauth-scopes")
    if said is None:
        yield warn("scopes", "the server does not tell them; they are not checked")
        return
    granted = {scope.strip() for scope in said.split(",")}
    missing = [scope for scope in _NEEDED if scope not in granted]
    if missing:
        yield fail("scopes", f"{', '.join(missing)} missing; reinstall the app with it")
    for scope, meaning in _USEFUL.items():
        if scope not in granted:
            yield warn("scopes", f"{scope} is missing: {meaning}")
    if not missing:
        yield fine("scopes", "all that are needed")


def _clock(hello: _Answer) -> Iterator[Finding]:
    date = hello.headers.get("date")
    if date is None:
        return
    skew = time.time() - parsedate_to_datetime(date).timestamp()
    if abs(skew) > _SKEW_SECONDS:
        yield warn(
            "clock",
            f"this machine is {skew:+.0f} s off Slack's clock; signed requests are "
            "refused and times in threads are wrong. Start a time service",
        )
    else:
        yield fine("clock", f"{skew:+.0f} s beside Slack's")


def _socket(environment: Environment) -> Finding:
    app = client(environment.app_token, environment.slack_api_url, timeout=_SECONDS)
    answer = _call(app, "apps.connections.open")
    if answer.error is None:
        return fine("socket mode", "a connection may be opened")
    return fail(
        "socket mode",
        f"{answer.error}: no click can arrive. The app token needs connections:write "
        "and Socket Mode switched on",
    )


def _channel(bot: WebClient, settings: Settings) -> Iterator[Finding]:
    name = settings.slack.channel
    if name is None:
        return
    # What the bot does there anyway, so that looking needs no scope of its own.
    answer = _call(bot, "conversations.history", channel=name, limit="1")
    if answer.error in ("missing_scope", "unknown_method"):
        yield warn("channel", f"{name} cannot be looked at ({answer.error})")
    elif answer.error == "not_in_channel":
        yield fail("channel", f"the bot is not in {name}; invite it there")
    elif answer.error is not None:
        yield fail(
            "channel",
            f"{name}: {answer.error}. Is it the id (C…) of a channel, and is the bot in "
            "it? A private one is not found before the bot is invited",
        )
    else:
        yield fine("channel", name)


def _named(settings: Settings) -> Approvers:
    """Return everybody who may approve something, also those whom only a rule names."""
    rules = [rule.approvers for rule in settings.policy.rules if rule.approvers]
    every = (settings.slack.approvers, *rules)
    return Approvers(
        users=tuple(dict.fromkeys(user for one in every for user in one.users)),
        groups=tuple(dict.fromkeys(group for one in every for group in one.groups)),
    )


def _approvers(bot: WebClient, settings: Settings) -> Iterator[Finding]:
    approvers = _named(settings)
    for user in approvers.users:
        answer = _call(bot, "users.info", user=user)
        if answer.error is not None:
            yield fail("approvers", f"{user}: {answer.error}; they cannot approve")
    for group in approvers.groups:
        answer = _call(bot, "usergroups.users.list", usergroup=group)
        if answer.error is not None or not answer.data.get("users"):
            reason = answer.error or "it is empty or disabled"
            yield fail("approvers", f"{group}: {reason}; nobody approves through it")


def _call(bot: WebClient, method: str, **params: str) -> _Answer:
    try:
        response = bot.api_call(method, params=params)
    except (SlackApiError, *NETWORK_ERRORS) as error:
        return _Answer(data={}, headers={}, error=failure_of(error).error)
    data = response.data if isinstance(response.data, dict) else {}
    headers = {str(k).lower(): str(v) for k, v in response.headers.items()}
    return _Answer(data=data, headers=headers, error=None)
