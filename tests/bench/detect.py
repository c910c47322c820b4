"""`make bench-detect DIR=…`: scores the surprise layer on labelled series.

DIR has `.npz` files: `values` (time by metric), `labels` (time; 1 inside an event),
`train` (leading points that are not scored), and if they like `points_per_day` (1440).
Files whose names begin alike (`asd-…`) are a group. One limit for all files, the
product's own, and the product's own class; points of an event are not kept out, since
nobody tells. The peers are given the limit that is best for them in each group, in
hindsight: fixed limits at mean ± k sigma of the training part, and a band of k sigma
around the mean of the day before; any metric outside is an alert. How is counted:
`tests/bench/labelled.py`. Times are CPU time.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bot.surprise.surprise import UNUSUAL, Surprise
from tests.bench.labelled import BadFile, Floats, Score, Series, read, score

SIGMAS = (3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50, 100)
Peer = Callable[[Series], Floats]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="make bench-detect",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR")
    named = parser.parse_args(arguments).folder
    paths = sorted(Path(named).glob("*.npz")) if named else []
    if not paths:
        missing = f"there are no .npz files in {named}" if named else "which folder?"
        print(f"{missing}; say make bench-detect DIR=folder", file=sys.stderr)
        return 2
    groups, is_whole = _measured(paths)
    if groups:
        _print(groups)
    return 0 if is_whole else 1


class Group:
    """What was counted of the files of one group."""

    def __init__(self) -> None:
        self.files = self.judged = 0
        self.seconds = 0.0
        self.ours = Score()
        self.peers = {name: [Score()] * len(SIGMAS) for name in PEERS}

    def add(self, series: Series) -> None:
        began = time.process_time()
        found = tails(series) <= UNUSUAL
        self.seconds += time.process_time() - began
        self.files += 1
        self.judged += series.values.size
        self.ours += score(series, found)
        for name, peer in PEERS.items():
            off = peer(series)
            self.peers[name] = [
                kept + score(series, off >= k)
                for k, kept in zip(SIGMAS, self.peers[name], strict=True)
            ]

    @property
    def microseconds(self) -> float:
        return self.seconds / self.judged * 1e6


def tails(series: Series) -> Floats:
    """Return the host's tail probability at each point; 1 while the layer learns."""
    layer = Surprise(series.values.shape[1], series.per_day)
    judged = (layer.judge(slot, v).host for slot, v in enumerate(series.values))
    return np.array([1.0 if tail is None else tail for tail in judged])


def fixed(series: Series) -> Floats:
    """Standard deviations from the training part's mean, of the worst metric."""
    known = series.values[: max(series.train, 1)]
    off = np.abs(series.values - np.nanmean(known, axis=0))
    return _worst(off, np.nanstd(known, axis=0))


def band(series: Series) -> Floats:
    """Standard deviations from the mean of the day before, of the worst metric."""
    values = np.nan_to_num(series.values)
    values = values - values.mean(axis=0)  # Or the squares lose what small figures say.
    zero = np.zeros((1, values.shape[1]))
    sums = np.concatenate([zero, np.cumsum(values, axis=0)])
    squares = np.concatenate([zero, np.cumsum(values**2, axis=0)])
    end = np.arange(len(values))
    begin = np.maximum(end - series.per_day, 0)
    count = np.maximum(end - begin, 1)[:, None]
    mean = (sums[end] - sums[begin]) / count
    variance = (squares[end] - squares[begin]) / count - mean**2
    return _worst(np.abs(values - mean), np.sqrt(np.maximum(variance, 0)))


def _worst(off: Floats, sigma: Floats) -> Floats:
    # What never moves would be infinitely far from itself after rounding.
    least = 1e-3 * np.nanstd(off, axis=0) + 1e-9
    return np.nan_to_num(off / (sigma + least)).max(axis=1)


PEERS: Mapping[str, Peer] = {"fixed limits": fixed, "band of a day": band}


def _measured(paths: Sequence[Path]) -> tuple[dict[str, Group], bool]:
    groups: dict[str, Group] = {}
    is_whole = True
    for number, path in enumerate(paths, 1):
        try:
            series = read(path)
        except BadFile as error:
            print(f"{path.name} is left out: {error}", file=sys.stderr)
            is_whole = False
            continue
        groups.setdefault(series.group, Group()).add(series)
        _progress(f"{number} of {len(paths)}: {path.name}")
    _progress("")
    return groups, is_whole


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _print(groups: Mapping[str, Group]) -> None:
    print(f"unusual is p <= {UNUSUAL:g}, for every file\n")
    row = "{:<8} {:>5} {:>6}  {:<22} {:>6} {:>9} {:>5} {:>9} {:>6}"
    heads = ("group", "files", "events", "method", "recall", "precision", "F1")
    print(row.format(*heads, "false/day", "µs"))
    everything = [(name, group.ours) for name, group in groups.items()]
    for name, group in groups.items():
        first = (name, group.files, group.ours.events)
        print(row.format(*first, *_said("surprise", group.ours, group.microseconds)))
        for peer, scores in group.peers.items():
            best, k = max(zip(scores, SIGMAS, strict=True), key=lambda at: at[0].f1)
            print(row.format("", "", "", *_said(f"{peer}, k = {k}", best)))
    total = sum((ours for _, ours in everything), Score())
    files = sum(group.files for group in groups.values())
    print(
        row.format(
            "all",
            files,
            total.events,
            *_said("surprise", total, _mean(groups.values())),
        )
    )
    print("\nfalse/day: false pages per host and day. µs: per point and metric.")


def _mean(groups: Iterable[Group]) -> float:
    groups = list(groups)
    return sum(g.seconds for g in groups) / sum(g.judged for g in groups) * 1e6


def _said(
    method: str, found: Score, microseconds: float | None = None
) -> tuple[str, ...]:
    return (
        method,
        f"{found.recall:.2f}",
        f"{found.precision:.2f}",
        f"{found.f1:.3f}",
        f"{found.false_per_day:.2f}",
        "" if microseconds is None else f"{microseconds:.1f}",
    )


if __name__ == "__main__":
    sys.exit(main())
