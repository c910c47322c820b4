"""A surprise calls somebody only where figures of two families, or a shortage, agree."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.detectors.surprise import SurpriseDetector, SurpriseSection
from bot.host.host import HostContext
from bot.host.unusual import Odd, Unusual, family, is_of_host, named, odds
from bot.model import Finding, Level
from bot.ports import NotTold
from tests.detectors.pieces import START, HandClock, PaperFacts, context


def odd(series: str, tail: float = 1e-3) -> Odd:
    return Odd(series=series, unit="%", now=90, low=10, high=20, tail=tail)


def host(tmp_path: Path, unusual: Unusual, lone: list[Finding]) -> HostContext:
    plain = context(tmp_path, HandClock(), PaperFacts(tmp_path))
    return replace(plain, unusual=lambda: unusual, lone=lone.append)


def judged(
    tmp_path: Path, *series: str, tail: float | None = 1e-4, times: int = 1
) -> tuple[Finding, list[Finding]]:
    lone: list[Finding] = []
    unusual = Unusual(at=START, tail=tail, odd=tuple(map(odd, series)))
    detector = SurpriseDetector(SurpriseSection(), host(tmp_path, unusual, lone))
    for _ in range(times - 1):
        detector.check(())
    (found,) = detector.check(())
    return found, lone


def short_of(tmp_path: Path, resource: str, percent: float) -> None:
    (tmp_path / "pressure").mkdir()
    line = f"avg10={percent:.2f} avg60=0.00 avg300=0.00 total=1"
    (tmp_path / "pressure" / resource).write_text(f"some {line}\nfull {line}\n")


def test_two_families_that_agree_call_somebody(tmp_path: Path) -> None:
    found, lone = judged(tmp_path, "cpu", "network_errors/eth0")

    assert (found.level, found.value) == (Level.WARNING, 4)
    assert "CPU 90 %, Network errors eth0 90 %" in found.summary
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["Agree"] == "computing, network"
    assert facts["CPU"] == "90 % (usually at this time 10 % to 20 %; 1 in 1,000)"
    assert found.no_action is not None
    assert lone == []


@pytest.mark.parametrize(
    "series",
    [
        ("cpu",),
        ("cpu", "load", "pressure/cpu", "temperature/core"),
        ("network_link/eth0", "network_errors/eth0"),
        (),
    ],
)
def test_one_family_calls_nobody(tmp_path: Path, series: tuple[str, ...]) -> None:
    found, _ = judged(tmp_path, *series)

    assert (found.level, found.value) == (Level.OK, 0)


def test_work_that_moves_all_it_needs_calls_somebody_only_in_a_shortage(
    tmp_path: Path,
) -> None:
    work = ("cpu", "memory", "disk_latency/sda", "swap", "iowait")
    found, _ = judged(tmp_path, *work)
    short_of(tmp_path, "io", 30)
    short, _ = judged(tmp_path, *work)

    assert [found.level, short.level] == [Level.OK, Level.WARNING]


def test_what_stays_alone_is_told_of_once(tmp_path: Path) -> None:
    _, lone = judged(tmp_path, "inodes//srv", times=5)

    assert [(f.label, f.shown) for f in lone] == [
        ("Inodes /srv", "90 % (1 in 1,000)"),
    ]


@pytest.mark.parametrize(
    ("resource", "percent", "level"),
    [("cpu", 45, Level.WARNING), ("memory", 2, Level.OK), ("io", 30, Level.WARNING)],
)
def test_a_shortage_agrees_with_one_family(
    tmp_path: Path, resource: str, percent: float, level: Level
) -> None:
    short_of(tmp_path, resource, percent)

    found, _ = judged(tmp_path, "endpoint/web.service")

    assert found.level is level


@pytest.mark.parametrize(
    ("tail", "level"),
    [(4e-4, Level.OK), (3e-4, Level.WARNING), (1e-300, Level.WARNING)],
)
def test_it_warns_from_one_minute_of_3200_and_is_never_critical(
    tmp_path: Path, tail: float, level: Level
) -> None:
    found, _ = judged(tmp_path, "cpu", "tcp_retransmits", tail=tail)

    assert found.level is level


def test_while_it_learns_it_tells_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotTold, match="learns"):
        judged(tmp_path, "cpu", tail=None)


@pytest.mark.parametrize(
    ("series", "name", "words"),
    [
        ("cpu", "computing", "CPU"),
        ("pressure/io", "storage", "Pressure io"),
        ("filesystem//srv", "storage", "Filesystem /srv"),
        ("endpoint/web.service", "endpoint", "Endpoint web.service"),
        ("not_yet_known", "not_yet_known", "Not yet known"),
    ],
)
def test_a_series_has_a_family_and_a_name(series: str, name: str, words: str) -> None:
    assert (family(series), named(series)) == (name, words)


@pytest.mark.parametrize(
    "series",
    ["runaway_process/process:7:8", "prometheus/main", "disk_full@web-7#1a2b"],
)
def test_single_processes_and_other_hosts_are_left_out(series: str) -> None:
    assert not is_of_host(series)
    assert is_of_host("disk_latency/sda")


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (0.0051, "1 in 200"),
        (1e-4, "1 in 10,000"),
        (1e-9, "less than 1 in 1,000,000"),
        (1.0, "1 in 1"),
    ],
)
def test_odds_are_said_in_words(tail: float, words: str) -> None:
    assert odds(tail) == words
