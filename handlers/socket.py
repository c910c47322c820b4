"""Socket Mode: connects in a thread that retries, so a dead Slack stops no start."""

import logging
import threading
import time

from slack_bolt import App
from slack_bolt.adapter.socket_mode.websocket_client import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from websocket import WebSocketException

from handlers.client import NETWORK_ERRORS, failure_of

log = logging.getLogger(__name__)

CONCURRENCY = 32
_PAUSE = 1.0
_LONGEST_PAUSE = 10.0
"""Between tries: while there is no connection, nobody's click arrives."""
_CLOSE_SECONDS = 1.0
_SETTLES_WITHIN = 5.0
_LOOK = 0.05
_MEND = (
    "SLACK_APP_TOKEN must be this app's (xapp-…) with connections:write, and Socket Mode "
    "switched on; `countersign doctor` looks"
)
_CANNOT_CONNECT = (*NETWORK_ERRORS, WebSocketException, ValueError, KeyError)
"""No answer, no handshake, or an answer that names no address to connect to."""


class Socket:
    """The connection over which clicks arrive."""

    def __init__(self, app: App, client: WebClient, app_token: str) -> None:
        self._handler = SocketModeHandler(
            app,
            app_token,
            web_client=client,
            ping_interval=5,
            concurrency=CONCURRENCY,
        )
        self._handler.client.current_app_monitor_started = True  # by `_settle`
        self._stopping = threading.Event()
        self._thread = threading.Thread(
            target=self._connect, name="socket", daemon=True
        )

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def is_connected(self) -> bool:
        """Say whether clicks can arrive now."""
        return self._handler.client.is_connected()

    def stop(self) -> None:
        """Close the connection."""
        self._stopping.set()
        self._handler.client.auto_reconnect_enabled = False
        # The SDK's close can wait ten seconds for a reader that sleeps on the closed
        # socket; the connection itself is gone at once.
        closing = threading.Thread(target=self._handler.close, daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)

    def _connect(self) -> None:
        pause = _PAUSE
        while not self._stopping.is_set():
            try:
                self._handler.connect()
            except _CANNOT_CONNECT as error:
                log.warning("slack.not_connected %s", _why(error))
                self._stopping.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                self._settle()
                return

    def _settle(self) -> None:
        """Let the SDK watch the connection once there is one.

        Its monitor looks at once when it starts, finds no connection yet and makes
        another, which cuts off the first: clicks that came over it were lost.
        """
        end = time.monotonic() + _SETTLES_WITHIN
        while not self.is_connected() and time.monotonic() < end:
            if self._stopping.wait(_LOOK):
                return
        self._handler.client.current_app_monitor.start()
        if self.is_connected():
            log.info("slack.connected")
        else:
            log.warning("slack.not_connected error=no handshake yet")


def _why(error: Exception) -> str:
    """Say in one line what is wrong, and what to do where Slack itself refused."""
    found = failure_of(error) if isinstance(error, SlackApiError) else None
    if found is None or found.again:
        return f"error={error}"
    return f"error={found.error} no click can arrive: {_MEND}"
