"""A sign of life to somebody outside, so that a dead bot is noticed."""

import logging
import time
import urllib.error
import urllib.request

from bot.config.liveness import Heartbeat

log = logging.getLogger(__name__)

_SECONDS = 10


class Beat:
    """Calls `heartbeat.url` after completed rounds, at most once per `every`."""

    def __init__(self, settings: Heartbeat) -> None:
        self._url = settings.url
        self._every = settings.every.total_seconds()
        self._next = 0.0

    def after_round(self) -> None:
        """Call the address if it is due; a failure is logged and tried again later."""
        now = time.monotonic()
        if self._url is None or now < self._next:
            return
        self._next = now + self._every
        try:
            with urllib.request.urlopen(self._url, timeout=_SECONDS):  # noqa: S310 - http(s) only, by the settings' pattern
                pass
        except (urllib.error.URLError, OSError) as error:
            log.warning("heartbeat.failed error=%s", type(error).__name__)
