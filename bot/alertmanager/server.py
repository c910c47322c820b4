"""The door to one Alertmanager: its API, version 2, within one deadline and one size.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.alertmanager.standing import (
    Matcher,
    NotSaid,
    SilenceRefused,
    Standing,
    standing,
)
from bot.config.alerts import Alertmanager
from bot.http.server_access import bearing, signed_in, trusting

LIMIT_BYTES: Final = 32_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertmanagerServer:
    """One server. secret: its bearer token, or the password of its section's user."""

    section: Alertmanager
    secret: str | None = field(default=None, repr=False)

    def standing(self) -> Standing:
        """Return how its alerts and silences stand; raise `NotSaid`."""
        return standing(
            self._asked("GET", "status"),
            self._asked("GET", "alerts"),
            self._asked("GET", "silences"),
        )

    def silence(
        self,
        matchers: Sequence[Matcher],
        *,
        since: datetime,
        until: datetime,
        by: str,
        comment: str,
    ) -> None:
        """Begin a silence; raise `NotSaid`, or `SilenceRefused`."""
        body = {
            "matchers": [matcher.as_sent() for matcher in matchers],
            "startsAt": since.isoformat(),
            "endsAt": until.isoformat(),
            "createdBy": by,
            "comment": comment,
        }
        self._asked("POST", "silences", body)

    def expire(self, silence: str) -> None:
        """End a silence by its id; raise `NotSaid`."""
        self._asked("DELETE", f"silence/{silence}")

    def _asked(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> bytes:
        import httpx2

        from bot.http.bounded import BoundedTransport, TooLarge, TooSlow

        seconds = self.section.timeout.total_seconds()
        transport = BoundedTransport(limit_bytes=LIMIT_BYTES, tls=self._tls())
        url = f"{self.section.url}/api/v2/{path}"
        with (
            # Nothing of the environment, like a .netrc, adds to a request.
            httpx2.Client(
                transport=transport,
                headers=bearing(self.section, self.secret),
                auth=signed_in(self.section, self.secret),
                trust_env=False,
            ) as client,
            transport.within(seconds),
        ):
            try:
                answer = client.request(method, url, json=body)
            except TooSlow as error:
                raise NotSaid(f"it gave no answer within {seconds:g} s") from error
            except TooLarge as error:
                raise NotSaid("its answer was too large") from error
            except httpx2.HTTPError as error:
                raise NotSaid("it cannot be reached") from error
        if answer.status_code in (401, 403):
            raise NotSaid(
                "it refuses the bot: the secret in COUNTERSIGN_ALERTMANAGER_SECRET is "
                "wrong or missing"
            )
        if method == "POST" and answer.status_code == 400:
            raise SilenceRefused("it refuses the labels or the time")
        if not answer.is_success:
            raise NotSaid(f"it answered with status {answer.status_code}")
        content: bytes = answer.content
        return content

    def _tls(self) -> ssl.SSLContext | None:
        try:
            return trusting(self.section.ca_file)
        except OSError as error:
            raise NotSaid("its ca_file cannot be read by the bot") from error
