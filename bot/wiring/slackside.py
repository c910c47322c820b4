"""What speaks with Slack and hears other systems: built here, started by `running.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter

from bot.config.environment import Environment
from bot.text.words import seconds
from bot.webhooks import alerts, changes
from bot.webhooks.door import Door
from bot.wiring.core import Core
from handlers.app import build
from handlers.channel import Channel
from handlers.client import client
from handlers.desk import Desk
from handlers.guard import Guard
from handlers.http import router
from handlers.poster import Poster
from handlers.reply import Reply
from handlers.socket import Socket
from handlers.weekly import Weekly

VERIFY_SECONDS: Final = 1.5
"""How long Slack may take to say who clicked; the ack is due after three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSide:
    """What speaks with Slack. socket: None where clicks come over HTTP, by `routers`."""

    poster: Poster
    weekly: Weekly
    socket: Socket | None
    routers: Sequence[APIRouter]


def slack_side(core: Core, environment: Environment) -> SlackSide:
    """Build it; nothing is asked of Slack yet."""
    settings, api_url = core.settings, environment.slack_api_url
    # Each call has its deadline: an answer to a person, who clicked, a post.
    answering, verifying, posting = (
        client(environment.bot_token, api_url, timeout=seconds)
        for seconds in (10, VERIFY_SECONDS, 20)
    )
    channel = Channel(
        client=posting,
        channel_id=settings.slack.channel or "",
        telemetry=core.telemetry,
        confirm=core.lead.confirm,
    )
    guard = Guard(
        verifying,
        settings.slack.approvers,
        groups=core.record.ledger.book.groups,
    )
    desk = _desk(core, guard, Reply(answering, api_url, channel))
    token = environment.app_token
    secret = None if token else environment.signing_secret
    app = build(answering, desk, signing_secret=secret)
    return SlackSide(
        poster=_poster(core, channel),
        weekly=Weekly(
            channel=channel,
            record=core.record.led,
            reports=core.afterwards.reports,
        ),
        socket=Socket(app, answering, token) if token else None,
        routers=[
            *([router(app, secret)] if secret else []),
            *_webhooks(core, environment.webhook_token),
        ],
    )


def _webhooks(core: Core, token: str | None) -> Sequence[APIRouter]:
    """Return the routes for other systems; none without a token."""
    if token is None:
        return ()
    door = Door(token, core.telemetry)
    return (
        changes.router(core.record, door),
        alerts.router(core.inbox, core.settings.alerts, core.record.clock, door),
    )


def _poster(core: Core, channel: Channel) -> Poster:
    slack = core.settings.slack
    return Poster(
        channel=channel,
        record=core.record.led,
        pictures=core.plots.pictures,
        critical=slack.notify.critical,
        everybody=(*slack.approvers.users, *slack.approvers.groups),
        telemetry=core.telemetry,
    )


def _desk(core: Core, guard: Guard, reply: Reply) -> Desk:
    settings = core.settings
    approvers = settings.slack.approvers
    listed = len(approvers.users), len(approvers.groups)
    return Desk(
        host=settings.host,
        channel=settings.slack.channel or "",
        command=settings.slack.command,
        configuration={
            "Host": settings.host,
            "Detectors": ", ".join(core.watch.detectors),
            "Approvers": f"{listed[0]} people, {listed[1]} groups",
            "Approvals needed": str(settings.policy.approvals),
            "A button lives": seconds(settings.policy.approval_ttl),
        },
        guard=guard,
        reply=reply,
        decide=core.decide,
        ask=core.ask,
        drill=core.drill,
        own=core.own,
        silence=core.silence,
        handover=core.handover,
        simulate=core.simulate,
        status=core.status,
        plots=core.plots,
        database=core.record.database,
        ledger=core.record.ledger,
        telemetry=core.telemetry,
        feedback=core.afterwards.feedback,
        drafts=core.afterwards.drafts,
        postmortems=core.afterwards.postmortems,
        reports=core.afterwards.reports,
        purse=core.afterwards.purse,
        shelf=core.known.shelf,
        converse=core.converse,
    )
