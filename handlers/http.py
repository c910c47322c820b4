"""HTTP mode: signed requests from Slack, refused with 401 before anything reads them."""

import time

from fastapi import APIRouter, Request, Response
from slack_bolt import App
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_sdk.signature import SignatureVerifier
from starlette.concurrency import run_in_threadpool

from bot.http.request_body import body_of

_LIMIT_BYTES = 1_000_000
_TOLERANCE_SECONDS = 300


def router(app: App, signing_secret: str) -> APIRouter:
    """Return the route `/slack/events` for events, commands and interactions."""
    routes = APIRouter()
    verifier = SignatureVerifier(signing_secret)

    @routes.post("/slack/events", include_in_schema=False)
    async def slack(request: Request) -> Response:
        body = await body_of(request, _LIMIT_BYTES)
        timestamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        if body is None or not is_signed(verifier, body, timestamp, signature):
            return Response("not signed by Slack", status_code=401)
        # Bolt's own adapter would run the listener on the event loop.
        answer = await run_in_threadpool(app.dispatch, to_bolt_request(request, body))
        return to_starlette_response(answer)

    return routes


def is_signed(
    verifier: SignatureVerifier, body: bytes, timestamp: str, signature: str
) -> bool:
    """Check the signature; garbage of any kind is False, never an error.

    The SDK's verifier raises for a timestamp that is no number, a signature that is
    not ASCII and a body that is not UTF-8, so all three are checked before.
    """
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(time.time() - int(timestamp)) > _TOLERANCE_SECONDS:
        return False
    if not signature.isascii() or not signature.startswith("v0="):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return verifier.is_valid(body, timestamp, signature)
