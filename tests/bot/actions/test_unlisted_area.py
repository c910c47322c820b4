"""What Simulate says of an area that was taken off the list since the card."""

from datetime import timedelta
from pathlib import Path

from bot.config.policy import Policy
from bot.storage.database import Database
from tests.bot.host.test_disk import _listed, full, here
from tests.fakes.story import Story
from tests.remediation.acts.litter import old


def test_simulate_of_an_area_that_is_listed_no_more_says_so(
    database: Database, tmp_path: Path
) -> None:
    cleaning = {"folders": [_listed(tmp_path, "app")], "untouched": "0s"}
    listed = {"cooldown": timedelta(0), "cleaning": cleaning}
    story = Story(database, policy=Policy.model_validate(listed))
    old(tmp_path / "app" / "a.gz")
    offered = full(story, here(tmp_path)).offered or ""

    policy = Policy(cooldown=timedelta(0))
    without = Story(database, policy=policy, clock=story.clock)
    assert without.simulate.rehearse(offered).verdict == (
        "It would be refused: app is not listed for cleaning any more."
    )
