"""Promise 13: the right process or none, whenever the pid changes hands."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.remediation.victims import as_root

_SCRIPT = Path(__file__).with_name("reuse_pids.py")
_NAMESPACE = ("/usr/bin/unshare", "--fork", "--pid", "--mount-proc", "--kill-child")
_SAMPLE, _FULL = 30, 1_000
# After SIGTERM the bot looks a second for a successor: there, runs are side by side.
_RUNS = {"term_to_kill": 10, "at_the_renice": 1}


def _run(moment: str, count: int) -> dict[str, int]:
    command = [*_NAMESPACE, sys.executable, str(_SCRIPT), moment, str(count)]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        cwd=_SCRIPT.parents[2],
        env={"PYTHONPATH": str(_SCRIPT.parents[2])},
    )
    counts: dict[str, int] = json.loads(done.stdout)
    return counts


@pytest.mark.promise(13)
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    "moment",
    [
        "proposal_to_click",
        "recheck_to_signal",
        "check_to_signal",
        "term_to_kill",
        "at_the_renice",
        "click_to_gate",
        "in_the_gate",
        "of_a_drill",
    ],
)
def test_a_pid_that_changes_hands_hits_no_innocent(
    moment: str, request: pytest.FixtureRequest
) -> None:
    if not as_root or not Path(_NAMESPACE[0]).exists():
        pytest.skip("needs root and unshare for a private pid namespace")
    full = request.config.getoption("--full-counts", default=False)
    total, runs = _FULL if full else _SAMPLE, _RUNS.get(moment, 2)

    with ThreadPoolExecutor(runs) as pool:
        parts = list(pool.map(lambda _: _run(moment, total // runs), range(runs)))

    figures = {key: sum(part[key] for part in parts) for key in parts[0]}
    print(
        f"promise 13 ({moment}): {figures['tries']} forced, wrong {figures['wrong']} "
        f"(psutil's kill() between look and signal: wrong {figures['psutil_wrong']})"
    )
    assert figures["tries"] == total // runs * runs
    assert figures["wrong"] == 0
