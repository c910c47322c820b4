"""Everything that can be configured, with its unit and default; read once at the start.

One YAML file holds what a team decides; secrets come from elsewhere
(`bot/config/environment.py`). `load` reports every problem of the file together.
"""

import difflib
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar, get_args

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from bot.config.alerts import AlertsSection
from bot.config.durations import Duration
from bot.config.escalation import Escalation
from bot.config.expected import ExpectedSection
from bot.config.gate import GateSection
from bot.config.hosts import HostName, HostSection, check_others
from bot.config.inventory import hosts_in
from bot.config.knowledge import MemorySection, RunbooksSection
from bot.config.liveness import Heartbeat, Http
from bot.config.logs import LogsSection
from bot.config.model import Model
from bot.config.policy import Policy
from bot.config.prometheus import PrometheusSection
from bot.config.report import ReportSection
from bot.config.retention import RetentionSection
from bot.config.section import Section
from bot.config.services import Service, Supervisor, Timer
from bot.config.slack import Slack
from bot.config.wrong_value import should_be
from bot.config.yamlfile import BadConfiguration, Located, Problem, Where, read
from bot.model import Limits

Limit = Annotated[float, Field(allow_inf_nan=False)]


class DetectorSection(Section):
    """What every detector can be told; each detector file sets its own defaults.

    interval: between two rounds. for: how long a limit must be passed before the
    alert fires. keep_firing_for: how long it must be clear before it is resolved.
    warning, critical: limits in the detector's unit. clear_warning,
    clear_critical: where the alert ends again (default: a tenth inside the limit).
    needs_host: whether it measures what only the host's own /proc tells; such a
    detector is off where the bot does not see a host (`bot/host/enclosure.py`). has_limits:
    whether the limits here count; elsewhere they stand with what is watched.
    """

    needs_host: ClassVar[bool] = True
    has_limits: ClassVar[bool] = True

    enabled: bool = True
    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=5
    )
    for_: Duration = Field(default=timedelta(seconds=30), alias="for")
    keep_firing_for: Duration = timedelta(seconds=30)
    warning: Limit
    critical: Limit
    clear_warning: Limit | None = None
    clear_critical: Limit | None = None

    def limits(self, *, above: bool = True) -> Limits:
        """Return the limits; `above` says whether high values are the bad ones."""
        inside = 0.9 if above else 1.1
        warning = self.clear_warning
        critical = self.clear_critical
        return Limits(
            warning=self.warning,
            critical=self.critical,
            clear_warning=self.warning * inside if warning is None else warning,
            clear_critical=self.critical * inside if critical is None else critical,
            above=above,
        )

    def asks(self) -> Mapping[Where, str]:
        """Return the names of `prometheus.servers` that it needs, by where they stand."""
        return {}


class Verify(Section):
    """window: how long the condition is measured after an action before judging.

    stable_for: how long a service must stay up after it was started.
    """

    window: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(hours=1))] = (
        timedelta(seconds=30)
    )
    stable_for: Annotated[
        Duration, Field(ge=timedelta(0), le=timedelta(minutes=10))
    ] = timedelta(seconds=30)


def _hostname() -> str:
    name = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()).lstrip(".-")
    return name[:63] or "localhost"


class Settings(Section):
    """The whole file. `detectors` stays raw; each detector parses its own section.

    mode: `observe` tells everything, and what would be proposed, and does nothing.
    watch_host: whether this machine's figures and processes are watched and acted on;
    not given: unless the bot is in a container that sees itself only.
    """

    host: HostName = Field(default_factory=_hostname)
    mode: Literal["act", "observe"] = "act"
    watch_host: bool | None = None
    slack: Slack = Slack()
    services: tuple[Service, ...] = ()
    timers: tuple[Timer, ...] = ()
    supervisord: Supervisor = Supervisor()
    prometheus: PrometheusSection = PrometheusSection()
    alerts: AlertsSection = AlertsSection()
    hosts: Mapping[HostName, HostSection] = Field(default_factory=dict)
    hosts_from: Path | None = None
    logs: LogsSection = LogsSection()
    detectors: dict[str, dict[str, object] | None] = Field(default_factory=dict)
    expected: tuple[ExpectedSection, ...] = ()
    policy: Policy = Policy()
    verify: Verify = Verify()
    escalation: Escalation = Escalation()
    gate: GateSection = GateSection()
    http: Http = Http()
    heartbeat: Heartbeat = Heartbeat()
    model: Model = Model()
    memory: MemorySection = MemorySection()
    runbooks: RunbooksSection = RunbooksSection()
    retention: RetentionSection = RetentionSection()
    report: ReportSection = ReportSection()

    @field_validator("hosts")
    @classmethod
    def _others_only(
        cls, hosts: Mapping[str, HostSection], info: ValidationInfo
    ) -> Mapping[str, HostSection]:
        check_others(hosts, str(info.data.get("host")))
        return hosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The settings together with each detector's own section, by detector name."""

    settings: Settings
    detectors: Mapping[str, DetectorSection]


def load(path: Path, sections: Mapping[str, type[DetectorSection]]) -> Loaded:
    """Read the file; raise `BadConfiguration` naming all its problems at once.

    `sections`: each known detector's name and the model of its section.
    """
    loaded = check(read(path), sections)
    settings = loaded.settings
    if settings.hosts_from is None:
        return loaded
    found = hosts_in(path.parent / settings.hosts_from, here=settings.host)
    both = {**found, **settings.hosts}
    try:
        check_others(both, settings.host)
    except ValueError as error:
        seen = f"{settings.hosts_from} was read"
        wrong = Problem(line=None, where="hosts_from", seen=seen, allowed=str(error))
        raise BadConfiguration(str(path), (wrong,)) from error
    return replace(loaded, settings=settings.model_copy(update={"hosts": both}))


def check(located: Located, sections: Mapping[str, type[DetectorSection]]) -> Loaded:
    """Validate what was read; raise `BadConfiguration` with every problem."""
    problems: list[Problem] = []
    settings = _validate(Settings, located.values, (), located, problems)
    raw = located.values.get("detectors")
    named = raw if isinstance(raw, dict) else {}
    problems += [_unknown(n, sections, located) for n in named if n not in sections]
    detectors = {
        name: _validate(
            model, named.get(name) or {}, ("detectors", name), located, problems
        )
        for name, model in sections.items()
    }
    if settings is not None:
        servers = sorted(settings.prometheus.servers)
        problems += _strangers(detectors, servers, located)
    if problems or settings is None:
        # A detector that is no mapping is found here and there, in the same words.
        told = sorted(dict.fromkeys(problems), key=lambda p: p.line or 0)
        raise BadConfiguration(located.source, tuple(told))
    found = {name: section for name, section in detectors.items() if section}
    return Loaded(settings=settings, detectors=found)


def _strangers(
    detectors: Mapping[str, DetectorSection | None],
    servers: list[str],
    located: Located,
) -> Iterator[Problem]:
    """Name what asks a server that is not in `prometheus.servers`."""
    for name, section in detectors.items():
        for where, asked in (section.asks() if section else {}).items():
            place = ("detectors", name, *where)
            if asked not in servers:
                yield Problem(
                    line=located.line(place),
                    where=".".join(map(str, place)),
                    seen=f"{asked!r} was read",
                    allowed=_nearest(asked, servers, "servers")
                    if servers
                    else "it should be a name in prometheus.servers, which has none",
                )


SomeSection = TypeVar("SomeSection", bound=Section)


def _validate(
    model: type[SomeSection],
    values: object,
    prefix: Where,
    located: Located,
    problems: list[Problem],
) -> SomeSection | None:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        for found in error.errors():
            where = (*prefix, *found["loc"])
            problems.append(
                Problem(
                    line=located.line(where),
                    where=".".join(map(str, where)),
                    seen=_seen(found["type"], found["input"]),
                    allowed=_nearest(str(where[-1]), _known(model, found["loc"]))
                    if found["type"] == "extra_forbidden"
                    else should_be(
                        found["type"],
                        found.get("ctx", {}),
                        found["input"],
                        found["msg"],
                    ),
                )
            )
        return None


def _seen(kind: str, value: object) -> str:
    if kind == "extra_forbidden":
        return "unknown key"
    return "missing" if kind == "missing" else f"{str(value)[:80]!r} was read"


def _known(model: type[Section], loc: Where) -> list[str]:
    return sorted(_keys(_holder(model, loc)))


def _holder(model: type[Section], loc: Where) -> type[Section]:
    for name in loc[:-1]:
        inner = next(
            (f for k, f in model.model_fields.items() if name in (k, f.alias)), None
        )
        # A place in a list names no field: it stays with what the list holds.
        model = _section(inner.annotation) or model if inner is not None else model
    return model


def _section(annotation: object) -> type[Section] | None:
    """Return the section that a field holds, alone, in a list or where it is given."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next(
        (found for part in get_args(annotation) if (found := _section(part))), None
    )


def _keys(model: type[Section]) -> set[str]:
    return {found.alias or name for name, found in model.model_fields.items()}


def _nearest(word: str, known: list[str], what: str = "keys") -> str:
    close = difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}known {what}: {', '.join(known)}"


def _unknown(name: str, sections: Mapping[str, object], located: Located) -> Problem:
    return Problem(
        line=located.line(("detectors", name)),
        where=f"detectors.{name}",
        seen="unknown detector",
        allowed=_nearest(str(name), sorted(sections)),
    )
