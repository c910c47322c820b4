"""A resolved incident becomes a runbook's draft, which an approver finishes."""

from pathlib import Path

import pytest

from bot.drafts import BODY_CHARACTERS, Drafts
from bot.runbooks.page import parse
from remediation.decision import NotDecided
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
    story.opens()
    story.acted()
    story.clock.go(5)
    story.sees(story.well())
    story.clock.go(60)
    story.sees(story.well())
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


def test_without_help_no_action_is_permitted(
    story: Story, drafts: Drafts, folder: Path
) -> None:
    story.opens()
    story.own.false_alarm(1, ALICE)
    name = drafts.save(1, ALICE, title="T", body="b")
    assert "actions" not in (folder / name).read_text()


def test_a_long_story_still_fits_the_dialog(ended: Story, drafts: Drafts) -> None:
    from remediation.audit import Event, append

    with ended.database.write() as tx:
        for _ in range(60):
            text = "approved " + "x" * 400
            at = ended.clock.wall
            event = Event(kind="proposal.approved", text=text, at=at, incident=1)
            append(tx, event)
    assert len(drafts.prefill(1, ALICE).body) <= BODY_CHARACTERS
