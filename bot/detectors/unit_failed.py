"""A service has failed, or one that should run does not.

Unit: none; 1 is a failed service, 2 one that the team declared or allows to be
operated, so 1 is a warning and 2 is critical. Window: none, it is a state. It must last
15 s, so that a service that is started again at once pages nobody (node_exporter's
`node_systemd_unit_state{state="failed"}` alerts use minutes; a declared service should
not wait for them). One subject for each service.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.measuring.levels import Levels
from bot.model import Finding, Level
from bot.text.service_words import facts_of
from bot.text.words import seconds
from remediation.acts.service_manager import JobFailed, ManagerUnavailable, NoSuchUnit
from remediation.target.unit import UnitFacts, end_in_words

_FAILED: Final = 1.0
_FAILED_AND_DECLARED: Final = 2.0


class UnitFailedSection(DetectorSection):
    """Limits of 1 (any failed service) and 2 (a declared one).

    ignore: patterns of services that may fail (`*` and `?`).
    """

    needs_host: ClassVar[bool] = False

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=5
    )
    for_: Duration = Field(default=timedelta(seconds=15), alias="for")
    keep_firing_for: Duration = timedelta(seconds=15)
    warning: float = _FAILED
    critical: float = _FAILED_AND_DECLARED
    ignore: tuple[str, ...] = ()


class UnitFailedDetector:
    """Asks the manager of services which of them have failed."""

    name = "unit_failed"
    Section = UnitFailedSection

    def __init__(self, section: UnitFailedSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._levels = Levels(section.limits())
        self._should_run = {s.unit for s in host.declared if s.should_run}

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: what has failed, what was declared, and the watched ones.

        Without a manager of services there is nothing to measure. One that gives no
        answer makes everything UNKNOWN.
        """
        if not self._host.services.is_present():
            return []
        at = self._host.clock.now().wall
        try:
            states = {row.name: row.active for row in self._host.services.rows()}
        except ManagerUnavailable as silent:
            return [self._unknown(s, at, str(silent)) for s in sorted({"", *watched})]
        failed = (name for name, active in states.items() if active == "failed")
        subjects = {name for name in failed if not self._is_ignored(name)}
        subjects |= self._should_run | (set(watched) - {""})
        self._levels.keep(subjects)
        # The list tells of what is well and nobody waits for; that is most of it.
        well = {s for s in subjects if states.get(s) == "active"} - set(watched)
        found = [
            self._well(subject, at) if subject in well else self._measure(subject, at)
            for subject in sorted(subjects)
        ]
        return [*found, *([self._answers(at)] if "" in watched else [])]

    def _is_ignored(self, name: str) -> bool:
        return not name.endswith(".service") or any(
            fnmatchcase(name, pattern) for pattern in self.section.ignore
        )

    def _well(self, subject: str, at: datetime) -> Finding:
        return self._finding(
            subject,
            at,
            value=0.0,
            level=self._levels.judge(subject, 0.0),
            summary=f"{subject} is active.",
            shown="running",
        )

    def _measure(self, subject: str, at: datetime) -> Finding:
        try:
            service = self._host.services.facts(subject)
        except NoSuchUnit as gone:
            return self._missing(subject, at, str(gone))
        except (ManagerUnavailable, JobFailed) as silent:
            return self._unknown(subject, at, str(silent))
        bad = service.active == "failed" or (
            service.is_down and service.name in self._should_run
        )
        declared = service.name in self._should_run
        value = (_FAILED_AND_DECLARED if declared else _FAILED) if bad else 0.0
        return self._finding(
            subject,
            at,
            value=value,
            level=self._levels.judge(subject, value),
            summary=_summary(service, at)
            if bad
            else f"{service.name} is {service.active}.",
            shown=service.active if bad else "running",
            service=service,
        )

    def _missing(self, subject: str, at: datetime, why: str) -> Finding:
        # Somebody removed it. One that should run is a mistake; any other is gone.
        value = _FAILED_AND_DECLARED if subject in self._should_run else 0.0
        return self._finding(
            subject,
            at,
            value=value,
            level=self._levels.judge(subject, value),
            summary=f"{why[:1].upper()}{why[1:]}.",
            shown="not there",
        )

    def _answers(self, at: datetime) -> Finding:
        return self._finding(
            "", at, value=0.0, level=Level.OK, summary="It answers.", shown="answering"
        )

    def _unknown(self, subject: str, at: datetime, why: str) -> Finding:
        return self._finding(
            subject,
            at,
            value=None,
            level=Level.UNKNOWN,
            summary=f"{subject or 'The services'}: {why}.",
        )

    def _finding(
        self,
        subject: str,
        at: datetime,
        *,
        value: float | None,
        level: Level,
        summary: str,
        shown: str = "",
        service: UnitFacts | None = None,
    ) -> Finding:
        return Finding(
            detector=self.name,
            host=self._host.name,
            subject=subject,
            label=subject or "Services",
            unit="",
            value=value,
            limits=self._levels.limits,
            level=level,
            summary=summary,
            at=at,
            series="",
            facts=() if service is None else facts_of(service, at),
            service=service,
            shown=shown,
        )


def _summary(service: UnitFacts, at: datetime) -> str:
    ago = ""
    if service.changed_at is not None:
        ago = f" {seconds(max(at - service.changed_at, timedelta(0)))} ago"
    why = end_in_words(service)
    if service.active == "failed":
        again = f"; it was given up after {service.restarts} automatic restarts"
        gave_up = again if service.gave_up and service.restarts else ""
        return f"{service.name} failed{ago}: it {why or 'gives no reason'}{gave_up}."
    return f"{service.name} should run, and was stopped{ago}."


DETECTOR = UnitFailedDetector
