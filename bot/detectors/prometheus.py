"""What Prometheus measures of other hosts, by the team's rules.

Unit, limits, `for`: each rule's own. Each rule is one question a round, four at once.
A series on the bad side of a limit is a condition of the host that its label names; the
others are counted and forgotten. No data is never well: a server that does not answer
and a rule that gives no figure are conditions of their own, and what they told of before
is unknown until they tell again. A series that is not in the answer any more is unknown
for `keep_firing_for`; then it is over, and that nobody saw it well is said.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Annotated, ClassVar, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.prometheus import Rule
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.measuring.courses import POINTS, Begun, Courses
from bot.measuring.series import (
    Subject,
    bare_finding,
    host_of_server,
    judged,
    measured_finding,
    only,
    subject_of,
    unconfigured,
)
from bot.model import Fact, Finding, Level
from bot.prometheus.answer import Sample
from bot.prometheus.questions import Outcome, Questions
from bot.prometheus.server import Server
from bot.text.words import amount
from remediation.moment import Moment

_DRAWN: Final = 50
"""Series of one round whose course is kept for a chart; the host's own must stay too."""
_NEVER: Final = timedelta(days=3650)
_MS: Final = 1000.0


class PrometheusSection(DetectorSection):
    """Limits and times stand with each rule (`prometheus.rules`).

    for, keep_firing_for: of servers that do not answer, and rules that give no figure.
    """

    needs_host: ClassVar[bool] = False
    has_limits: ClassVar[bool] = False

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(minutes=1), alias="for")
    warning: float = 0
    critical: float = 0


class PrometheusDetector:
    """Asks every rule of its server."""

    name = "prometheus"
    Section = PrometheusSection

    def __init__(self, section: PrometheusSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._questions = Questions(host.rules, host.clock)
        self._courses = Courses(host.history, host.backdrops, here=host.name)
        self._is_first = True
        self._levels: dict[str, Level] = {}
        self._kept: dict[str, Finding] = {}
        self._missing: dict[str, float] = {}

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Ask once; what is watched and asked for no more is over."""
        outcomes = self._questions.ask()
        now = self._host.clock.now()
        found = {f.subject: f for f in self._of_servers(outcomes, now.wall)}
        # A silent server is told once, not once for each of its rules.
        silent = {o.server.name for o in outcomes}
        silent -= {o.server.name for o in outcomes if not o.is_silent}
        for outcome in outcomes:
            mine = {s for s in watched if Subject.of(s).name == outcome.rule.name}
            of_rule = self._of_rule(outcome, watched, silent, now.wall)
            series = self._of_series(outcome, mine, now)
            found |= {f.subject: f for f in (*of_rule, *series)}
        for text in sorted(set(watched) - set(found)):
            found[text] = unconfigured(Subject.of(text), now.wall)
        drawn = _drawn(found.values())
        begun = [f for f in drawn if f.subject not in self._kept and _is_bad(f)]
        cheap = [(o.rule, o.server) for o in outcomes if o.is_cheap(2 * POINTS)]
        # What was bad before the bot's start began earlier than the bot can know.
        late = [f for f in begun if self._is_first and f.subject in watched]
        new = [f for f in begun if f not in late]
        self._courses.fetch(cheap, Begun(found=late, is_late=True))
        self._courses.fetch(cheap, Begun(found=new))
        self._is_first = False
        self._remember(found)
        return drawn

    def _remember(self, found: Mapping[str, Finding]) -> None:
        self._kept = dict(found)
        self._levels = {s: level for s, level in self._levels.items() if s in found}
        self._missing = {s: at for s, at in self._missing.items() if s in found}

    # --- servers and rules -----------------------------------------------------

    def _of_servers(
        self, outcomes: Iterable[Outcome], at: datetime
    ) -> Iterator[Finding]:
        ordered = sorted(outcomes, key=lambda outcome: outcome.server.name)
        for _, group in groupby(ordered, key=lambda outcome: outcome.server.name):
            yield self._of_server(list(group), at)

    def _of_server(self, asked: Sequence[Outcome], at: datetime) -> Finding:
        server = asked[0].server
        label = f"Prometheus {server.name}"
        count = "1 rule" if len(asked) == 1 else f"{len(asked)} rules"
        slowest = max(outcome.spent for outcome in asked) * _MS
        timeout = server.section.timeout.total_seconds() * _MS
        well = replace(
            self._own(f"server:{server.name}", server, at),
            label=label,
            unit="ms",
            value=slowest,
            limits=only(timeout),
            level=Level.OK,
            summary=f"{label} answered {count}, the slowest in {amount(slowest, 'ms')}.",
            series=f"{self.name}/{server.name}",
        )
        if not all(outcome.is_silent for outcome in asked):
            return well
        why = asked[0].trouble
        return replace(
            well,
            value=None,
            level=Level.UNKNOWN,
            summary=f"{label} does not answer: {why}. What {count} would tell is unknown.",
            facts=(
                Fact(label="Server", value=server.section.url),
                Fact(label="Rules", value=", ".join(o.rule.name for o in asked)[:300]),
            ),
        )

    def _of_rule(
        self,
        outcome: Outcome,
        watched: Collection[str],
        silent: Collection[str],
        at: datetime,
    ) -> Iterator[Finding]:
        rule, server = outcome.rule, outcome.server
        made = replace(self._own(f"rule:{rule.name}", server, at), is_passing=True)
        is_news = bool(outcome.trouble) and server.name not in silent
        if not is_news and made.subject not in watched:
            return
        if outcome.trouble:
            yield replace(
                made,
                summary=f"The rule {rule.name} gives no figure: Prometheus "
                f"{server.name} was asked, and {outcome.trouble}.",
                facts=(Fact(label="Asked", value=rule.expr[:300]),),
            )
            return
        series = float(len(outcome.samples))
        said = f"The rule {rule.name} gives figures again."
        yield replace(made, level=Level.OK, value=series, summary=said)

    def _own(self, name: str, server: Server, at: datetime) -> Finding:
        """Return a finding about a server or rule itself, unknown as yet."""
        host = host_of_server(server.address, here=self._host.name)
        return Finding(
            detector=self.name,
            host=host,
            subject=str(Subject(name=name, host=host)),
            label=name.replace(":", " ").capitalize(),
            unit="series",
            value=None,
            limits=only(0),
            level=Level.UNKNOWN,
            summary="",
            at=at,
            series="",
        )

    # --- series ----------------------------------------------------------------

    def _of_series(
        self, outcome: Outcome, watched: Collection[str], now: Moment
    ) -> list[Finding]:
        if not outcome.is_answered:
            why = f"Prometheus {outcome.server.name} was asked, and {outcome.trouble}"
            return [self._unknown(outcome.rule, s, now.wall, why) for s in watched]
        found = [
            f for s in outcome.samples if (f := self._series(outcome, s, watched, now))
        ]
        gone = sorted(set(watched) - {f.subject for f in found})
        return [*found, *(self._gone(outcome.rule, text, now) for text in gone)]

    def _series(
        self, outcome: Outcome, sample: Sample, watched: Collection[str], now: Moment
    ) -> Finding | None:
        rule = outcome.rule
        otherwise = host_of_server(outcome.server.address, here=self._host.name)
        subject = subject_of(rule, sample.labels, otherwise=otherwise)
        text = str(subject)
        # After a restart: what is watched was bad, so its clear limit holds it.
        unseen = Level.WARNING if text in watched else Level.OK
        level = judged(rule, sample.value, self._levels.get(text, unseen))
        self._missing.pop(text, None)
        if level is Level.OK and text not in watched:
            return None
        self._levels[text] = level
        return measured_finding(rule, sample, subject, level, at=now.wall)

    def _gone(self, rule: Rule, text: str, now: Moment) -> Finding:
        host = Subject.of(text).host
        if rule.missing == "well":
            said = f"{rule.name} has no series of {host} any more, as when it is well."
            unknown = self._unknown(rule, text, now.wall, "")
            return replace(unknown, level=Level.OK, summary=said)
        since = self._missing.setdefault(text, now.boot)
        why = f"no series of the rule {rule.name} tells of it now"
        unknown = self._unknown(rule, text, now.wall, why)
        if now.boot - since < rule.keep_firing_for.total_seconds():
            # What only vanished may fire no alert; what fires goes on firing.
            return replace(unknown, hold_for=_NEVER)
        said = f"Nothing tells of it any more; whether {host} is well is not known."
        return replace(unknown, level=Level.OK, keep_for=timedelta(0), summary=said)

    def _unknown(self, rule: Rule, text: str, at: datetime, why: str) -> Finding:
        subject = Subject.of(text)
        known = self._kept.get(text) or bare_finding(rule, subject, at=at)
        return replace(
            known,
            value=None,
            level=Level.UNKNOWN,
            at=at,
            summary=f"{known.label} of {subject.host}: no data; {why}.",
            hold_for=rule.for_,
            keep_for=rule.keep_firing_for,
        )


def _is_bad(finding: Finding) -> bool:
    is_measured = finding.value is not None and bool(finding.series)
    return is_measured and finding.level is not Level.OK


def _drawn(found: Iterable[Finding]) -> list[Finding]:
    """Return them with a series for the charts' history for the first of them only."""
    kept = list(found)
    return [*kept[:_DRAWN], *(replace(finding, series="") for finding in kept[_DRAWN:])]


DETECTOR = PrometheusDetector
