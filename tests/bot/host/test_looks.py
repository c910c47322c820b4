"""A folder that gives no answer holds up neither its neighbours nor detection."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from bot.config.policy import Policy
from bot.host.disk import Disks
from bot.host.looks import Looks
from bot.storage.database import Database
from remediation.acts.clutter import Clutter, clutter_of
from tests.bot.host.test_disk import _listed, here
from tests.fakes.story import Story
from tests.remediation.acts.litter import (
    action_on,
    area_of,
    dead,
    in_time,
    needs_root,
    old,
)

BRIEFLY = timedelta(milliseconds=1)


def test_one_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    old(tmp_path / "well" / "a.gz")
    well, stuck = area_of(tmp_path / "well"), area_of(tmp_path / "stuck")
    free, started = threading.Event(), []

    def hangs() -> Clutter:
        started.append(stuck)
        free.wait()
        return Clutter(area=stuck)

    looks = Looks()
    asked = {stuck: hangs, well: lambda: clutter_of(well)}
    first = in_time(lambda: looks.into(asked, BRIEFLY))
    second = in_time(lambda: looks.into(asked, BRIEFLY))

    for silent, seen in (first, second):
        assert silent.area == stuck
        assert "it gives no answer in time" in silent.trouble
        assert [file.path for file in seen.files] == ["a.gz"]
    assert started == [stuck]

    free.set()
    looks._hanging[stuck].join(10)
    assert looks.into(asked)[0].trouble == ""


@needs_root
def test_a_folder_on_a_dead_mount_is_said_to_be_silent(tmp_path: Path) -> None:
    area = area_of(tmp_path / "remote", name="remote")
    action = action_on(area, [])
    with dead(tmp_path / "remote"):
        (clutter,) = in_time(lambda: Disks((area,)).to_clean(action).clutters)
    assert "it gives no answer in time" in clutter.trouble


@pytest.mark.promise(33)
@needs_root
def test_a_dead_mount_in_a_folder_stops_no_detection(
    database: Database, tmp_path: Path
) -> None:
    cleaning = {"folders": [_listed(tmp_path, "app")], "untouched": "0s"}
    story = Story(database, policy=Policy.model_validate({"cleaning": cleaning}))
    old(tmp_path / "app" / "a.gz")
    mount = here(tmp_path)
    about = {"detector": "filesystem", "subject": mount, "label": f"Disk {mount}"}
    with dead(tmp_path / "app" / "remote"):
        in_time(lambda: story.opens(**about, mount=mount, culprits=()))
        in_time(story.opens)
    assert len(story.open()) == 2
    assert story.incident(1).offered is not None
    print("promise 33: a dead mount in a folder that is cleaned: 2 incidents beside it")
