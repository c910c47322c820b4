"""A resolved incident becomes a runbook's draft, which an approver finishes."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.learning.drafts import BODY_CHARACTERS, Drafts
from bot.runbooks.page import parse
from remediation.ledger.decision import NotDecided
from tests.fakes.story import ALICE, CHEN, Story


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "runbooks"
    made.mkdir()
    return made


@pytest.fixture
def drafts(story: Story, folder: Path) -> Drafts:
    return Drafts(
        record=story.record,
        folder=folder,
        poster=story.poster,
    )


@pytest.fixture
def ended(story: Story) -> Story:
    """Incident 1, which an approved action ended."""
    story.ends()
    return story


def test_the_dialog_shows_what_was_done(ended: Story, drafts: Drafts) -> None:
    draft = drafts.prefill(1, ALICE)
    assert draft.title == "Cpu on web-1"
    assert "approved 1a" in draft.body
    assert "## Steps" in draft.body
    assert "---" not in draft.body
    assert ended.incident().feedback is None


def test_a_saved_draft_can_be_read_as_a_runbook(
    ended: Story, drafts: Drafts, folder: Path
) -> None:
    body = drafts.prefill(1, ALICE).body
    name = drafts.save(1, ALICE, title="Batch eats the CPU", body=body)
    assert name == "batch_eats_the_cpu.md"
    path = folder / name
    parsed = parse(path.read_bytes(), path=path, shown=name)
    assert parsed.problems == ()
    assert parsed.page is not None
    assert parsed.page.title == "Batch eats the CPU"
    assert parsed.page.conditions == ("cpu",)
    assert parsed.page.actions == ("terminate",)
    assert "saved a runbook draft: batch_eats_the_cpu.md" in ended.texts()


def test_what_the_approver_wrote_is_what_is_saved(
    ended: Story, drafts: Drafts, folder: Path
) -> None:
    assert ended
    name = drafts.save(1, ALICE, title="T", body="## Steps\n\n1. Breathe.\u202e\n")
    text = (folder / name).read_text()
    assert text.endswith("# T\n\n## Steps\n\n1. Breathe.\n")


@pytest.mark.parametrize("body", ["---\nactions: [kill]\n---", "", "# x\n\n# y"])
def test_a_body_cannot_change_the_front_matter(
    ended: Story, drafts: Drafts, folder: Path, body: str
) -> None:
    assert ended
    name = drafts.save(1, ALICE, title="T", body=body)
    path = folder / name
    page = parse(path.read_bytes(), path=path, shown=name).page
    assert page is not None
    assert page.actions == ("terminate",)


def test_no_file_is_overwritten(ended: Story, drafts: Drafts, folder: Path) -> None:
    assert ended
    first = drafts.save(1, ALICE, title="Same", body="one")
    second = drafts.save(1, ALICE, title="Same", body="two")
    assert (first, second) == ("same.md", "same_2.md")
    assert (folder / first).read_text().endswith("one\n")


def test_only_approvers_save(ended: Story, drafts: Drafts, folder: Path) -> None:
    assert ended
    with pytest.raises(NotDecided, match="only approvers"):
        drafts.prefill(1, CHEN)
    with pytest.raises(NotDecided, match="only approvers"):
        drafts.save(1, CHEN, title="T", body="b")
    assert list(folder.iterdir()) == []


def test_an_open_incident_has_no_resolution_to_save(
    story: Story, drafts: Drafts
) -> None:
    story.opens()
    with pytest.raises(NotDecided, match="not resolved yet"):
        drafts.prefill(1, ALICE)


@pytest.mark.parametrize("title", ["", "  \n", "\u202e\u200b"])
def test_a_title_is_needed(ended: Story, drafts: Drafts, title: str) -> None:
    assert ended
    with pytest.raises(NotDecided, match="a title"):
        drafts.save(1, ALICE, title=title, body="b")


def test_where_nothing_can_be_written_it_says_so(ended: Story, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    drafts = Drafts(
        record=ended.record, folder=tmp_path / "file" / "x", poster=ended.poster
    )
    with pytest.raises(NotDecided, match="cannot be written"):
        drafts.save(1, ALICE, title="T", body="b")


_ON_A_FULL_DISK = """
import pathlib, resource, sys
from bot.learning.drafts import Drafts
from remediation.ledger.decision import NotDecided
from tests.fakes.story import ALICE, Story
from tests.real.databases import fresh

place = pathlib.Path(sys.argv[1])
with fresh("sqlite", place) as database:
    story = Story(database)
    story.opens()
    story.own.false_alarm(1, ALICE)
    drafts = Drafts(record=story.record, folder=place / "runbooks", poster=story.poster)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most))
    try:
        drafts.save(1, ALICE, title="T", body="b" * 2000)
    except NotDecided as refusal:
        said = refusal.reason
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    print(said)
    drafts.save(1, ALICE, title="T", body="b" * 2000)
"""


def test_a_draft_that_the_disk_does_not_hold_leaves_nothing(tmp_path: Path) -> None:
    """A process that may write files of 1,000 bytes stands for the full disk."""
    done = subprocess.run(
        [sys.executable, "-c", _ON_A_FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "the draft was not saved" in done.stdout, done.stderr
    assert "File too large" in done.stdout
    (saved,) = (tmp_path / "runbooks").iterdir()
    assert saved.name == "t.md"
    assert saved.read_text().endswith("b" * 2000 + "\n")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "etc_passwd.md"),
        ("~/.ssh/authorized_keys", "ssh_authorized_keys.md"),
        ("README", "readme_2.md"),
        ("policy", "policy_2.md"),
        ("x" * 500, "x" * 60 + ".md"),
        ("\u2713", "runbook.md"),
    ],
)
def test_a_title_makes_a_safe_name(
    ended: Story, drafts: Drafts, folder: Path, title: str, name: str
) -> None:
    assert ended
    assert drafts.save(1, ALICE, title=title, body="b") == name
    assert (folder / name).stat().st_mode & 0o777 == 0o644


def test_a_link_in_the_way_is_not_written_through(
    ended: Story, drafts: Drafts, folder: Path
) -> None:
    assert ended
    target = folder.parent / "target"
    (folder / "disk.md").symlink_to(target)
    assert drafts.save(1, ALICE, title="disk", body="b") == "disk_2.md"
    assert not target.exists()


def test_the_drafts_folder_is_made(ended: Story, tmp_path: Path) -> None:
    record, folder = ended.record, tmp_path / "none"
    drafts = Drafts(record=record, folder=folder, poster=ended.poster)
    assert drafts.save(1, ALICE, title="disk", body="b") == "disk.md"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_too_many_of_one_name_are_said(
    ended: Story, drafts: Drafts, folder: Path
) -> None:
    assert ended
    for number in range(1, 100):
        (folder / ("t.md" if number == 1 else f"t_{number}.md")).touch()
    with pytest.raises(NotDecided, match="99 drafts of this name; delete some"):
        drafts.save(1, ALICE, title="T", body="b")
    assert len(list(folder.iterdir())) == 99


def test_without_help_no_action_is_permitted(
    story: Story, drafts: Drafts, folder: Path
) -> None:
    story.opens()
    story.own.false_alarm(1, ALICE)
    name = drafts.save(1, ALICE, title="T", body="b")
    assert "actions" not in (folder / name).read_text()


def test_a_long_story_still_fits_the_dialog(ended: Story, drafts: Drafts) -> None:
    from remediation.ledger.audit import Event, append

    with ended.database.write() as tx:
        for _ in range(60):
            text = "approved " + "x" * 400
            at = ended.clock.wall
            event = Event(kind="proposal.approved", text=text, at=at, incident=1)
            append(tx, event)
    assert len(drafts.prefill(1, ALICE).body) <= BODY_CHARACTERS
