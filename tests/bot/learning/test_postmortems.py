"""A postmortem is gathered from the record, and kept where it can be written."""

from pathlib import Path

import pytest

from bot.learning.postmortems import NotKept, Postmortems
from tests.fakes.story import Story


@pytest.fixture
def postmortems(story: Story, tmp_path: Path) -> Postmortems:
    return Postmortems(record=story.record, state_dir=tmp_path / "state")


def test_the_document_is_of_the_incident(
    story: Story, postmortems: Postmortems
) -> None:
    story.opens()
    written = postmortems.write(1)
    assert written.name == "postmortem-1.md"
    assert written.text.startswith("# Incident 1: CPU 98 % on web")
    assert "incident-1.png" in written.text


def test_a_model_may_say_more(story: Story, tmp_path: Path) -> None:
    story.opens()
    postmortems = Postmortems(
        record=story.record,
        state_dir=tmp_path,
        improve=lambda number, document: (
            f"{document}\n## Summary\n\nIt was the batch of {number}."
        ),
    )
    assert "> It was the batch of 1." in postmortems.write(1).text


def test_it_is_kept_in_place_of_the_earlier_one(
    story: Story, postmortems: Postmortems, tmp_path: Path
) -> None:
    story.opens()
    for _ in range(2):
        assert postmortems.keep(postmortems.write(1)) == "postmortems/postmortem-1.md"
    files = list((tmp_path / "state" / "postmortems").iterdir())
    assert [file.name for file in files] == ["postmortem-1.md"]


def test_what_cannot_be_kept_says_why(story: Story, tmp_path: Path) -> None:
    story.opens()
    (tmp_path / "file").write_text("no folder")
    postmortems = Postmortems(record=story.record, state_dir=tmp_path / "file")
    with pytest.raises(NotKept, match="Not a directory"):
        postmortems.keep(postmortems.write(1))
