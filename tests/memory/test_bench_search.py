"""The search benchmark reads its file carefully and prints one line per method."""

import json
from pathlib import Path

import pytest

from tests.bench.search import Collection, main, measure
from tests.fakes.letters import Letters

GOOD = {
    "docs": {"a": "# Disk\nfull", "b": "tls"},
    "queries": [{"q": "drive", "rel": ["a"]}],
}


def test_a_line_says_how_often_the_answer_was_first() -> None:
    line = measure(Collection.model_validate(GOOD), None)
    assert line.startswith("R@1 1.00 R@5 1.00 MRR 1.00 (1 questions, 2 documents")
    assert measure(Collection.model_validate(GOOD), Letters()).startswith("R@1 ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "Invalid JSON"),
        ("[]", "is no question file"),
        (json.dumps(GOOD | {"docs": {}}), "docs"),
        (json.dumps(GOOD | {"docs": {"b": "x"}}), "query 1 names 'a'"),
    ],
)
def test_a_bad_file_is_named_with_its_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    file = tmp_path / "questions.json"
    file.write_text(content)
    assert main([str(file)]) == 2
    assert said in capsys.readouterr().err


def test_no_file_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([""]) == 2
    assert main(["/nowhere/x.json"]) == 2
    assert "No such file" in capsys.readouterr().err
