"""Half a minute of the soak, with more trouble in it; `make soak` has half an hour."""

import subprocess
import sys

import pytest

SECONDS = 500


@pytest.mark.timeout(SECONDS + 10)
def test_half_a_minute_of_bad_weather_breaks_no_invariant() -> None:
    hard = ("--minutes", "0.6", "--often", "3", "--kill-every", "12")
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", *hard],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
