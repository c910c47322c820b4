"""`countersign run`: start everything, serve until told to stop, end with 0."""

import gc
import logging
import os
import socket
import sys
from types import FrameType

import uvicorn

from bot.config.environment import Environment
from bot.config.yamlfile import BadConfiguration
from bot.storage.database import BadDatabase
from bot.storage.instance import BadState, StateFolder
from bot.wiring.core import Core, assembled
from bot.wiring.parts import configured, database_of, usable
from bot.wiring.running import Running, application

log = logging.getLogger(__name__)

_WAITING = 2048
"""Connections that wait to be accepted, at most; the server asks for as many."""
_GRACE_SECONDS = 5


class Refused(Exception):
    """The bot cannot start; the text says what is wrong and what to do."""


def run() -> int:
    """Run the bot; 0 after a clean stop, 2 when it cannot start."""
    logging.basicConfig(
        level=os.environ.get("COUNTERSIGN_LOG", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    for chatty in ("apscheduler", "alembic", "httpx2", "matplotlib", "watchfiles"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Warns once that an answer has parts that are no text: tool calls, as asked for.
    logging.getLogger("asyncssh").setLevel(logging.ERROR)
    logging.getLogger("google_genai").setLevel(logging.ERROR)
    environment = Environment.read(os.environ)
    folder = StateFolder(environment.state_dir)
    try:
        _serve(environment, folder)
    except (BadConfiguration, BadDatabase, BadState, Refused) as error:
        sys.stderr.write(f"countersign cannot start: {error}\n")
        return 2
    finally:
        folder.release()
    return 0


def _serve(environment: Environment, folder: StateFolder) -> None:
    loaded = configured(environment)
    _require_slack(environment, loaded.settings.slack.channel)
    folder.hold()
    database = database_of(environment)
    with usable(environment):
        core = assembled(loaded, database, environment)
    _run_until_told(core, environment)


def _run_until_told(core: Core, environment: Environment) -> None:
    running = Running(core, environment)
    listener = _listen(*core.settings.http.address)
    config = uvicorn.Config(
        application(core, running),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    host, port = listener.getsockname()[:2]
    log.info("http.listening address=%s:%s", host, port)
    # What it is built of lives to the end, and so does the little garbage of building.
    gc.freeze()
    gc.enable()
    _Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """Bind before anything starts, so that a taken port is one clear error."""
    listener = socket.socket(socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # From here on whoever connects waits for the answer and is not turned away.
        listener.listen(_WAITING)
    except OSError as error:
        listener.close()
        raise Refused(
            f"cannot listen on {host}:{port} ({error.strerror}). "
            "Set http.listen to a free address, or to port 0"
        ) from error
    return listener


def _require_slack(environment: Environment, channel: str | None) -> None:
    token = environment.bot_token or ""
    if not token.startswith("xoxb-"):
        raise Refused(f"SLACK_BOT_TOKEN {_kind(token)}; it needs a bot token (xoxb-…)")
    app_token = environment.app_token
    if app_token is None and environment.signing_secret is None:
        raise Refused(
            "neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET "
            "(HTTP mode) is set; without one no click can arrive"
        )
    if app_token is not None and not app_token.startswith("xapp-"):
        raise Refused(f"SLACK_APP_TOKEN {_kind(app_token)}; it needs xapp-…")
    if channel is None:
        raise Refused("slack.channel is not set; give the id of the incident channel")


def _kind(token: str) -> str:
    """Say what was given without saying it."""
    if not token:
        return "is not set"
    return f"begins with {token[:5]!r}" if token.startswith("xox") else "is no token"


class _Server(uvicorn.Server):
    """uvicorn raises SIGTERM again after its own clean stop; here a stop ends with 0."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ask for the graceful stop only."""
        del sig, frame
        self.should_exit = True
