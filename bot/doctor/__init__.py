"""`countersign doctor`: every check says what is wrong, what it means, what to do."""

import os
import sys
from collections.abc import Iterator

from bot.config.environment import Environment
from bot.config.yamlfile import BadConfiguration
from bot.doctor import (
    alerts,
    cleaning,
    configuration,
    gate,
    host,
    hosts,
    knowledge,
    logs,
    prometheus,
    services,
    storage,
)
from bot.runtime.checkup import Finding, Grade
from bot.wiring.parts import configured
from handlers import checkup

_MARKS = {Grade.FINE: "ok  ", Grade.WARN: "WARN", Grade.FAIL: "FAIL"}


def run() -> int:
    """Print all checks as they are done; 1 if any of them failed."""
    environment = Environment.read(os.environ)
    missing: list[str] = []
    for finding in _checks(environment):
        print(f"{_MARKS[finding.grade]}  {finding.subject}: {finding.text}", flush=True)
        if finding.grade is Grade.FAIL and finding.subject not in missing:
            missing.append(finding.subject)
    named = f"Still missing: {', '.join(missing)}. FAIL above says what to do."
    print(named if missing else "Ready.", file=sys.stderr)
    return 1 if missing else 0


def _checks(environment: Environment) -> Iterator[Finding]:
    loaded = settings = None
    try:
        loaded = configured(environment)
    except BadConfiguration as error:
        yield Finding(
            grade=Grade.FAIL,
            subject="configuration",
            text=f"{error}\n      Nothing starts until each of them is mended.",
        )
    else:
        settings = loaded.settings
        yield from configuration.checks(loaded, str(environment.config))
        yield from gate.checks(settings)
        yield from cleaning.checks(settings)
    yield from host.checks(environment, settings)
    yield from storage.checks(environment)
    if loaded is not None and settings is not None:
        yield from services.checks(settings)
        yield from hosts.checks(settings, environment)
        yield from prometheus.checks(settings, environment, loaded.detectors)
        yield from alerts.checks(settings, environment)
        yield from logs.checks(settings, environment)
        yield from knowledge.checks(settings, environment)
    yield from checkup.checks(environment, settings)
