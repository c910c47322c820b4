"""Which Prometheus servers are asked, and by which rules: the `prometheus:` section.

Secrets never stand here; they come from the environment (`bot/config/environment.py`).
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bot.config.durations import Duration
from bot.config.section import Section
from bot.config.server import ServerSection
from bot.model import Limits

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$")]
ServiceAction = Literal["start", "stop", "restart", "reload"]
Figure = Annotated[float, Field(allow_inf_nan=False)]
_INSIDE = 0.1


class PrometheusServer(ServerSection):
    """One server that speaks Prometheus' API.

    cert_file, key_file: who we are. deploys: PromQL that gives the second of each
    deployment, for evidence and charts.
    """

    cert_file: Path | None = None
    key_file: Path | None = None
    deploys: Annotated[str, Field(min_length=1, max_length=4000)] | None = None

    @model_validator(mode="after")
    def _key_and_certificate(self) -> Self:
        if (self.key_file is None) != (self.cert_file is None):
            raise ValueError("cert_file and key_file are needed together")
        return self


class Rule(Section):
    """A condition that a server measures.

    expr: PromQL that gives an instant vector, one series for each thing that is judged.
    for, keep_firing_for: as for detectors. warning, critical: limits in `unit`, at least
    one. bad: on which side of them it is bad. clear_warning, clear_critical: where it
    ends again. missing: what it means when a series is not in the answer. host, service:
    the labels that name them. actions: all that may be proposed for the service. label: the figure's name; `{a_label}` in it and in summary
    is replaced by that label's value, `{value}` by the figure. runbook: the condition
    whose page is shown.
    """

    name: Name
    expr: Annotated[str, Field(min_length=1, max_length=4000)]
    server: Name | None = None
    for_: Duration = Field(default=timedelta(minutes=1), alias="for")
    keep_firing_for: Duration = timedelta(minutes=1)
    warning: Figure | None = None
    critical: Figure | None = None
    clear_warning: Figure | None = None
    clear_critical: Figure | None = None
    bad: Literal["above", "below"] = "above"
    missing: Literal["unknown", "well"] = "unknown"
    unit: Annotated[str, Field(max_length=20)] = ""
    host: LabelName = "instance"
    service: LabelName | None = None
    actions: Annotated[tuple[ServiceAction, ...], Field(min_length=1)] = ("restart",)
    label: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    summary: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    runbook: Name | None = None

    @model_validator(mode="after")
    def _limits_make_sense(self) -> Self:
        if self.warning is None and self.critical is None:
            raise ValueError("warning or critical is needed")
        if "actions" in self.model_fields_set and self.service is None:
            raise ValueError("actions need service, the label that names one")
        sign = 1 if self.bad == "above" else -1
        limits = self.limits
        if sign * limits.critical < sign * limits.warning:
            raise ValueError(f"critical must not lie {self._inner} warning")
        clear = (limits.clear_warning, limits.clear_critical)
        for cleared, limit in zip(
            clear, (limits.warning, limits.critical), strict=True
        ):
            if sign * cleared > sign * limit:
                raise ValueError(f"a clear limit must lie {self._inner} its limit")
        return self

    @property
    def _inner(self) -> str:
        return "below" if self.bad == "above" else "above"

    @property
    def limits(self) -> Limits:
        """Return all four; the one that is not given is as the other."""
        warning = self.warning if self.warning is not None else self.critical
        critical = self.critical if self.critical is not None else self.warning
        if warning is None or critical is None:
            raise ValueError("warning or critical is needed")
        return Limits(
            warning=warning,
            critical=critical,
            clear_warning=self._clear(warning, self.clear_warning),
            clear_critical=self._clear(critical, self.clear_critical),
            above=self.bad == "above",
        )

    def _clear(self, limit: float, said: float | None) -> float:
        inside = -_INSIDE if self.bad == "above" else _INSIDE
        return limit + abs(limit) * inside if said is None else said


class PrometheusSection(Section):
    """servers: by name. rules: what is asked of them, each rule one question a round."""

    servers: Mapping[Name, PrometheusServer] = Field(default_factory=dict)
    rules: Annotated[tuple[Rule, ...], Field(max_length=200)] = ()

    @model_validator(mode="after")
    def _rules_have_their_server(self) -> Self:
        names = [rule.name for rule in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules are called {twice[0]}; a name may stand once")
        for rule in self.rules:
            if rule.server is None and len(self.servers) != 1:
                raise ValueError(f"the rule {rule.name} must say which server to ask")
            if rule.server is not None and rule.server not in self.servers:
                raise ValueError(
                    f"the rule {rule.name} asks {rule.server}, which is not in servers"
                )
        return self

    def server_of(self, rule: Rule) -> str:
        """Return the name of the server that a rule asks."""
        return rule.server or next(iter(self.servers))
