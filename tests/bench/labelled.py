"""Labelled series for `make bench-detect`: reading them, and counting what was found.

An event is a run of labelled points after the training part. An alert is a run of points
that a method calls unusual; it lasts until an hour was quiet, and its onset is its first
point. An event is found by an onset within [-10, +5] min of it; an onset near none is a
false page. Precision is found events of found events and false pages: a second onset in
the same event earns nothing.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
EARLY, LATE, QUIET = 10, 5, 60
"""Minutes."""


class BadFile(Exception):
    """It holds no labelled series; the text says what is wrong."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One host. values: time by metric. train: leading points that are not scored."""

    name: str
    values: Floats
    labels: Flags
    train: int
    per_day: int

    @property
    def group(self) -> str:
        """What stands before the first dash of its name."""
        return self.name.partition("-")[0]

    @property
    def days(self) -> float:
        return (len(self.values) - self.train) / self.per_day

    def points(self, minutes: float) -> int:
        return round(minutes * self.per_day / 1440)


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one method found: events and those found, false pages, days of hosts."""

    events: int = 0
    found: int = 0
    false: int = 0
    days: float = 0.0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            events=self.events + other.events,
            found=self.found + other.found,
            false=self.false + other.false,
            days=self.days + other.days,
        )

    @property
    def recall(self) -> float:
        return self.found / self.events if self.events else 0.0

    @property
    def precision(self) -> float:
        pages = self.found + self.false
        return self.found / pages if pages else 0.0

    @property
    def f1(self) -> float:
        both = self.recall + self.precision
        return 2 * self.recall * self.precision / both if both else 0.0

    @property
    def false_per_day(self) -> float:
        return self.false / self.days if self.days else 0.0


def read(path: Path) -> Series:
    """Return the series of one file; raise `BadFile`."""
    try:
        with np.load(path, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        values = np.asarray(arrays["values"], "f8")
        labels = np.asarray(arrays["labels"]) == 1
        train = int(arrays["train"])
        per_day = round(float(arrays.get("points_per_day", 1440)))
    except KeyError as error:
        raise BadFile(f"it has no array {error}") from error
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise BadFile(f"it cannot be read: {error}") from error
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or not values.shape[1]:
        raise BadFile("values is no array of time by metric")
    if labels.shape != values.shape[:1]:
        raise BadFile(f"{len(values)} points have labels of shape {labels.shape}")
    if not 0 <= train < len(values):
        raise BadFile(f"train is {train} of {len(values)} points: nothing to score")
    if not 1 <= per_day <= 86_400:
        raise BadFile(f"points_per_day is {per_day}; 1 to 86,400 are known")
    return Series(
        name=path.stem, values=values, labels=labels, train=train, per_day=per_day
    )


def onsets(unusual: Flags, quiet: int) -> list[int]:
    """Return the points where an alert begins."""
    at = np.flatnonzero(unusual)
    if not at.size:
        return []
    is_first = np.concatenate([[True], np.diff(at) > max(1, quiet)])
    return [int(point) for point in at[is_first]]


def events(series: Series) -> list[tuple[int, int]]:
    """Return the first and last point in which an onset counts for each event."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], series.labels, [0]])))
    early, late = series.points(EARLY), series.points(LATE)
    return [
        (max(int(first) - early, series.train), int(end) - 1 + late)
        for first, end in zip(edges[::2], edges[1::2], strict=True)
        if end > series.train
    ]


def score(series: Series, unusual: Flags) -> Score:
    """Count what the flags of one method found, after the training part."""
    unusual = unusual.copy()
    unusual[: series.train] = False
    began = onsets(unusual, series.points(QUIET))
    spans = events(series)
    found = sum(any(a <= at <= b for at in began) for a, b in spans)
    false = sum(not any(a <= at <= b for a, b in spans) for at in began)
    return Score(events=len(spans), found=found, false=false, days=series.days)
