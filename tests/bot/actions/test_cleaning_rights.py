"""Cleaning is offered only where somebody may delete: the bot's own user, or the gate."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.actions.candidates import Candidates
from bot.config.policy import Policy
from bot.host.disk import Disk, Disks
from bot.model import NoAction
from bot.storage.database import Database
from tests.bot.host.test_disk import _listed, here
from tests.fakes.story import Story
from tests.fakes.things import incident
from tests.remediation.acts.litter import old
from tests.remediation.gate.gates import PEER_UID, as_user, needs_root, open_folder

pytestmark = needs_root


@pytest.fixture
def logs() -> Iterator[Path]:
    """A folder that only root may write to."""
    with open_folder() as folder:
        (folder / "app").mkdir(mode=0o755)
        old(folder / "app" / "a.gz")
        yield folder


@pytest.fixture
def story(database: Database, logs: Path) -> Story:
    cleaning = {"folders": [_listed(logs, "app")], "untouched": "0s"}
    fields = {"cooldown": timedelta(0), "cleaning": cleaning}
    return Story(database, policy=Policy.model_validate(fields))


def judged(story: Story, disk: Disk) -> tuple[int, NoAction | None]:
    """How many actions are offered, or why none is."""
    candidates: Candidates = story.candidates
    with story.database.write() as tx:
        drafts, none = candidates.judge(tx, incident(), disk, story.clock.now())
    return len(drafts), none


def seen_by_the_bot(story: Story, logs: Path, *, has_gate: bool) -> Disk:
    disks = Disks(
        tuple(story.policy.cleaning.areas()),
        has_gate=has_gate,
    )
    with as_user(PEER_UID):
        return disks.of(here(logs))


def test_what_nobody_may_delete_is_not_offered(story: Story, logs: Path) -> None:
    offered, none = judged(story, seen_by_the_bot(story, logs, has_gate=False))
    assert offered == 0 and none is not None
    assert none.rule == "cleaning.privilege"
    assert none.reason.startswith(
        f"the bot's own user may not delete in {logs}/app, and no gate is set"
    )
    assert none.by_hand.startswith(f"find {logs}/app -xdev -type f -mtime +7 -ls")


def test_the_gate_may_be_asked(story: Story, logs: Path) -> None:
    assert judged(story, seen_by_the_bot(story, logs, has_gate=True)) == (1, None)


def test_a_folder_below_that_is_ones_own_is_enough(story: Story, logs: Path) -> None:
    own = old(logs / "app" / "own" / "b.gz").parent
    own.chmod(0o777)
    assert judged(story, seen_by_the_bot(story, logs, has_gate=False)) == (1, None)


def test_simulate_says_it_too(story: Story, logs: Path) -> None:
    mount = here(logs)
    about = {"detector": "filesystem", "subject": mount, "label": f"Disk {mount}"}
    story.opens(**about, mount=mount, culprits=())
    proposal_id = story.incident().offered or ""
    with as_user(PEER_UID):
        verdict = story.simulate.rehearse(proposal_id).verdict
    assert verdict.startswith("It would be refused by cleaning.privilege: ")
