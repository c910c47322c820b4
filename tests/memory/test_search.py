"""Search finds by meaning and by words, in one order that is always the same."""

import pytest

from memory.embed import MiniLm
from memory.lexical import Lexical
from memory.lexicon import GROUPS
from memory.search import Document, Search
from memory.words import expanded, stem, terms
from tests.bench.parts import split
from tests.fakes.letters import Letters

SHELF = [
    Document(id="files", parts=("NodeFilesystemAlmostOutOfFiles", "Inodes run out.")),
    Document(id="oom", parts=("Container OOMKilled", "Memory limit reached.")),
    Document(id="cert", parts=("Certificate expires", "TLS ends soon.")),
]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("a process was killed by the kernel", "oom"),
        ("x509 trouble", "cert"),
        ("fs problem", "files"),
        ("node_filesystem_files", "files"),
        ("OOMKILLED", "oom"),
    ],
)
def test_words_of_one_meaning_find_each_other(question: str, answer: str) -> None:
    assert Search(SHELF, None).find(question)[0].id == answer


def test_by_words_alone_nothing_shared_is_nothing_found() -> None:
    assert Search(SHELF, None).find("zebra") == []
    assert Search(SHELF, None).find("") == []


def test_the_nearest_part_is_named(minilm: MiniLm) -> None:
    parts = ("The certificate expired.", "The disk ran full.", "A cake was eaten.")
    found = Search([Document(id="x", parts=parts)], minilm).find(
        "no space on the drive"
    )
    assert found[0].part == 1


def test_equal_scores_are_in_order_of_id() -> None:
    twins = [Document(id=key, parts=("disk full",)) for key in "bca"]
    for embedder in (None, Letters()):
        found = Search(twins, embedder).find("disk full")
        assert [one.id for one in found] == ["a", "b", "c"]


def test_an_empty_shelf_and_empty_documents_are_no_error() -> None:
    assert Search([], Letters()).find("x") == []
    empty = [Document(id="a", parts=()), Document(id="b", parts=("",))]
    assert len(Search(empty, Letters()).find("x")) == 2


def test_a_share_is_at_most_one() -> None:
    words = Lexical()
    words.add("a", ("disk " * 500,))
    words.add("b", ("memory",))
    assert 0 < words.scores("disk")["a"] <= 1
    assert words.scores("disk zebra")["a"] < words.scores("disk")["a"]


def test_what_was_removed_or_replaced_is_not_found() -> None:
    words = Lexical()
    words.add("a", ("disk full",))
    words.add("a", ("certificate expired",))
    words.add("b", ("disk full",))
    words.remove("b")
    words.remove("never there")
    assert words.scores("disk full") == {}
    assert set(words.scores("certificate")) == {"a"}
    assert len(words) == 1


def test_the_lexicon_is_broad_and_says_everything_once() -> None:
    forms = [
        form.strip() for form in GROUPS.replace("\n", ",").split(",") if form.strip()
    ]
    assert len(GROUPS.strip().splitlines()) >= 60
    assert sorted(forms) == sorted(set(forms))


@pytest.mark.parametrize(
    ("one", "other"),
    [("expired", "expiration"), ("deploys", "deployment"), ("stopped", "stop")],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_hostile_text_is_only_text() -> None:
    for text in (
        "\x00\ud800" * 1000,
        "a" * 1_000_000,
        "🔥" * 1000,
        "_" * 5000,
        "1" * 999,
    ):
        assert isinstance(terms(text), list)
        assert expanded(text).startswith(text[:10])


def test_markdown_is_split_by_headings_without_code() -> None:
    parts = split("# Disk\nintro\n## Fix\n```\nrm -rf\n```\nask [us](http://x)\n")
    assert parts == ("Disk", "Disk: intro", "Disk: ask us")
    assert split("One. Two!") == ("One.", "Two!")
    assert split("") == ("",)


def test_the_best_are_few_and_those_asked_for_are_among_them() -> None:
    words = Lexical()
    for key in "abc":
        words.add(key, ("disk full",))
    words.add("far", ("certificate expired",))
    assert list(words.best("disk", 2, ["far", "never there"])) == ["a", "b", "far"]
    assert words.best("disk", 2, ["far"])["far"] == 0
