"""Is it one host or all? What a rule's answer tells of the others. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from bot.config.prometheus import Rule
from bot.measuring.series import judged, subject_of
from bot.model import Level
from bot.prometheus.answer import Sample
from bot.text.words import amount

_WORST: Final = 5


def neighbours(rule: Rule, samples: Sequence[Sample], *, otherwise: str) -> str:
    """Say how many hosts pass the limit, and the five that are worst; "" for no host.

    otherwise: the host of series whose labels name none. Of a host with several series
    the worst counts.
    """
    worst = _worst(rule, samples, otherwise)
    if not worst:
        return ""
    hosts = sorted(worst, key=lambda host: _badness(rule, worst[host]), reverse=True)
    rows = [(amount(worst[host], rule.unit), host) for host in hosts[:_WORST]]
    width = max(len(said) for said, _ in rows)
    more = [f"and {len(hosts) - _WORST} more"] if hosts[_WORST:] else []
    listed = [f"{said:>{width}}  {host}" for said, host in rows]
    return "\n".join((_counted(rule, worst), *listed, *more))


def _counted(rule: Rule, worst: Mapping[str, float]) -> str:
    passing = sum(judged(rule, v, Level.OK) is not Level.OK for v in worst.values())
    side = "above" if rule.bad == "above" else "below"
    limit = f"{side} the limit of {amount(rule.limits.warning, rule.unit)}"
    hosts = "host" if len(worst) == 1 else "hosts"
    is_ = "is" if passing == 1 else "are"
    if rule.missing == "well":
        # Its expression filters: nobody tells how many hosts are well.
        return (
            f"{len(worst)} {hosts} {'is' if len(worst) == 1 else 'are'} in its answer."
        )
    if len(worst) == 1:
        return f"It is measured of {next(iter(worst))} only, which {is_} {limit}."
    return f"{passing} of {len(worst)} {hosts} {is_} {limit}."


def _worst(rule: Rule, samples: Sequence[Sample], otherwise: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for sample in samples:
        if not math.isfinite(sample.value):
            continue
        host = subject_of(rule, sample.labels, otherwise=otherwise).host
        known = found.get(host, sample.value)
        found[host] = max(known, sample.value, key=lambda v: _badness(rule, v))
    return found


def _badness(rule: Rule, value: float) -> float:
    return value if rule.bad == "above" else -value
