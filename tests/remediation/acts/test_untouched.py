"""A file that came a moment ago is not old, whatever date it carries."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from remediation.outcome import Result
from remediation.target.area import Spared
from tests.remediation.acts.litter import (
    LONG_AGO,
    action_on,
    area_of,
    cleaned,
    listed,
    old,
)


def test_what_was_restored_a_moment_ago_stays_whatever_its_date(tmp_path: Path) -> None:
    """As `cp -p`, `tar x` and `rsync -t` leave it."""
    file = old(tmp_path / "a.gz")
    area = area_of(tmp_path)
    careful = replace(area, untouched=timedelta(hours=1))

    assert listed(area) and not listed(careful)
    outcome = cleaned(careful, action_on(area))
    assert outcome.result is Result.REFUSED
    assert f"Left: 1 {Spared.YOUNG}" in outcome.summary
    assert file.exists()


def test_what_was_written_and_dated_back_stays(tmp_path: Path) -> None:
    file = old(tmp_path / "a.gz")
    area = area_of(tmp_path)
    action = action_on(area)
    file.write_bytes(b"y" * 1000)
    os.utime(file, (LONG_AGO, LONG_AGO))
    outcome = cleaned(area, action)
    assert f"Left: 1 {Spared.CHANGED}" in outcome.summary
    assert file.exists()
