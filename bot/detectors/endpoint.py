"""A declared service does not answer on its port or its health address, or too slowly.

Unit: milliseconds until the slowest of its ports and addresses answered. Limits come
with the service (`within` is the warning, `timeout` the critical one); what does not
answer at all counts as its timeout. Window: none; it must last 10 s, two rounds, so that
one lost packet pages nobody (blackbox_exporter's usual alert waits a minute).
"""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.services import Service
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.http.answering import Try, http_get, port
from bot.model import Fact, Finding, Level, Limits
from bot.text.service_words import facts_of
from bot.text.words import amount
from remediation.acts.service_manager import JobFailed, ManagerUnavailable, NoSuchUnit
from remediation.target.unit import UnitFacts

_AT_ONCE: Final = 8
_CLEARS: Final = 0.9
_MS: Final = 1000.0


class EndpointSection(DetectorSection):
    """The limits stand with each service (`services`); those here are not used."""

    needs_host: ClassVar[bool] = False
    has_limits: ClassVar[bool] = False

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=5
    )
    for_: Duration = Field(default=timedelta(seconds=10), alias="for")
    keep_firing_for: Duration = timedelta(seconds=10)
    warning: float = 0
    critical: float = 0


class EndpointDetector:
    """Tries the ports and addresses of every declared service, several at once."""

    name = "endpoint"
    Section = EndpointSection

    def __init__(self, section: EndpointSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._services = [s for s in host.declared if s.ports or s.http]
        self._levels: dict[str, Level] = {}

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Try once; a watched service that is declared no more is well."""
        at = self._host.clock.now().wall
        gone = set(watched) - {service.unit for service in self._services}
        found = [self._undeclared(subject, at) for subject in sorted(gone)]
        if not self._services:
            return found
        with ThreadPoolExecutor(min(_AT_ONCE, len(self._services))) as pool:
            tried = list(pool.map(_tries, self._services))
        pairs = zip(self._services, tried, strict=True)
        return [
            *found,
            *(self._measure(service, tries, at) for service, tries in pairs),
        ]

    def _measure(self, service: Service, tries: Sequence[Try], at: datetime) -> Finding:
        worst = max(tries, key=lambda one: (bool(one.trouble), one.seconds))
        timeout = service.timeout.total_seconds()
        spent = timeout if worst.trouble else worst.seconds
        limits = _limits(service)
        level = limits.judge(spent * _MS, self._levels.get(service.unit, Level.OK))
        self._levels[service.unit] = level
        unit = None if level is Level.OK else self._facts(service.unit)
        said = worst.trouble or f"it took {amount(spent * _MS, 'ms')}"
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject=service.unit,
            label=f"Answer of {service.unit}",
            unit="ms",
            value=spent * _MS,
            limits=limits,
            level=level,
            summary=f"{service.unit} ({worst.what}): {said}.",
            at=at,
            series=f"{self.name}/{service.unit}",
            facts=(
                *(Fact(label=one.what, value=_said(one)) for one in tries[:3]),
                *(facts_of(unit, at)[:4] if unit else ()),
            ),
            service=unit,
            shown="no answer" if worst.trouble else "",
        )

    def _facts(self, name: str) -> UnitFacts | None:
        try:
            return self._host.services.facts(name)
        except (NoSuchUnit, ManagerUnavailable, JobFailed):
            return None

    def _undeclared(self, subject: str, at: datetime) -> Finding:
        nothing = Limits(warning=0, critical=0, clear_warning=0, clear_critical=0)
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject=subject,
            label=f"Answer of {subject}",
            unit="ms",
            value=0.0,
            limits=nothing,
            level=Level.OK,
            summary=f"{subject} is not declared any more.",
            at=at,
            series=f"{self.name}/{subject}",
        )


def _tries(service: Service) -> list[Try]:
    timeout = service.timeout.total_seconds()
    found = [port(number, timeout) for number in service.ports]
    return [*found, *([http_get(service.http, timeout)] if service.http else [])]


def _limits(service: Service) -> Limits:
    slow = service.within.total_seconds() * _MS
    none = service.timeout.total_seconds() * _MS
    return Limits(
        warning=slow,
        critical=none,
        clear_warning=slow * _CLEARS,
        clear_critical=none * _CLEARS,
    )


def _said(one: Try) -> str:
    return one.trouble or f"answers in {amount(one.seconds * _MS, 'ms')}"


DETECTOR = EndpointDetector
