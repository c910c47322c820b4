"""What Prometheus knows to have happened: when a host booted, and what was deployed."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from bot.prometheus.answer import Sample
from bot.prometheus.selector import on_host
from bot.text.redact import fit_to_keep

_WORD: Final = 30
_NAMES: Final = ("service", "app", "job")
_FIRST: Final = 946_684_800
_LAST: Final = 4_000_000_000
"""A figure before the year 2000, or after 2096, is something else than a second."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Happening = tuple[datetime, str]


def boots(label: str, host: str) -> str:
    """Return the question for the second at which a host booted (node_exporter)."""
    return f"max(node_boot_time_seconds{{{on_host(label, host)}}})"


def booted(samples: Sequence[Sample], since: datetime) -> list[Happening]:
    """Read its answer; what was before `since` is no news."""
    return [
        (at, "reboot") for s in samples if (at := _instant(s.value)) and at >= since
    ]


def deployed(
    samples: Sequence[Sample], since: datetime, is_here: Callable[[Sample], bool]
) -> list[Happening]:
    """Read the answer of a server's `deploys`: those of one host, or of no host.

    Each value is the second of a deployment.
    """
    found = []
    for sample in samples:
        at = _instant(sample.value)
        if at and at >= since and is_here(sample):
            found.append((at, _words(sample)))
    return found


def _words(sample: Sample) -> str:
    name = next((sample.labels[n] for n in _NAMES if sample.labels.get(n)), "")
    version = sample.labels.get("version", "")
    told = (fit_to_keep(word, limit=_WORD) for word in (name, version))
    return " ".join(("deploy", *filter(None, told)))


def _instant(second: float) -> datetime | None:
    if not _FIRST < second < _LAST:
        return None
    return datetime.fromtimestamp(second, UTC)
