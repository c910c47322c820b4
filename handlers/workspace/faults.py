"""The ways the local workspace can be told to misbehave. Thread-safe."""

import threading
import time
from dataclasses import dataclass
from typing import Literal

FaultKind = Literal["rate_limit", "broken", "slow", "refuse", "cut"]
EnvelopeFaultKind = Literal["duplicate", "retry", "late"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a Web API call. `seconds`: to wait, or the Retry-After."""

    kind: FaultKind
    seconds: float = 0.0
    status: int = 500
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeFault:
    """What happens to a delivery. `seconds`: how late it, or its retry, is sent."""

    kind: EnvelopeFaultKind
    seconds: float = 0.0
    reason: str = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A call that a fault struck, and when."""

    at: float
    method: str
    fault: Fault


class Faults:
    """Faults that strike the next calls and deliveries, first told, first struck.

    `method` is a Web API method's name, or `*` for any.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[tuple[str, Fault]] = []
        self._envelopes: list[EnvelopeFault] = []
        self._outage = False
        self._struck: list[Strike] = []

    @property
    def struck(self) -> list[Strike]:
        """Every call that a fault struck so far, oldest first."""
        with self._lock:
            return list(self._struck)

    def rate_limit(
        self, method: str = "*", *, times: int = 1, retry_after_seconds: int = 1
    ) -> None:
        """Answer 429 with `Retry-After`."""
        fault = Fault(kind="rate_limit", seconds=retry_after_seconds)
        self._add(method, fault, times)

    def server_error(
        self, method: str = "*", *, times: int = 1, status: int = 500
    ) -> None:
        """Answer with an HTTP error and a body that is no JSON."""
        self._add(method, Fault(kind="broken", status=status), times)

    def slow(self, method: str = "*", *, seconds: float, times: int = 1) -> None:
        """Do what was asked, but only after a while."""
        self._add(method, Fault(kind="slow", seconds=seconds), times)

    def refuse(self, method: str, error: str, *, times: int = 1) -> None:
        """Answer `ok: false` with this error."""
        self._add(method, Fault(kind="refuse", error=error), times)

    def cut_after(self, method: str, *, times: int = 1) -> None:
        """Do what was asked, then drop the connection: the caller cannot know."""
        self._add(method, Fault(kind="cut"), times)

    def outage(self, *, on: bool) -> None:
        """Answer 503 to every call from now on, or no longer."""
        with self._lock:
            self._outage = on

    def duplicate_envelopes(self, times: int = 1) -> None:
        """Send the next deliveries twice with the same envelope id."""
        self._add_envelope(EnvelopeFault(kind="duplicate"), times)

    def retry_envelopes(
        self, times: int = 1, *, reason: str = "timeout", after_seconds: float = 0.0
    ) -> None:
        """Send the next deliveries again under a new envelope id, even if acked."""
        fault = EnvelopeFault(kind="retry", seconds=after_seconds, reason=reason)
        self._add_envelope(fault, times)

    def delay_envelopes(self, seconds: float, *, times: int = 1) -> None:
        """Send the next deliveries late."""
        self._add_envelope(EnvelopeFault(kind="late", seconds=seconds), times)

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._calls.clear()
            self._envelopes.clear()
            self._outage = False

    def strike(self, method: str) -> Fault | None:
        """Take the fault that strikes this call, if any."""
        with self._lock:
            fault = self._next(method)
            if fault is not None:
                self._struck.append(Strike(at=time.time(), method=method, fault=fault))
            return fault

    def strike_envelope(self) -> EnvelopeFault | None:
        """Take the fault that strikes this delivery, if any."""
        with self._lock:
            return self._envelopes.pop(0) if self._envelopes else None

    def _next(self, method: str) -> Fault | None:
        if self._outage:
            return Fault(kind="broken", status=503)
        for index, (wanted, fault) in enumerate(self._calls):
            if wanted in ("*", method):
                del self._calls[index]
                return fault
        return None

    def _add(self, method: str, fault: Fault, times: int) -> None:
        with self._lock:
            self._calls += [(method, fault)] * times

    def _add_envelope(self, fault: EnvelopeFault, times: int) -> None:
        with self._lock:
            self._envelopes += [fault] * times
