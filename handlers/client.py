"""Calling Slack: deadlines, and every failure mapped to *again* or *never*."""

import http.client
import logging
from dataclasses import dataclass
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

log = logging.getLogger(__name__)

_PASSING = frozenset(
    {
        "ratelimited",
        "internal_error",
        "fatal_error",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)
_CANNOT = frozenset(
    {
        "unknown_method",
        "missing_scope",
        "plan_upgrade_required",
        "paid_only",
        "not_allowed_token_type",
        "feature_not_enabled",
    }
)
NETWORK_ERRORS = (URLError, OSError, http.client.HTTPException, SlackClientError)
"""Everything that slack_sdk raises when there was no usable answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a call failed.

    again: whether the same call may succeed later, after `wait` seconds.
    missing: the server lacks the method, the scope or the plan for it.
    """

    error: str
    again: bool
    wait: float = 0.0
    missing: bool = False


def failure_of(error: Exception) -> Failure:
    """Map what slack_sdk raised."""
    if not isinstance(error, SlackApiError):
        return Failure(error=type(error).__name__, again=True)
    response = error.response
    status = getattr(response, "status_code", 200)
    code = response.get("error") if isinstance(response.data, dict) else None
    if status == 429 or code == "ratelimited":
        return Failure(error="ratelimited", again=True, wait=_retry_after(response))
    if status >= 500 or code is None:
        return Failure(error=f"HTTP {status}", again=True)
    if code in _PASSING:
        return Failure(error=code, again=True)
    return Failure(error=code, again=False, missing=code in _CANNOT)


def client(token: str | None, api_url: str | None, *, timeout: float) -> WebClient:
    """Return a client of our own making: no hidden retries, an explicit deadline."""
    base_url = api_url or WebClient.BASE_URL
    if not base_url.endswith("/"):
        base_url += "/"
    # The SDK's type says int; urllib, which it hands the number to, takes a float.
    seconds: int = timeout  # type: ignore[assignment]
    return WebClient(token=token, base_url=base_url, timeout=seconds, retry_handlers=[])


def _retry_after(response: object) -> float:
    headers = getattr(response, "headers", {})
    found = headers.get("Retry-After") or headers.get("retry-after") or "1"
    value = found[0] if isinstance(found, list) else found
    try:
        return min(max(float(value), 0.0), 120.0)
    except ValueError:
        return 1.0
