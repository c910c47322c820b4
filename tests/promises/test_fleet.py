"""A fleet is judged where its figures are: asking costs a tenth of pulling, or less."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.real.prometheus import prometheus, promtool

pytestmark = [pytest.mark.promise(33), pytest.mark.timeout(600)]

HOURS = 6
BAD = 3
EXPR = "abs(fleet - avg_over_time(fleet[1h])) / (stddev_over_time(fleet[1h]) > 0) > 3"
MEASURE = """
import json, sys, time
from datetime import UTC, datetime, timedelta

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if "VmHWM" in line)

def timed(work):
    began = time.monotonic()
    count = work()
    return time.monotonic() - began, count

def measured(work, before=lambda: None):
    # The better of two on both sides: other work is going on beside it.
    base = peak()
    before()
    took, count = min(timed(work) for _ in range(2))
    print(json.dumps({"count": count, "seconds": took, "kilobytes": peak() - base}))

url = sys.argv[1]
"""
ROUND = """
from bot.config.prometheus import PrometheusServer, Rule
from bot.detectors.prometheus import PrometheusDetector, PrometheusSection
from bot.host.host import HostContext, HostSampler
from bot.host.metrics import History
from bot.prometheus.server import Server
from bot.runtime.clock import SystemClock
from remediation.acts.systemd import Systemd
from remediation.target.facts import FactReader
import prometheus_api_client.prometheus_connect

server = PrometheusServer.model_validate({"url": url, "timeout": "60s"})
rule = Rule(name="odd", expr=sys.argv[2], warning=3, missing="well")
clock = SystemClock()
host = HostContext(
    name="web-1",
    sampler=HostSampler(clock),
    facts=FactReader("web-1"),
    history=History(),
    clock=clock,
    services=Systemd(),
    rules=[(rule, Server(name="main", section=server))],
)
detector = PrometheusDetector(PrometheusSection(), host)
# The first round asks for the courses of what it finds too; that is done once for each.
measured(lambda: len(detector.check(())) - 1, before=lambda: detector.check(()))
"""
PULL = """
from prometheus_api_client.prometheus_connect import PrometheusConnect

until = datetime.now(UTC)
ask = PrometheusConnect(url).custom_query_range
measured(lambda: len(ask("fleet", until - timedelta(hours=6), until, "60")))
"""


def backfilled(folder: Path, series: int) -> None:
    """Six hours of so many series, the first of which end far from what they were."""
    now = int(time.time())
    times = range(now - HOURS * 3600, now - 5, 60)
    file = folder / "fleet.txt"
    with file.open("w") as out:
        out.write("# TYPE fleet gauge\n")
        for n in range(series):
            odd = 1000 if n < BAD else 0
            out.writelines(
                f'fleet{{instance="web-{n}:9100"}} '
                f"{(n + at // 60) % 7 + odd * (at >= times[-1])} {at}\n"
                for at in times
            )
        out.write("# EOF\n")
    words = [promtool(), "tsdb", "create-blocks-from", "openmetrics"]
    made = [*words, str(file), str(folder / "tsdb")]
    subprocess.run(made, check=True, capture_output=True, timeout=300)


def figures(script: str, *arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE + script, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def test_a_round_takes_a_tenth_of_pulling_the_same_series(
    tmp_path: Path, *, full_counts: bool
) -> None:
    series = 10_000 if full_counts else 3000
    backfilled(tmp_path, series)
    with prometheus(tmp_path) as real:
        real.wait_for(f"count(fleet) == {series}")
        pulled = figures(PULL, real.url)
        asked = figures(ROUND, real.url, EXPR)
    print(f"promise 33: {series:,} series of {HOURS} h: pulled {pulled}, asked {asked}")
    assert pulled["count"] == series
    assert asked["count"] == BAD
    assert asked["seconds"] <= pulled["seconds"] / 10
    assert asked["kilobytes"] <= pulled["kilobytes"] / 10
