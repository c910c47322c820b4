"""A full disk: what could be deleted there is offered, exactly and by the team's list."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.config.cleaning import CleaningSection
from bot.config.policy import Policy, RuleSection
from bot.host.disk import Disks
from bot.host.mounts import parse
from bot.kernel.roots import PROC
from bot.learning.retell import case_of
from bot.model import Incident
from bot.storage.database import Database
from handlers.blocks.buttons import kind_word, menu
from handlers.blocks.proposed import proposed
from remediation.action import CleanFiles, is_reversible, to_json
from remediation.ledger.lock import set_lock
from remediation.ledger.proposal import State
from remediation.outcome import Result, Seen
from tests.fakes.clock import FakeClock
from tests.fakes.services import fleet
from tests.fakes.story import ALICE, Story
from tests.fakes.things import proposal
from tests.remediation.acts.litter import area_of, mounted, needs_root, old
from tests.remediation.acts.test_observe import ME, NOBODY, Observer, name

Make = Callable[..., Story]


def here(folder: Path) -> str:
    """The mount point that a folder lies on."""
    found = parse((PROC / "self/mountinfo").read_bytes())
    points = [
        m.name for m in found if f"{folder}/".startswith(f"{m.name.rstrip('/')}/")
    ]
    return max(points, key=len)


@pytest.fixture
def make(database: Database, tmp_path: Path) -> Make:
    def made(**policy: Any) -> Story:
        folders = [_listed(tmp_path, name) for name in ("app", "web")]
        fields = {
            "cooldown": timedelta(0),
            "cleaning": {"folders": folders, "untouched": "0s"},
            **policy,
        }
        return Story(database, policy=Policy(**fields))

    return made


def _listed(folder: Path, name: str) -> dict[str, object]:
    return {
        "name": name,
        "folder": str(folder / name),
        "files": ["*.gz"],
        "older_than": "7d",
        "depth": 1,
    }


def full(story: Story, mount: str) -> Incident:
    """An incident about a full file system."""
    about = {"detector": "filesystem", "subject": mount, "label": f"Disk {mount}"}
    return story.opens(**about, mount=mount, culprits=())


def offered(story: Story) -> list[CleanFiles]:
    actions = [p.action for p in story.proposals() if p.is_pending]
    assert all(isinstance(action, CleanFiles) for action in actions)
    return [action for action in actions if isinstance(action, CleanFiles)]


def test_each_area_is_offered_the_one_that_frees_most_first(
    make: Make, tmp_path: Path
) -> None:
    story = make()
    old(tmp_path / "app" / "a.gz", 100)
    old(tmp_path / "web" / "b.gz", 9000)
    old(tmp_path / "web" / "in" / "c.gz", 9)
    incident = full(story, here(tmp_path))

    first, second = offered(story)
    assert [file.path for file in first.files] == ["b.gz", "in/c.gz"]
    assert (first.area, second.area) == ("web", "app")
    assert incident.no_action is None
    rules = [p.rule for p in story.proposals()]
    assert rules == ["policy.cleaning.web", "policy.cleaning.app"]


def test_nothing_old_enough_is_said_with_what_to_do(make: Make, tmp_path: Path) -> None:
    story = make()
    for area in ("app", "web"):
        old(tmp_path / area / "new.gz", written=time.time())
    none = full(story, here(tmp_path)).no_action
    assert none is not None
    assert none.rule == "policy.cleaning"
    assert none.reason == "nothing in app, web is old enough to go"
    assert none.by_hand.startswith(f"du -xh {here(tmp_path)} | sort -h | tail; ")


def test_a_folder_that_cannot_be_looked_at_is_named(make: Make, tmp_path: Path) -> None:
    none = full(make(), here(tmp_path)).no_action
    assert none is not None
    assert "cannot be looked at (No such file or directory)" in none.reason


def test_nothing_listed_is_said(make: Make) -> None:
    none = full(make(cleaning=CleaningSection()), "/").no_action
    assert none is not None
    assert none.reason == "no folder on / is listed for cleaning"


@needs_root
def test_only_what_lies_on_that_mount_counts(tmp_path: Path) -> None:
    old(tmp_path / "a.gz")
    with mounted(tmp_path / "small") as small:
        old(small / "b.gz")
        own = area_of(small, name="own")
        disks = Disks((area_of(tmp_path, name="around"), own))
        assert [c.area for c in disks.of(str(small)).clutters] == [own]
        assert [c.area.name for c in disks.of(here(tmp_path)).clutters] == ["around"]
    assert disks.of("/nowhere").clutters == ()


def test_other_incidents_are_not_about_disks(make: Make, tmp_path: Path) -> None:
    story = make()
    old(tmp_path / "app" / "a.gz")
    none = story.opens(culprits=()).no_action
    assert none is not None and none.rule == "no culprit"


# --- policy -----------------------------------------------------------------------


def test_a_rule_of_the_team_may_deny_a_folder(make: Make, tmp_path: Path) -> None:
    targets = {"folders": [f"{tmp_path}/*"]}
    rule = RuleSection(name="audit", actions=("clean",), targets=targets, deny=True)
    story = make(rules=(rule,))
    old(tmp_path / "app" / "a.gz")
    none = full(story, here(tmp_path)).no_action
    assert none is not None and none.rule == "policy.rules.audit"


def test_a_denied_area_does_not_hide_another(make: Make, tmp_path: Path) -> None:
    targets = {"folders": [f"{tmp_path}/app"]}
    rule = RuleSection(name="audit", actions=("clean",), targets=targets, deny=True)
    story = make(rules=(rule,))
    old(tmp_path / "app" / "a.gz", 9000)
    old(tmp_path / "web" / "b.gz")
    assert full(story, here(tmp_path)).no_action is None
    (action,) = offered(story)
    assert action.area == "web"


def test_what_is_locked_is_not_offered(make: Make, tmp_path: Path) -> None:
    story = make()
    old(tmp_path / "app" / "a.gz")
    with story.database.write() as tx:
        set_lock(tx, by="U0ALICE", why="too many cooks", at=story.clock.wall)
    none = full(story, here(tmp_path)).no_action
    assert none is not None and none.rule == "lock"


def test_an_area_that_is_listed_otherwise_by_now_is_refused(
    make: Make, tmp_path: Path
) -> None:
    story = make()
    old(tmp_path / "app" / "a.gz")
    full(story, here(tmp_path))
    (action,) = offered(story)
    candidates, now = story.candidates, story.clock.now()
    disk = candidates.targets.target(action)
    assert disk is not None
    changes: tuple[dict[str, Any], ...] = (
        {"folder": "/var/log"},
        {"older_than": timedelta(days=1)},
        {"files": tuple(replace(file, path="a.log") for file in action.files)},
    )
    for change in changes:
        with story.database.read() as tx:
            verdict = candidates.review(tx, replace(action, **change), disk, now)
        assert verdict.rule == "policy.cleaning", change


# --- simulate ---------------------------------------------------------------------


def rehearsed(story: Story) -> tuple[str, dict[str, str]]:
    proposal_id = story.incident().offered or ""
    found = story.simulate.rehearse(proposal_id)
    return found.verdict, {fact.label: fact.value for fact in found.facts}


def test_simulate_lists_what_would_go_and_what_stays(
    make: Make, tmp_path: Path
) -> None:
    story = make()
    for number in range(12):
        old(tmp_path / "app" / f"{number}.gz", 1000 + number)
    old(tmp_path / "app" / "in" / "deep.gz", 5_000_000)
    full(story, here(tmp_path))
    (tmp_path / "app" / "0.gz").unlink()
    old(tmp_path / "app" / "late.gz", 70)
    old(tmp_path / "app" / "young.gz", written=time.time())

    verdict, facts = rehearsed(story)

    assert verdict == "It would be carried out (allowed by policy.cleaning.app)."
    assert facts["Would go"] == "12 files, 5.0 MB"
    assert facts["From"] == str(tmp_path / "app")
    assert facts["By folder"] == "in 5.0 MB (1), itself 11 KB (11)"
    assert facts["Last written"] == "30 d to 30 d ago"
    assert facts["Not in this action"] == "1 file, 70 B; propose again"
    assert facts["Stays"] == (
        "1 gone already, 1 too young, whatever is open when it comes to it"
    )


def test_what_is_beyond_one_action_says_when_it_may_go(
    make: Make, tmp_path: Path
) -> None:
    story = make(cooldown=timedelta(minutes=30))
    for number in range(502):
        old(tmp_path / "app" / f"{number}.gz")
    full(story, here(tmp_path))
    _, facts = rehearsed(story)
    assert facts["Not in this action"] == (
        "2 files, 2.0 KB; propose again, after this one not within 30 min "
        "(policy.cooldown)"
    )


def test_simulate_says_when_nothing_is_as_it_was(make: Make, tmp_path: Path) -> None:
    story = make()
    old(tmp_path / "app" / "a.gz")
    full(story, here(tmp_path))
    old(tmp_path / "app" / "a.gz", 7)
    verdict, facts = rehearsed(story)
    assert verdict == "It would be refused: none of the files is as it was listed."
    assert facts["Would go"] == "0 files, 0 B"


# --- afterwards -------------------------------------------------------------------


def test_propose_again_measures_anew(make: Make, tmp_path: Path) -> None:
    story = make()
    old(tmp_path / "app" / "a.gz")
    full(story, here(tmp_path))
    old(tmp_path / "app" / "b.gz", 5000)
    story.clock.go(60)
    (made,) = story.ask.again(1, ALICE)
    assert isinstance(made.action, CleanFiles)
    assert [file.path for file in made.action.files] == ["b.gz", "a.gz"]


def test_after_a_crash_it_is_said_how_many_are_gone(make: Make, tmp_path: Path) -> None:
    story = make()
    for number in range(3):
        old(tmp_path / "app" / f"{number}.gz")
    full(story, here(tmp_path))
    (action,) = offered(story)
    (tmp_path / "app" / "1.gz").unlink()
    left = proposal(State.EXECUTING, action, claimed_by=name(NOBODY))

    observer = Observer(ME, fleet=fleet())
    seen = observer.after_crash(left, FakeClock().now())

    assert seen is not None
    assert (seen.result, seen.seen) == (Result.INTERRUPTED, Seen.LEFT)
    assert seen.summary.endswith(f"1 of 3 files in {tmp_path}/app are gone")


def test_five_hundred_files_fit_a_proposal(make: Make, tmp_path: Path) -> None:
    story = make()
    for number in range(501):
        old(tmp_path / "app" / f"{'n' * 200}-{number}.gz")
    full(story, here(tmp_path))
    (action,) = offered(story)
    assert len(action.files) == 500
    print(f"an action on 500 files: {len(to_json(action))} characters")


def test_memory_and_menus_call_it_by_its_area(make: Make, tmp_path: Path) -> None:
    story = make()
    old(tmp_path / "app" / "a.gz")
    old(tmp_path / "web" / "a.gz", 9)
    full(story, here(tmp_path))
    first, second = story.proposals()
    assert [kind_word(p.action) for p in (first, second)] == ["clean app", "clean web"]
    assert is_reversible(first.action) is False
    case = case_of(
        story.incident(),
        [replace(first, state=State.DONE, outcome=story.hands.outcome)],
    )
    assert (case.action, case.action_kind) == ("clean app", "clean")
    options = menu([first, second], first)["options"]
    assert "Instead: clean web (b)" in str(options)
    assert "This kernel gives" not in proposed(first)


def test_an_area_that_is_gone_or_listed_no_more_has_nothing(
    make: Make, tmp_path: Path
) -> None:
    story = make()
    old(tmp_path / "app" / "a.gz")
    full(story, here(tmp_path))
    (action,) = offered(story)
    assert Disks(()).to_clean(action).clutters == ()
    (tmp_path / "app" / "a.gz").unlink()
    (tmp_path / "app").rmdir()
    (clutter,) = (
        Disks((area_of(tmp_path / "app", name="app"),)).to_clean(action).clutters
    )
    assert clutter.files == () and "cannot be looked at" in clutter.trouble
    verdict, facts = rehearsed(story)
    assert verdict == "It would be refused: none of the files is as it was listed."
    assert "No such file or directory" in facts["Not seen"]
