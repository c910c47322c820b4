"""`countersign once`: one round of every detector, printed as a table."""

import os
import sys
import time

from bot.config.environment import Environment
from bot.config.settings import DetectorSection, Loaded, check
from bot.config.yamlfile import BadConfiguration, Located
from bot.host.enclosure import not_watched
from bot.host.metrics import History
from bot.model import Finding, Level
from bot.ports import Detector, NotTold
from bot.runtime.clock import SystemClock
from bot.text.words import amount, measured
from bot.wiring import parts

_BETWEEN_SECONDS = 1.0


def run() -> int:
    """Measure twice (a delta needs two readings) and print; 1 if anything is wrong."""
    environment = Environment.read(os.environ)
    try:
        loaded = _loaded(environment)
    except BadConfiguration as error:
        sys.stderr.write(f"countersign once: {error}\n")
        return 2
    host = parts.host_context(loaded.settings, environment, SystemClock(), History())
    detectors = parts.enabled_detectors(loaded, host)
    if host.unseen:
        sys.stderr.write(f"{not_watched(host.unseen)}\n")
    sys.stderr.write(f"measuring for {_BETWEEN_SECONDS:.0f} s …\n")
    told = [found for found in detectors if _is_told(found)]
    time.sleep(_BETWEEN_SECONDS)
    findings = [f for detector in told for f in detector.check(frozenset())]
    _print(findings)
    return 1 if any(f.level is not Level.OK for f in findings) else 0


def _is_told(detector: Detector) -> bool:
    """Measure for the first time; say which figure this host does not tell."""
    try:
        detector.check(frozenset())
    except NotTold as why:
        sys.stderr.write(f"{detector.name} is not measured: {why}\n")
        return False
    return True


def _loaded(environment: Environment) -> Loaded:
    """Read the file where there is one; the defaults do for a look."""
    if environment.config.is_file():
        return parts.configured(environment)
    sections: dict[str, type[DetectorSection]] = parts.sections()
    return check(Located(source="defaults", values={}, lines={}), sections)


def _print(findings: list[Finding]) -> None:
    rows = [("LEVEL", "DETECTOR", "WHAT", "VALUE", "LIMIT", "SUMMARY")]
    rows += [
        (
            f.level.value,
            f.detector,
            f.subject or f.host,
            measured(f),
            amount(f.limits.warning, f.unit),
            f.summary,
        )
        for f in findings
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[5]]))
