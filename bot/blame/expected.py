"""Work that was declared is no alarm while it keeps to what was declared.

A finding of the CPU or of memory is expected when who makes at least half of it is
declared, now is its time, all of that work together uses no more than it may, and what
the others use would be no alarm. Called by `watch.py` with every round's findings; /proc
is read only when something is bad that may be declared, and somebody declared work.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from bot.blame.expected_use import Look, Use, is_of
from bot.blame.families import HALF
from bot.config.expected import ExpectedSection, Figure, figure_of
from bot.host.host import HostContext
from bot.host.whereabouts import Whereabouts, whereabouts
from bot.model import Fact, Finding, Level
from bot.policy.standing import time_of

_BAD: Final = (Level.WARNING, Level.CRITICAL)


class ExpectedWork:
    """Knows what was declared, and what of it is seen.

    seen: called when something bad begins to be expected, once each time. where: says
    whose a process is.
    """

    def __init__(
        self,
        works: Sequence[ExpectedSection],
        host: HostContext,
        seen: Callable[[Finding, str], None],
        where: Callable[[int], Whereabouts | None] = whereabouts,
    ) -> None:
        self._works = [(work, time_of(work.schedule)) for work in works]
        self._host = host
        self._seen = seen
        self._where = where
        self._now: dict[str, Mapping[str, str]] = {}

    def current(self) -> Mapping[str, str]:
        """Return what is bad and expected at present: in words, by the condition's key."""
        return {
            key: said for each in list(self._now.values()) for key, said in each.items()
        }

    def judged(self, detector: str, findings: Iterable[Finding]) -> list[Finding]:
        """Return a detector's findings; the expected are well, with a word about it."""
        before, now, answer = self._now.get(detector, {}), {}, []
        for finding in findings:
            judged, said = self._judged(finding)
            answer.append(judged)
            if not said:
                continue
            now[finding.key] = said
            if finding.key not in before:
                self._seen(finding, said)
        # What this round did not report has ended.
        self._now[detector] = now
        return answer

    def _judged(self, finding: Finding) -> tuple[Finding, str]:
        """Return it, and what is expected of it; "" where nothing is."""
        figure = figure_of(finding.detector, finding.subject)
        is_ours = finding.host == self._host.name and finding.level in _BAD
        if figure is None or not is_ours or not self._works:
            return finding, ""
        try:
            look = Look(self._host.sampler, self._where)
        except (OSError, ValueError):
            return finding, ""
        work = self._work_of(finding, figure, look)
        if work is None:
            return finding, ""
        section, is_its_time = work
        use = look.use_of(section)
        said = f"{section.name} uses {use.in_words(section)}"
        keeps = is_its_time and use.within(section, figure)
        if not keeps or not self._is_rest_well(finding, use, look):
            return replace(
                finding, facts=(*finding.facts, _declared(section, said))
            ), ""
        summary = f"{finding.summary} That is expected: {said}."
        return replace(finding, level=Level.OK, summary=summary), said

    def _work_of(
        self, finding: Finding, figure: Figure, look: Look
    ) -> tuple[ExpectedSection, bool] | None:
        """Return the work that makes most of it, and whether now is its time."""
        now = self._host.clock.now().wall
        found = [
            (work, when is None or when.covers(now))
            for work, when in self._works
            if _is_blamed(work, finding, look)
            or self._makes_half(work, finding, figure, look)
        ]
        return max(found, key=lambda pair: pair[1], default=None)

    def _makes_half(
        self, work: ExpectedSection, finding: Finding, figure: Figure, look: Look
    ) -> bool:
        """Say whether all of a work makes half of the host's trouble, whoever leads it."""
        if finding.subject:
            return False
        use = look.use_of(work)
        if figure == "cores":
            return 0 < look.busy_cores() <= use.urgent / HALF
        memory = self._host.sampler.sample().memory
        return memory is not None and 0 < memory.used_bytes <= use.memory_bytes / HALF

    def _is_rest_well(self, finding: Finding, use: Use, look: Look) -> bool:
        """Say whether the host's own figure would be no alarm without the work."""
        if finding.detector == "cpu":
            rest = 100 * (look.busy_cores() - use.urgent) / look.cores
        elif finding.detector == "memory":
            memory = self._host.sampler.sample().memory
            if memory is None:
                return False
            free = memory.available_bytes + use.memory_bytes
            rest = 100 * free / memory.total_bytes
        else:
            return True
        return finding.limits.judge(rest, Level.OK) is Level.OK


def _is_blamed(work: ExpectedSection, finding: Finding, look: Look) -> bool:
    culprit = finding.culprit.process if finding.culprit else None
    if culprit is not None:
        itself = Whereabouts(
            unit=culprit.unit, user=culprit.user, exe=culprit.identity.exe
        )
        by_exe = work.unit is None
        if is_of(work, itself) or (by_exe and look.holds(work, culprit.identity.pid)):
            return True
    return work.unit is not None and work.unit == finding.service_name


def _declared(work: ExpectedSection, said: str) -> Fact:
    window = time_of(work.schedule)
    when = f", {window.in_words()}" if window is not None else ""
    return Fact(label="Declared as expected", value=f"{said}{when}")
