"""HTTP mode: what Slack did not sign is refused, and garbage is no error."""

import hashlib
import hmac
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import SignatureVerifier

from handlers.http import is_signed

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # noqa: RUF100, S105
VERIFIER = SignatureVerifier(SECRET)
BODY = b"payload=%7B%7D"


def signature(body: bytes = BODY, at: float = 0, secret: str = SECRET) -> str:
    message = b"v0:" + stamp(at).encode() + b":" + body
    return f"v0={hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()}"


def stamp(at: float = 0) -> str:
    return str(int(time.time() + at))


def test_what_slack_signed_is_accepted() -> None:
    assert is_signed(VERIFIER, BODY, stamp(), signature())


def test_another_body_is_refused() -> None:
    assert not is_signed(VERIFIER, BODY + b"x", stamp(), signature())


def test_another_secret_is_refused() -> None:
    assert not is_signed(VERIFIER, BODY, stamp(), signature(secret="other"))  # noqa: RUF100, S106


@pytest.mark.parametrize("at", [-400, 400])
def test_an_old_or_future_request_is_refused(at: float) -> None:
    assert not is_signed(VERIFIER, BODY, stamp(at), signature(at=at))


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1" * 13, "٣", "1.5"])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    assert not is_signed(VERIFIER, BODY, timestamp, signature())


@pytest.mark.parametrize("given_", ["", "v1=abc", "v0=é", "abc"])
def test_a_signature_that_is_none_is_refused(given_: str) -> None:
    assert not is_signed(VERIFIER, BODY, stamp(), given_)


def test_a_signed_body_that_is_no_text_is_refused() -> None:
    assert not is_signed(VERIFIER, b"\xff", stamp(), signature(b"\xff"))


@given(st.binary(max_size=50), st.text(max_size=20), st.text(max_size=80))
def test_garbage_is_false_and_never_an_error(
    body: bytes, timestamp: str, given_: str
) -> None:
    assert not is_signed(VERIFIER, body, timestamp, given_)
