"""The runbooks that come with Countersign are sound and found."""

import re
from pathlib import Path

import pytest

from bot import detectors
from bot.config.policy import ActionKind
from bot.runbooks import front
from bot.runbooks.page import Page
from bot.runbooks.shelf import Shelf
from tests.fakes.things import finding, incident

FOLDER = Path(__file__).parents[3] / "runbooks"
SHELF = Shelf([FOLDER], None)
PAGES = SHELF.pages()
ORDER = [
    "Meaning",
    "Look first",
    "Likely causes",
    "Steps",
    "When to escalate",
    "What not to do",
]
CHANGING = re.compile(
    r"(?:^|[;&|(]\s*|sudo\s+|-exec\s+)(rm|kill|pkill|killall|dd|mkfs\S*|reboot|poweroff|"
    r"truncate|mv|tee|systemctl (?:re)?(?:start|stop|load)|sysctl -w|ip link set|swapoff|"
    r"apt-get|docker|conntrack -F)\b|-delete\b",
    re.MULTILINE,
)

each = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def section(page: Page, heading: str) -> str:
    return next(s.text for s in page.sections if s.heading == heading)


def test_there_are_enough_and_none_has_a_problem() -> None:
    assert len(PAGES) >= 25
    assert SHELF.problems() == ()


@each
def test_each_has_the_same_sections_and_fits_a_screen(page: Page) -> None:
    assert [s.heading for s in page.sections if s.rank == 2] == ORDER
    assert 40 <= len(page.path.read_text().splitlines()) <= 90
    assert max(map(len, page.path.read_text().splitlines())) <= 200


@each
def test_each_is_found_by_its_title_and_each_alias(page: Page) -> None:
    for words in (page.title, *page.aliases):
        assert SHELF.find(words)[0].page.path == page.path, words


@each
def test_each_is_found_by_its_symptoms(page: Page) -> None:
    for words in page.symptoms:
        found = [match.page.name for match in SHELF.find(words, limit=3)]
        assert page.name in found, words


@each
def test_what_is_to_be_looked_at_first_changes_nothing(page: Page) -> None:
    assert CHANGING.findall(section(page, "Look first")) == []


@each
def test_each_has_several_steps_and_ends_with_a_look(page: Page) -> None:
    assert 6 <= len(page.steps) <= 10


@each
def test_runbooks_that_are_referred_to_exist(page: Page) -> None:
    text = " ".join(page.body.split())
    for name in re.findall(r"(?:[Ss]ee|[Gg]o on with|matching) \*([^*]+)\*", text):
        known = [p for p in PAGES if name.lower() in f"{p.title} {p.aliases}".lower()]
        assert known, name


@pytest.mark.parametrize("name", sorted(detectors.known()))
def test_every_detector_has_its_runbook(name: str) -> None:
    found = SHELF.pick(incident(findings=(finding(detector=name),)))
    assert found and found[0].why == f"it is for {name}"
    assert name in found[0].page.conditions


def test_readme_documents_exactly_the_front_matter() -> None:
    text = (FOLDER / "README.md").read_text()
    keys = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert tuple(keys) == front.KEYS
    for action in ActionKind.__args__:  # type: ignore[attr-defined]
        assert f"`{action}`" in text


def test_the_policy_is_there_and_is_no_runbook() -> None:
    assert "Fridays after 15:00" in (FOLDER / "policy.md").read_text()
    assert "policy" not in [page.name for page in PAGES]
