"""Where a limit would have to stand so that the false alarms had not been. Pure.

How far a condition went is read from what is kept of an incident: its last value, the
value in its title (as it opened, rounded) and the limit that its level proves passed.
"""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import yaml

from bot.lore import FALSE_ALARM
from bot.model import Finding, Incident, Level, Limits

WINDOW: Final = timedelta(days=30)
ENOUGH: Final = 3
"""So many false alarms of one condition, host and subject within `WINDOW` say something."""

_MOST_PERCENT: Final = 99.0
"""A percentage has no room above."""
_STEPS: Final = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
_WHOLE: Final = 100
"""Lines around a change that the difference shows: the whole section."""
_COARSEST: Final = 0.1
"""A limit is rounded away from the false alarms by at most this share of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A warning and a critical limit, in the condition's unit."""

    warning: float
    critical: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What the false alarms of a condition, host and subject suggest; nothing is applied.

    subject: the mount or program, "" where the condition is the host's own. worst: how
    far they went. after: None where no sensible limit keeps them quiet. remembered:
    incidents of the condition and host, whatever their subject: the limit is one for
    all. fired, would_fire: how many of them the limit of before and of after calls.
    unheard: how many of those that only the limit of before calls nobody said to be
    false.
    """

    host: str
    detector: str
    subject: str
    unit: str
    alarms: int
    worst: float
    before: Pair
    after: Pair | None
    remembered: int
    fired: int
    would_fire: int
    unheard: int


def subjects(incident: Incident, detector: str) -> list[str]:
    """Return what an incident says of a condition is about: mounts or programs. Pure.

    "" is the host itself. A process is named by its program: the pid of the next one
    is another, the program that cries wolf the same.
    """
    found = (f for f in incident.findings if f.detector == detector)
    return list(dict.fromkeys(_about(incident, finding) for finding in found))


def suggestion(
    detector: str, subject: str, history: Sequence[Incident], now: datetime
) -> Suggestion | None:
    """Return what the history of one host suggests, if it has enough false alarms.

    subject: as `subjects` names it; false alarms of another are no reason. history: the
    host's resolved incidents with that condition, the newest first. Only false alarms
    under the limits of the newest one count.
    """
    recent = (i for i in history if _is_recent_false_alarm(i, now))
    false = [pair for i in recent for pair in _of(i, detector, subject)]
    if not false:
        return None
    found = false[0][1]
    limits, sign = found.limits, 1 if found.limits.above else -1
    same = [(i, f) for i, f in false if f.limits == limits]
    reached = [w for i, f in same for w in [_worst(i, f)] if w is not None]
    if len(reached) < ENOUGH:
        return None
    worst = max(reached, key=lambda value: sign * value)
    after = quieter(limits, worst, found.unit)
    heard = _heard(history, detector, limits, after)
    return Suggestion(
        host=found.host,
        detector=detector,
        subject=subject,
        unit=found.unit,
        alarms=len(reached),
        worst=worst,
        before=Pair(warning=limits.warning, critical=limits.critical),
        after=after,
        remembered=heard[0],
        fired=heard[1],
        would_fire=heard[2],
        unheard=heard[3],
    )


def quieter(limits: Limits, worst: float, unit: str) -> Pair | None:
    """Return the nearest round limits beyond `worst`; None beyond what is sensible.

    Sensible is up to 99 for a percentage, and else up to twice the critical limit, or
    down to half of it where low values are bad.
    """
    sign = 1 if limits.above else -1
    bound = limits.critical * 2 if limits.above else limits.critical / 2
    if limits.above and unit == "%":
        bound = _MOST_PERCENT
    rounded = (_beyond(worst, step, sign) for step in _steps(worst))
    warning = next((r for r in rounded if sign * r <= sign * bound), None)
    if warning is None or sign * warning <= sign * limits.warning:
        return None
    critical = limits.critical
    if sign * critical <= sign * warning:
        critical = round((warning + bound) / 2, 6)
    return Pair(warning=warning, critical=critical)


def difference(made: Suggestion, section: Mapping[str, object]) -> str:
    """Return the change of the detector's section as a unified diff; "" without one.

    section: as it stands in the configuration file; empty where it does not.
    """
    if made.after is None:
        return ""
    changed = {**section, "warning": _number(made.after.warning)}
    if made.after.critical != made.before.critical:
        changed["critical"] = _number(made.after.critical)
    before = _yaml(made.detector, section)
    after = _yaml(made.detector, changed)
    lines = difflib.unified_diff(
        before, after, "countersign.yaml", "proposed", n=_WHOLE, lineterm=""
    )
    return "\n".join(lines)


def told(made: Suggestion, diff: str) -> str:
    """Return the words for the thread, the difference at their end."""
    unit = made.unit.partition(" ")[0]
    about = f" ({made.subject})" if made.subject else ""
    head = (
        f"{made.alarms} false alarms of {made.detector}{about} on {made.host} within "
        f"{WINDOW.days} days, at up to {_shown(made.worst, unit)}."
    )
    old = _shown(made.before.warning, unit)
    if made.after is None:
        return (
            f"{head} No sensible limit tells them from trouble, so none is proposed; "
            "a longer time before it fires, or a mute while it is expected, may help."
        )
    new = _shown(made.after.warning, unit)
    return (
        f"{head} Proposed, not applied: warning {old} becomes {new}. Of "
        f"{made.remembered} remembered incidents of it, {old} fired {made.fired} times "
        f"and {new} would have fired {made.would_fire} times; {made.unheard} of those "
        f"it misses were not called false alarms.\n{diff}"
    )


def _is_recent_false_alarm(incident: Incident, now: datetime) -> bool:
    ended = incident.resolved_at
    is_false = incident.resolution == FALSE_ALARM and not incident.is_storm
    return is_false and ended is not None and now - ended <= WINDOW


def _of(
    incident: Incident, detector: str, subject: str
) -> list[tuple[Incident, Finding]]:
    """Return the incident with its finding of that condition and subject, if it has one."""
    for found in incident.findings:
        if found.detector == detector and _about(incident, found) == subject:
            return [(incident, found)]
    return []


def _about(incident: Incident, found: Finding) -> str:
    if not found.subject.startswith("process:"):
        return found.subject
    for culprit in (*found.culprits, incident.culprit):
        if culprit is None:
            continue
        who = culprit.identity
        if found.subject == f"process:{who.pid}:{who.start_ticks}":
            return culprit.process.label
    return found.label


def _worst(incident: Incident, found: Finding) -> float | None:
    """Return how far the condition went in an incident, as far as it is known."""
    sign = 1 if found.limits.above else -1
    known = [found.value, _titled(incident, found), _proven(incident, found)]
    return max(
        (value for value in known if value is not None),
        key=lambda value: sign * value,
        default=None,
    )


def _titled(incident: Incident, found: Finding) -> float | None:
    # `words.title_of` rounds; what it may have rounded away is added again.
    if found != incident.lead:
        return None
    text = incident.title.removeprefix(f"{found.label} ")
    number, _, unit = text.removesuffix(f" on {incident.host}").partition(" ")
    try:
        value = float(number)
    except ValueError:
        return None
    half = 0.05 if "." in number else 0.5
    return (
        value + (half if found.limits.above else -half) if unit == found.unit else None
    )


def _proven(incident: Incident, found: Finding) -> float | None:
    if len(incident.findings) > 1 or incident.level is Level.UNKNOWN:
        return None
    critical = incident.level is Level.CRITICAL
    return found.limits.critical if critical else found.limits.warning


def _heard(
    history: Sequence[Incident], detector: str, limits: Limits, after: Pair | None
) -> tuple[int, int, int, int]:
    """Count the incidents: all, fired before, fired after, missed though not false."""
    sign = 1 if limits.above else -1
    known = [(i, w) for i in history for w in _worst_of_all(i, detector, sign)]
    fired = [(i, w) for i, w in known if sign * w >= sign * limits.warning]
    new = limits.warning if after is None else after.warning
    missed = [i for i, worst in fired if sign * worst < sign * new]
    real = [i for i in missed if i.resolution != FALSE_ALARM]
    return len(known), len(fired), len(fired) - len(missed), len(real)


def _worst_of_all(incident: Incident, detector: str, sign: int) -> list[float]:
    """Return how far it went for whichever subject it went furthest, if that is known."""
    findings = (f for f in incident.findings if f.detector == detector)
    known = [w for f in findings for w in [_worst(incident, f)] if w is not None]
    return [max(known, key=lambda value: sign * value)] if known else []


def _steps(worst: float) -> list[float]:
    if worst <= 0:
        return []
    scale = 10 ** (math.floor(math.log10(worst)) + 1)
    return [scale * s for s in _STEPS if scale * s <= worst * _COARSEST]


def _beyond(worst: float, step: float, sign: int) -> float:
    """Return the multiple of `step` that comes next after `worst`, rounded."""
    nearest = round(worst / step)
    # A quotient of floats may lie on either side of the number that it stands for.
    multiples = (round((nearest + sign * n) * step, 6) for n in range(3))
    return next(m for m in multiples if sign * m > sign * worst)


def _yaml(detector: str, section: Mapping[str, object]) -> list[str]:
    values = {"detectors": {detector: dict(section) or None}}
    text: str = yaml.safe_dump(values, sort_keys=False, allow_unicode=False)
    return text.replace(f"{detector}: null", f"{detector}:").splitlines()


def _number(value: float) -> float:
    return int(value) if value == int(value) else value


def _shown(value: float, unit: str) -> str:
    return f"{value:g} {unit}".strip()
