"""What is unusual on a host: each basic by promtool itself, and how they are ranked."""

import math
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.prometheus.answer import Sample
from bot.prometheus.related import BASICS, Basic, Surprise, question, ranked, surprise
from tests.real.prometheus import promtool

NODE = 'instance="web-7:9100",job="node"'
OTHER = 'instance="web-70:9100",job="node"'
DISK = f'{NODE},device="sda1",fstype="ext4",mountpoint="/"'
# Ten hours: the first nine as usual, then otherwise for an hour. A point a minute.
CASES: dict[str, tuple[dict[str, str], float, float]] = {
    "cpu": (
        {
            f'node_cpu_seconds_total{{{NODE},cpu="0",mode="idle"}}': "0+54x540 29160+6x60",
            f'node_cpu_seconds_total{{{OTHER},cpu="0",mode="idle"}}': "0+54x600",
        },
        90,
        10,
    ),
    "memory": (
        {
            f"node_memory_MemAvailable_bytes{{{NODE}}}": "60x540 10x60",
            f"node_memory_MemTotal_bytes{{{NODE}}}": "100x601",
        },
        90,
        40,
    ),
    "load": ({f"node_load1{{{NODE}}}": "1x540 31x60"}, 31, 1),
    "disk": (
        {
            f"node_filesystem_avail_bytes{{{DISK}}}": "60x540 5x60",
            f"node_filesystem_size_bytes{{{DISK}}}": "100x601",
        },
        95,
        40,
    ),
    "busy_disk": (
        {
            f'node_disk_io_time_seconds_total{{{NODE},device="sda"}}': "0+6x540 3240+54x60"
        },
        90,
        10,
    ),
    "network": (
        {
            f'node_network_receive_bytes_total{{{NODE},device="eth0"}}': (
                "0+60000000x540 32400000000+600000000x60"
            ),
            f'node_network_receive_bytes_total{{{NODE},device="lo"}}': "0+99000000x601",
        },
        10,
        1,
    ),
    "sent": (
        {
            f'node_network_transmit_bytes_total{{{NODE},device="eth0"}}': (
                "0+60000000x540 32400000000+600000000x60"
            )
        },
        10,
        1,
    ),
    "restarts": (
        {f"process_start_time_seconds{{{NODE}}}": "7x540 8+1x60"},
        15,
        0,
    ),
}
BY_NAME = {basic.name: basic for basic in BASICS}


def test_every_basic_has_its_case() -> None:
    assert set(CASES) == set(BY_NAME)


@pytest.mark.parametrize("name", CASES)
def test_a_basic_says_what_is_and_what_is_usual(name: str, tmp_path: Path) -> None:
    lines, recent, usual = CASES[name]
    asked = question(BY_NAME[name], "instance", "web-7:9100")
    # Half an hour after it changed; rounded, since a rate is a fraction of a fraction.
    expected = {"recent": recent, "usual": usual, "spread": 0.0, "readings": 72.0}
    samples = [
        {"labels": f'{{is="{word}"}}', "value": value}
        for word, value in expected.items()
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": s, "values": v} for s, v in lines.items()],
        "promql_expr_test": [
            {
                "expr": f"round({asked}, 0.01)",
                "eval_time": "568m",
                "exp_samples": samples,
            }
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run(
        [promtool(), "test", "rules", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- the ranks --------------------------------------------------------------------------

LOAD = BY_NAME["load"]


def told(**numbers: float) -> list[Sample]:
    at = datetime.now(UTC)
    return [Sample(labels={"is": k}, value=v, at=at) for k, v in numbers.items()]


def test_the_score_has_a_floor_under_the_spread() -> None:
    found = surprise(LOAD, told(recent=4, usual=1, spread=0.7, readings=72))
    assert found is not None
    assert found.z == pytest.approx(3 / (0.7 + LOAD.floor))


@pytest.mark.parametrize(
    "numbers",
    [
        {},
        {"recent": 4.0, "usual": 1.0, "spread": 0.0},
        {"recent": 4.0, "usual": 1.0, "spread": 0.0, "readings": 11.0},
        {"recent": math.nan, "usual": 1.0, "spread": 0.0, "readings": 72.0},
        {"usual": 1.0, "spread": 0.0, "readings": 72.0},
    ],
)
def test_what_is_hardly_known_is_no_surprise(numbers: dict[str, float]) -> None:
    assert surprise(LOAD, told(**numbers)) is None


def made(basic: Basic, recent: float) -> Surprise:
    return Surprise(basic=basic, recent=recent, usual=10, spread=1)


@given(st.lists(st.floats(-1e6, 1e6), max_size=8))
def test_only_surprises_are_told_and_the_greatest_first(values: list[float]) -> None:
    found = ranked([made(b, v) for b, v in zip(BASICS, values, strict=False)])
    scores = [abs(one.z) for one in found]
    assert scores == sorted(scores, reverse=True)
    assert all(score >= 3 for score in scores)
    expected = sum(abs(made(b, v).z) >= 3 for b, v in zip(BASICS, values, strict=False))
    assert len(found) == expected


def test_less_than_usual_is_a_surprise_too() -> None:
    assert ranked([made(LOAD, -10)])
