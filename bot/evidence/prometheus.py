"""What Prometheus knows about a condition that one of its rules tells of.

Whether it is so every day, whether other hosts have it too, what else is unusual on the
host, and what happened to it. A dozen small questions within three seconds in all, four
at once; a server that says nothing to the first of them is asked no more for a while.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from bot.alerts.alert_findings import DETECTOR as ALERT
from bot.alerts.alert_findings import FLEET
from bot.config.alerts import AlertsSection
from bot.config.prometheus import Rule
from bot.host.host import HostContext
from bot.measuring.levels import with_limit
from bot.measuring.neighbours import neighbours
from bot.measuring.series import (
    DETECTOR,
    Subject,
    host_named,
    host_of_server,
    subject_of,
)
from bot.model import EvidenceItem, Incident
from bot.prometheus import happened
from bot.prometheus.answer import Sample
from bot.prometheus.hurry import Asked, Hurry, Told
from bot.prometheus.related import BASICS, Surprise, question, ranked, surprise
from bot.prometheus.server import Server
from bot.text.words import amount

LATELY: Final = timedelta(hours=24)
TOTAL: Final = timedelta(seconds=3)
"""For all questions of one incident: the rounds of other detectors wait for it."""
_REST: Final = 60.0
"""Seconds for which a server that said nothing is not asked again."""
_ALONE: Final = "It gave no answer in time a moment ago, and was not asked again."
_BEFORE: Final = timedelta(minutes=20)
_TOP: Final = 3
_HOST_LABELS: Final = AlertsSection().host
"""What names a host where a series has not the label that the rule goes by."""
_THEN: Final = (("Yesterday", timedelta(days=1)), ("Last week", timedelta(days=7)))


@dataclass(frozen=True, kw_only=True)
class _About:
    """What is asked about. label, host: the label that names hosts and its value."""

    incident: Incident
    server: Server
    label: str
    host: str

    def is_here(self, sample: Sample) -> bool:
        """Say whether a series is about the incident's host, or about no host."""
        named = (sample.labels.get(label) for label in (self.label, *_HOST_LABELS))
        told = next((label for label in named if label), "")
        return not told or host_named(told) == self.incident.host


@dataclass(frozen=True, kw_only=True)
class _Case(_About):
    """A condition that a rule tells of."""

    rule: Rule
    otherwise: str

    def mine(self, samples: Sequence[Sample]) -> Sample | None:
        """Return the sample of the series that leads the incident, by all its labels."""
        return self._named(samples).get(self.incident.lead.subject)

    def then(
        self, samples: Sequence[Sample], current: Sequence[Sample]
    ) -> Sample | None:
        """Return its sample of an earlier time.

        Its labels may have been others once. Where a host has one series now and had one
        then, of an expression that leaves none out, it is that one.
        """
        known, now = self._named(samples), self._named(current)
        is_alone = self.incident.lead.subject in now and len(now) == len(known) == 1
        only = next(iter(known.values())) if is_alone else None
        is_whole = self.rule.missing != "well"
        return known.get(self.incident.lead.subject, only if is_whole else None)

    def _named(self, samples: Sequence[Sample]) -> dict[str, Sample]:
        named = {}
        for sample in samples:
            found = subject_of(self.rule, sample.labels, otherwise=self.otherwise)
            if found.host == self.incident.host and math.isfinite(sample.value):
                named[str(found)] = sample
        return named


class PrometheusEvidence:
    """Asks the server of the rule that leads an incident; of a told alert the first one."""

    name = "prometheus"
    is_local = False

    def __init__(self, host: HostContext) -> None:
        self._host = host
        self._rules = {rule.name: (rule, server) for rule, server in host.rules}
        self._rests: dict[str, float] = {}

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return up to four items; one line where the server says nothing."""
        pair = self._rules.get(Subject.of(incident.lead.subject).name)
        if incident.lead.detector == DETECTOR and pair is not None:
            rule, server = pair
            return self._alone(server) or self._of_rule(incident, rule, server)
        is_told = incident.lead.detector == ALERT and incident.host != FLEET
        if not self._host.servers or not is_told or incident.is_storm:
            return []
        first = self._host.servers[0]
        return self._alone(first) or self._of_host(incident, first)

    def _alone(self, server: Server) -> list[EvidenceItem]:
        """Return the line that stands for a server that rests, if it does."""
        now = self._host.clock.now().boot
        rests = now < self._rests.get(server.name, now)
        return [_silent(server, _ALONE)] if rests else []

    def _of_host(self, incident: Incident, server: Server) -> list[EvidenceItem]:
        hurry = Hurry(server, self._host.clock, total=TOTAL)
        label, host = self._host.alerts.host[0], incident.host
        about = _About(incident=incident, server=server, label=label, host=host)
        found = [item for item in self._others(about, hurry) if item]
        now = self._host.clock.now().boot
        if not found and now < self._rests.get(server.name, now):
            return [_silent(server, "It was asked, and gave no answer in time.")]
        return found

    def _of_rule(
        self, incident: Incident, rule: Rule, server: Server
    ) -> list[EvidenceItem]:
        lead = incident.lead
        hurry = Hurry(server, self._host.clock, total=TOTAL)
        thens = [Asked(expr=rule.expr, at=lead.at - ago) for _, ago in _THEN]
        current, *before = hurry.ask([Asked(expr=rule.expr), *thens])
        if current.is_silent:
            self._let_rest(server)
            return [_silent(server, f"It was asked, and {current.trouble}.")]
        case = self._case(incident, rule, server, current)
        items = [self._figure(case, current, before), _neighbours(case, current)]
        return [item for item in (*items, *self._others(case, hurry)) if item]

    def _case(
        self, incident: Incident, rule: Rule, server: Server, current: Told
    ) -> _Case:
        here = host_of_server(server.address, here=self._host.name)
        case = _Case(
            incident=incident,
            rule=rule,
            server=server,
            otherwise=here,
            label=rule.host,
            host=incident.lead.host,
        )
        mine = case.mine(current.samples)
        # The label itself, with what a name for people has lost of it.
        told = mine.labels.get(rule.host, "") if mine else ""
        return replace(case, host=told) if told else case

    def _let_rest(self, server: Server) -> None:
        self._rests[server.name] = self._host.clock.now().boot + _REST

    # --- the figure ----------------------------------------------------------------

    def _figure(
        self, case: _Case, current: Told, before: Sequence[Told]
    ) -> EvidenceItem:
        lead, unit = case.incident.lead, case.rule.unit
        mine = case.mine(current.samples)
        value = mine.value if mine else lead.value
        said = "no data"
        if value is not None:
            said = with_limit(value, unit, lead.limits, lead.level)
        if mine is None and value is not None:
            said = f"no data; {said} when it was told"
        lines = [f"Now: {said}", *self._just_before(case)]
        for (when, _), told in zip(_THEN, before, strict=True):
            lines.append(f"{when} at this time: {_then(case, told, current)}")
        title = f"{lead.label} of {lead.host}, by Prometheus {case.server.name}"
        return EvidenceItem(id="", title=title, text="\n".join(lines))

    def _just_before(self, case: _Case) -> list[str]:
        lead, since = case.incident.lead, case.incident.since
        known = self._host.history.window(lead.series, since - _BEFORE)
        values = [value for at, value in known if at < since]
        if not values:
            return []
        low, high = (amount(v, case.rule.unit) for v in (min(values), max(values)))
        span = low if low == high else f"{low} to {high}"
        return [f"In the {_BEFORE.seconds // 60} min before it began: {span}"]

    # --- the host ------------------------------------------------------------------

    def _others(self, case: _About, hurry: Hurry) -> list[EvidenceItem | None]:
        deploys = case.server.section.deploys
        boots = happened.boots(case.label, case.host)
        about = [question(basic, case.label, case.host) for basic in BASICS]
        asked = [boots, *about, *([deploys] if deploys else [])]
        booted, *told = hurry.ask([Asked(expr=expr) for expr in asked])
        if any(one.is_silent for one in told):
            self._let_rest(case.server)
        found = [
            surprise(basic, t.samples) for basic, t in zip(BASICS, told, strict=False)
        ]
        deployed = told[len(BASICS)] if deploys else Told()
        return [
            _unusual(case, [one for one in found if one]),
            self._happened(case, booted, deployed),
        ]

    def _happened(
        self, case: _About, booted: Told, deployed: Told
    ) -> EvidenceItem | None:
        incident = case.incident
        since, until = incident.since - LATELY, incident.last_opened
        known = happened.booted(booted.samples, since)
        known += happened.deployed(deployed.samples, since, case.is_here)
        known = [what for what in known if what[0] <= until]
        marks = self._host.marks(incident.host, "", since, until)
        self._host.backdrops.happened(
            incident.lead.series, [*known, *((m.at, m.text) for m in marks)]
        )
        if incident.host != self._host.name:
            # Of this host they stand in the evidence of changes.
            told = ((f", told by {m.by}" if m.by else "", m) for m in marks)
            known += [(mark.at, f"{mark.text}{by}") for by, mark in told]
        if not known:
            return None
        lines = (f"{at:%Y-%m-%d %H:%M} UTC  {what}" for at, what in sorted(known)[::-1])
        title = f"What happened to {incident.host} in the day before"
        return EvidenceItem(id="", title=title, text="\n".join(lines))


def _silent(server: Server, text: str) -> EvidenceItem:
    title = f"Prometheus {server.name} does not answer"
    return EvidenceItem(id="", title=title, text=text)


def _then(case: _Case, told: Told, current: Told) -> str:
    if told.trouble:
        return "not known"
    mine = case.then(told.samples, current.samples)
    if mine is not None:
        return amount(mine.value, case.rule.unit)
    # Nobody saw it well: a server that knew nothing then answers as emptily.
    return "not in its answer" if case.rule.missing == "well" else "no data"


def _neighbours(case: _Case, current: Told) -> EvidenceItem | None:
    text = neighbours(case.rule, current.samples, otherwise=case.otherwise)
    title = f"{case.rule.name}: one host or all?"
    return EvidenceItem(id="", title=title, text=text) if text else None


def _unusual(case: _About, known: Sequence[Surprise]) -> EvidenceItem | None:
    if not known:
        return None
    shown = ranked(known)[:_TOP]
    lines = [_surprising(one) for one in shown]
    nothing = f"Nothing of {', '.join(one.basic.label for one in known)}."
    title = f"What else is unusual on {case.incident.host}, against the 6 h before"
    return EvidenceItem(id="", title=title, text="\n".join(lines) or nothing)


def _surprising(one: Surprise) -> str:
    unit = one.basic.unit
    usual = f"{amount(one.usual, '')} ± {amount(one.spread, unit)}"
    return f"{one.basic.label}: {amount(one.recent, unit)}, usually {usual}"


EVIDENCE = PrometheusEvidence
