"""The other way to the bot: signed HTTP requests, as Slack sends them to a request URL."""

import asyncio
import hashlib
import hmac
import http.client
import json
import time
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from handlers.workspace.delivery import ACK_SECONDS, Envelope, NotAcked, Unreachable
from handlers.workspace.wire import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMode:
    """Where the bot listens (one address for everything) and the secret it shares."""

    request_url: str
    signing_secret: str

    async def send(self, envelope: Envelope, *, copies: int = 1) -> Json:
        """Post the envelope; the first answer counts."""
        sent = [asyncio.to_thread(self._post, envelope) for _ in range(copies)]
        answers = await asyncio.gather(*sent, return_exceptions=True)
        first = answers[0]
        if isinstance(first, BaseException):
            raise first
        return first

    def _post(self, envelope: Envelope) -> Json:
        kind, body = _dress(envelope)
        target = urlsplit(self.request_url)
        line = http.client.HTTPConnection(target.netloc, timeout=ACK_SECONDS)
        headers = self._signed(body) | {"Content-Type": kind} | _retry(envelope)
        try:
            line.request("POST", target.path or "/", body.encode(), headers)
            answer = line.getresponse()
            text = answer.read().decode()
        except TimeoutError:
            raise NotAcked from None
        except OSError:
            raise Unreachable from None
        finally:
            line.close()
        if answer.status != 200:
            raise Unreachable
        return _payload(text)

    def _signed(self, body: str) -> dict[str, str]:
        now = str(int(time.time()))
        message = f"v0:{now}:{body}".encode()
        digest = hmac.new(self.signing_secret.encode(), message, hashlib.sha256)
        return {
            "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": f"v0={digest.hexdigest()}",
        }


def _dress(envelope: Envelope) -> tuple[str, str]:
    form = "application/x-www-form-urlencoded"
    match envelope.type:
        case "events_api":
            return "application/json", json.dumps(envelope.payload)
        case "interactive":
            return form, urlencode({"payload": json.dumps(envelope.payload)})
        case "slash_commands":
            return form, urlencode(envelope.payload)


def _retry(envelope: Envelope) -> dict[str, str]:
    if not envelope.retry_attempt:
        return {}
    return {
        "X-Slack-Retry-Num": str(envelope.retry_attempt),
        "X-Slack-Retry-Reason": envelope.retry_reason,
    }


def _payload(text: str) -> Json:
    if not text:
        return {}
    try:
        decoded = json.loads(text)
    except ValueError:
        return {"text": text}
    return decoded if isinstance(decoded, dict) else {"text": text}
