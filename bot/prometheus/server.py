"""The one door to prometheus-api-client: a question in PromQL, a typed answer in time.

Every failure becomes `ServerSilent` or `QuestionRefused`, in words for a card; of what
the server wrote only its own reason for refusing is repeated, as one clean line. The
library is imported at the first question (0.1 s).
"""

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bot.config.prometheus import PrometheusServer
from bot.http.server_access import bearing, signed_in, trusting
from bot.prometheus.answer import (
    MOST_SERIES,
    QuestionRefused,
    Sample,
    Series,
    ServerSilent,
    samples,
    series,
)
from bot.text.redact import fit_to_keep

if TYPE_CHECKING:
    from prometheus_api_client.prometheus_connect import PrometheusConnect

    from bot.prometheus.exchange import Exchange

LIMIT_BYTES: Final = 4_000_000
"""A thousand series with a dozen long labels; what is larger is not read."""
_WORDS: Final = 200
_UNREACHED: Final = (
    "it cannot be reached: nobody answers at its address, its name is not known, or its "
    "certificate is not trusted"
)
# https://prometheus.io/docs/prometheus/latest/querying/api/: a refused question is
# answered as JSON with one of these, and 503 where the server itself gave up.
_REFUSALS: Final = (400, 422, 503)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server. secret: its bearer token, or the password of its section's user."""

    name: str
    section: PrometheusServer
    secret: str | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """The host of its address, without port and path."""
        return urlsplit(self.section.url).hostname or ""

    def within(self, span: timedelta) -> "Server":
        """Return the same server with no more patience than this for an answer."""
        timeout = min(self.section.timeout, span)
        hasty = self.section.model_copy(update={"timeout": timeout})
        return replace(self, section=hasty)

    def now(self, expr: str, *, at: datetime | None = None) -> tuple[Sample, ...]:
        """Evaluate once, at the server's own time or at another.

        Raises `ServerSilent` where it is down, slow or no Prometheus, `QuestionRefused`
        where it refuses, warns that something is missing, or has too much to say.
        """
        params = _limited() | ({"time": f"{at.timestamp():.3f}"} if at else {})
        return samples(self._ask(lambda to: to.custom_query(expr, params=params)))

    def range(
        self, expr: str, since: datetime, until: datetime, step: timedelta
    ) -> tuple[Series, ...]:
        """Evaluate at every step of a time; raises what `now` does."""

        def ask(to: "PrometheusConnect") -> object:
            every = f"{step.total_seconds()}"
            return to.custom_query_range(expr, since, until, every, params=_limited())

        told = series(self._ask(ask))
        most = (until - since) // step + 2
        if any(len(one.points) > most for one in told):
            raise QuestionRefused("it gives more points than were asked for")
        return told

    def _ask(self, question: "Callable[[PrometheusConnect], object]") -> object:
        import httpx2
        import requests
        from prometheus_api_client.exceptions import PrometheusApiClientException

        from bot.http.bounded import TooLarge, TooSlow

        exchange = self._exchange()
        try:
            result = question(self._library(exchange))
        except TooSlow as error:
            limit = self.section.timeout.total_seconds()
            raise ServerSilent(f"it gave no answer within {limit:g} s") from error
        except TooLarge as error:
            raise QuestionRefused(_too_large()) from error
        except PrometheusApiClientException as error:
            raise _refusal(exchange) from error
        # What is no answer of Prometheus ends in whatever its parsing raises.
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ServerSilent("what it answers is not Prometheus' JSON") from error
        except (httpx2.TransportError, requests.RequestException) as error:
            raise ServerSilent(_UNREACHED) from error
        _is_whole(exchange.content)
        return result

    def _library(self, exchange: "Exchange") -> "PrometheusConnect":
        from prometheus_api_client.prometheus_connect import PrometheusConnect

        # The library would send them in Latin-1, which has not every letter.
        auth = signed_in(self.section, self.secret) or ()
        return PrometheusConnect(
            self.section.url,
            headers=bearing(self.section, self.secret),
            auth=tuple(word.encode() for word in auth),
            session=exchange.session(self.section.url),
        )

    def _exchange(self) -> "Exchange":
        from bot.http.bounded import BoundedTransport
        from bot.prometheus.exchange import Exchange

        transport = BoundedTransport(limit_bytes=LIMIT_BYTES, tls=self._tls())
        return Exchange(transport, seconds=self.section.timeout.total_seconds())

    def _tls(self) -> ssl.SSLContext | None:
        section = self.section
        try:
            return trusting(section.ca_file, section.cert_file, section.key_file)
        except OSError as error:
            raise ServerSilent(
                "its ca_file, cert_file or key_file cannot be read by the bot"
            ) from error


def load() -> None:
    """Import what a question needs, so that it does not count as the first one's time."""
    import prometheus_api_client.prometheus_connect

    import bot.prometheus.exchange

    del bot, prometheus_api_client


def _limited() -> dict[str, str]:
    # Newer servers cut there and warn; older ones do not know it, so it is counted too.
    return {"limit": str(MOST_SERIES + 1)}


def _too_large() -> str:
    return (
        f"its answer is larger than {LIMIT_BYTES // 1_000_000} MB and was not read; "
        "aggregate in the expression, or use topk"
    )


def _refusal(exchange: "Exchange") -> ServerSilent | QuestionRefused:
    status = exchange.status
    if status in (401, 403):
        return ServerSilent(
            f"it refuses the bot (status {status}); the token, the password or the "
            "rights that go with them are wrong"
        )
    why = _said(exchange.content, "error")
    if status in _REFUSALS and why:
        return QuestionRefused(f"it refuses the question: {why[0]}")
    return ServerSilent(f"it answers with status {status}")


def _is_whole(content: bytes) -> None:
    # A part of the answer may be missing: that is no ground to call the rest well.
    if not any(word in content for word in (b'"warnings"', b'"isPartial"')):
        return
    warnings = _said(content, "warnings")
    if _told(content).get("isPartial") is True:
        warnings = ("some of its stores gave no answer",)
    if warnings:
        raise QuestionRefused(f"it warns that its answer is not whole: {warnings[0]}")


def _said(content: bytes, key: str) -> tuple[str, ...]:
    """Return what the server says under a key, as clean lines; none where it does not."""
    found = _told(content).get(key)
    texts = found if isinstance(found, list) else [found]
    return tuple(fit_to_keep(t, limit=_WORDS) for t in texts if isinstance(t, str))


def _told(content: bytes) -> dict[str, object]:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
