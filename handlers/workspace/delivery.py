"""How something a person did reaches the bot, and whether the bot answered in time."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from handlers.workspace.faults import EnvelopeFault, Faults
from handlers.workspace.wire import Json

ACK_SECONDS = 3.0
CONNECT_SECONDS = 3.0

EnvelopeType = Literal["slash_commands", "interactive", "events_api"]
DeliveryError = Literal["", "operation_timeout", "dispatch_failed"]


class NotAcked(Exception):
    """The bot did not answer within three seconds."""


class Unreachable(Exception):
    """There was no bot to send to, or it answered with an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One delivery to the bot, before its transport dresses it."""

    type: EnvelopeType
    payload: Json
    envelope_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    retry_attempt: int = 0
    retry_reason: str = ""

    def as_slack(self) -> Json:
        """Return the frame Socket Mode sends."""
        body: Json = {
            "envelope_id": self.envelope_id,
            "type": self.type,
            "payload": self.payload,
            "accepts_response_payload": self.type != "events_api",
        }
        if self.type == "events_api" or self.retry_attempt:
            body |= {
                "retry_attempt": self.retry_attempt,
                "retry_reason": self.retry_reason,
            }
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a delivery.

    payload: what the bot sent with its ack. sent: the payload it was given.
    seconds: from sending to the ack, or to giving up.
    error: empty when acked. again: the outcome of a retry that a fault asked for.
    """

    acked: bool
    payload: Json
    seconds: float
    sent: Json
    error: DeliveryError = ""
    envelope_id: str = ""
    again: "Delivery | None" = None


class Transport(Protocol):
    """A way to the bot: Socket Mode or signed HTTP."""

    async def send(self, envelope: Envelope, *, copies: int = 1) -> Json:
        """Return what came with the ack; raise `NotAcked` or `Unreachable`."""


class Courier:
    """Brings envelopes to the bot, or as badly as the faults demand."""

    def __init__(self, transport: Transport, faults: Faults) -> None:
        self._transport = transport
        self._faults = faults

    async def deliver(self, envelope: Envelope) -> Delivery:
        """Send, wait for the ack, and tell what happened; never raises."""
        fault = self._faults.strike_envelope() or EnvelopeFault(kind="late")
        if fault.kind == "late":
            await asyncio.sleep(fault.seconds)
        first = await self._once(envelope, 2 if fault.kind == "duplicate" else 1)
        if fault.kind != "retry":
            return first
        await asyncio.sleep(fault.seconds)
        retry = replace(
            envelope,
            envelope_id=str(uuid.uuid4()),
            retry_attempt=1,
            retry_reason=fault.reason,
        )
        return replace(first, again=await self._once(retry, 1))

    async def _once(self, envelope: Envelope, copies: int) -> Delivery:
        began = time.monotonic()
        payload: Json = {}
        error: DeliveryError = ""
        try:
            payload = await self._transport.send(envelope, copies=copies)
        except NotAcked:
            error = "operation_timeout"
        except Unreachable:
            error = "dispatch_failed"
        return Delivery(
            acked=not error,
            payload=payload,
            seconds=time.monotonic() - began,
            sent=envelope.payload,
            error=error,
            envelope_id=envelope.envelope_id,
        )
