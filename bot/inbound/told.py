"""One alert as another system told it. Its words are data: cleaned, cut, never obeyed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

AlertKey = tuple[str, str]


MOST_LABELS: Final = 64
LONGEST: Final = 1000
"""Characters of a value; more is cut, and nobody reads it."""


class Source(StrEnum):
    """Who told it; the way its message looks."""

    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAlert:
    """One alert; each of its firings is one of (source, fingerprint, starts_at).

    fingerprint: the same for every firing of the same labels. starts_at: of this firing,
    aware. ends_at: of one that is over, where its sender says so. group: what the sender sent it with; alerts of one group are about one thing.
    left_out: alerts of the group that the sender did not send.
    """

    source: Source
    fingerprint: str
    starts_at: datetime
    is_firing: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    ends_at: datetime | None = None
    group: str = ""
    left_out: int = 0

    @property
    def key(self) -> AlertKey:
        """Who it is, whenever it fires."""
        return self.source, self.fingerprint

    @property
    def is_whole(self) -> bool:
        """Whether no label was cut, so that a silence by them matches this alert."""
        is_uncut = all(len(value) < LONGEST for value in self.labels.values())
        return is_uncut and len(self.labels) < MOST_LABELS

    @property
    def name(self) -> str:
        """What it is called: the label that all these systems write."""
        return self.labels.get("alertname") or "alert"


def digest_of(*words: str) -> str:
    """Return ten hexadecimal digits that stand for the words.

    >>> digest_of("grafana", "c6eadffa33fcdf37") == digest_of("grafanac6eadffa33fcdf37")
    False
    """
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:10]
