"""The bot's own health as figures for /metrics: rounds, queues, decisions, posts, errors."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)

_ROUND_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10)


class Telemetry:
    """Counters of one bot; they hold names and numbers, never texts from outside."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._round_seconds = Histogram(
            "countersign_detector_seconds",
            "Time of one detector round",
            ["detector"],
            buckets=_ROUND_SECONDS,
            registry=self.registry,
        )
        self._detector_errors = self._counter(
            "detector_errors", "Detector rounds that failed", "detector"
        )
        self._rounds = self._gauge(
            "last_round_timestamp_seconds", "Unix time of the last completed round"
        )
        self._decisions = self._counter(
            "decisions",
            "Clicks and commands, by verb and whether they counted",
            *("verb", "counted"),
        )
        self._posts = self._counter(
            "posts",
            "Calls that write to Slack, by method and result",
            *("method", "result"),
        )
        self.unposted = self._gauge(
            "unposted_incidents", "Incidents that Slack has not seen completely"
        )
        self._webhooks = self._counter(
            "webhooks",
            "What other systems posted, by route and status of the answer",
            *("route", "status"),
        )
        self.alerts_waiting = self._gauge(
            "alerts_waiting", "Alerts that others told and no round has looked at yet"
        )
        self._errors = self._counter(
            "errors", "Unexpected errors at a border, by place", "place"
        )
        self._watch_ourselves()

    def _watch_ourselves(self) -> None:
        self._steps = self._gauge(
            "loop_last_step_timestamp_seconds",
            "Unix time at which a loop's step ended well, at first of its start",
            "loop",
        )
        self._connected = self._gauge(
            "slack_connected", "Whether clicks can arrive: 1 or 0"
        )
        self._head = self._gauge(
            "head_told_timestamp_seconds",
            "Unix time when the ledger's head was seen to be told, at first of the start",
        )
        self._head.set_to_current_time()
        ProcessCollector(registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"countersign_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"countersign_{name}", text, labels, registry=self.registry)

    @contextmanager
    def detector_round(self, name: str) -> Iterator[None]:
        """Measure one round."""
        start = time.perf_counter()
        yield
        self._round_seconds.labels(name).observe(time.perf_counter() - start)
        self._rounds.set_to_current_time()

    def detector_failed(self, name: str) -> None:
        """Count a detector that raised."""
        self._detector_errors.labels(name).inc()

    def decided(self, verb: str, *, counted: bool) -> None:
        """Count a click or command, counted or refused."""
        self._decisions.labels(verb, str(counted).lower()).inc()

    def posted(self, method: str, result: str) -> None:
        """Count a call to Slack: ok, retry or gave up."""
        self._posts.labels(method, result).inc()

    def webhook(self, route: str, status: int) -> None:
        """Count a call of another system."""
        self._webhooks.labels(route, str(status)).inc()

    def stepping(self, loop: str, step: Callable[[], None]) -> Callable[[], None]:
        """Return the step of a loop, with the time of its end noted."""
        ended = self._steps.labels(loop)
        ended.set_to_current_time()

        def noted() -> None:
            step()
            ended.set_to_current_time()

        return noted

    def connected(self, is_connected: Callable[[], bool]) -> None:
        """Ask this at each reading whether clicks can arrive."""
        self._connected.set_function(is_connected)

    def head_told(self) -> None:
        """Note that the ledger's head stands in Slack as it should now."""
        self._head.set_to_current_time()

    def following(self) -> None:
        """Take back what only the leader of several bots measures: nothing is late here."""
        self._round_seconds.clear()
        self._rounds.set(0)
        self.unposted.set(0)
        self.alerts_waiting.set(0)
        self._head.set_to_current_time()

    def failed(self, place: str) -> None:
        """Count an unexpected error caught at a border."""
        self._errors.labels(place).inc()
