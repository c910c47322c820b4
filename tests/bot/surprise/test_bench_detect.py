"""`make bench-detect`: onsets are counted, not points, and a bad file is named."""

from pathlib import Path

import numpy as np
import pytest

from tests.bench.detect import main, tails
from tests.bench.labelled import Flags, Series, events, onsets, score

DAY = 288


def series(labels: Flags | None = None, train: int = 2 * DAY, days: int = 6) -> Series:
    values = np.random.default_rng(2).normal(10, 1, (days * DAY, 4))
    none = np.zeros(len(values), bool)
    found = none if labels is None else labels
    return Series(name="x-1", values=values, labels=found, train=train, per_day=DAY)


def flags(*points: int) -> Flags:
    found = np.zeros(6 * DAY, bool)
    found[list(points)] = True
    return found


def write(folder: Path, name: str, **changes: object) -> None:
    one = series(flags(1200, 1201, 1202))
    one.values[1200:1203] += 30
    arrays = {"values": one.values, "labels": one.labels.astype("i1"), "train": 576}
    arrays |= {"points_per_day": DAY} | changes
    kept = {key: value for key, value in arrays.items() if value is not None}
    np.savez(folder / name, **{key: np.asarray(value) for key, value in kept.items()})


def test_an_alert_lasts_until_an_hour_was_quiet() -> None:
    assert onsets(flags(10, 11, 20, 33, 50), quiet=12) == [10, 33, 50]
    assert onsets(flags(), quiet=12) == []


def test_an_event_counts_from_ten_minutes_before_to_five_after() -> None:
    labelled = series(flags(1000, 1001, 1002, 1005))

    assert events(labelled) == [(998, 1003), (1003, 1006)]
    assert score(labelled, flags(998)).found == 1
    assert score(labelled, flags(1003)).found == 2
    assert score(labelled, flags(997)).false == 1


def test_a_second_onset_in_an_event_earns_nothing() -> None:
    labelled = series(flags(*range(1000, 1100)))

    found = score(labelled, flags(1000, 1050, 1300))

    assert (found.found, found.false) == (1, 1)
    assert (found.recall, found.precision, found.false_per_day) == (1, 0.5, 0.25)


def test_an_alert_that_goes_on_into_an_event_has_not_found_it() -> None:
    labelled = series(flags(*range(1000, 1010)))

    found = score(labelled, flags(*range(980, 1010)))

    assert (found.found, found.false) == (0, 1)


def test_training_points_are_not_scored() -> None:
    labelled = series(flags(100))

    assert score(labelled, flags(100, 300)).events == 0
    assert score(labelled, flags(100, 300)).false == 0


def test_the_bench_sees_no_future() -> None:
    whole = series()
    half = Series(
        name="x-1",
        values=whole.values[:1000],
        labels=whole.labels[:1000],
        train=whole.train,
        per_day=DAY,
    )

    np.testing.assert_array_equal(tails(whole)[:1000], tails(half))


def test_it_prints_every_group_beside_its_peers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "web-1.npz")
    write(tmp_path, "web-2.npz")
    write(tmp_path, "db-1.npz")

    assert main([str(tmp_path)]) == 0

    lines = capsys.readouterr().out.splitlines()
    found = {cells[0]: cells for line in lines if (cells := line.split())}
    assert found["web"][1:5] == ["2", "2", "surprise", "1.00"]
    assert found["all"][1:4] == ["3", "3", "surprise"]
    assert sum("fixed limits, k" in line for line in lines) == 2
    assert sum("band of a day, k" in line for line in lines) == 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"labels": None}, "no array 'labels'"),
        ({"labels": np.zeros(5)}, "labels of shape (5,)"),
        ({"train": 5000}, "nothing to score"),
        ({"points_per_day": 0}, "points_per_day is 0"),
        ({"values": np.zeros((2, 2, 2))}, "no array of time by metric"),
        ({"values": np.array(["a", "b"])}, "cannot be read"),
    ],
)
def test_a_bad_file_is_named_and_the_others_count(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
    why: str,
) -> None:
    write(tmp_path, "web-1.npz")
    write(tmp_path, "web-2.npz", **changes)

    assert main([str(tmp_path)]) == 1

    said = capsys.readouterr()
    assert "web-2.npz is left out: " in said.err and why in said.err
    assert "web          1" in said.out


def test_no_numpy_file_at_all_is_named_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "web-1.npz").write_text("I am no archive")

    assert main([str(tmp_path)]) == 1

    assert "web-1.npz is left out: it cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(("named", "why"), [("", "which folder?"), ("x", "in x;")])
def test_a_folder_is_needed(
    named: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([named]) == 2

    assert why in capsys.readouterr().err


def test_help_says_what_the_files_hold(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])

    assert "`train`" in capsys.readouterr().out
