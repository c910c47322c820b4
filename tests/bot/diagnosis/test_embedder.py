"""Embeddings by Gemini: one vector a text, of length one, or a named failure."""

import numpy as np
import pytest

from bot.llm.genai import GeminiEmbedder, Genai
from memory.embed import EmbedderUnavailable
from tests.fakes.gemini import FakeGemini, fails, raw


def embedder(gemini: FakeGemini, dim: int = 8) -> GeminiEmbedder:
    return GeminiEmbedder(Genai("k", base_url=gemini.url), dim=dim)


def by_length(asked: dict[str, object]) -> list[float]:
    text = str(asked["content"])
    return [float(len(text)), 3.0, *([0.0] * 6)]


def test_documents_become_rows_of_length_one(gemini: FakeGemini) -> None:
    gemini.embeds = by_length
    rows = embedder(gemini).documents([f"text {'x' * n}" for n in range(60)])
    assert rows.shape == (60, 8) and rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert len({row.tobytes() for row in rows}) == 60


def test_questions_and_documents_are_told_apart(gemini: FakeGemini) -> None:
    gemini.embeds = by_length
    one = embedder(gemini)
    one.documents(["d"])
    assert one.query("q").shape == (8,)
    tasks = [heard.body["requests"][0]["taskType"] for heard in gemini.heard]  # type: ignore[index]
    assert tasks == ["RETRIEVAL_DOCUMENT", "RETRIEVAL_QUERY"]
    assert gemini.heard[0].path.endswith(":batchEmbedContents")


def test_no_documents_are_no_question(gemini: FakeGemini) -> None:
    assert embedder(gemini).documents([]).shape == (0, 8)
    assert gemini.heard == []


def test_secrets_are_redacted_before_they_leave(gemini: FakeGemini) -> None:
    gemini.embeds = by_length
    embedder(gemini).query("the password is hunter2hunter2")
    assert b"hunter2" not in gemini.prompts


def test_the_name_changes_with_the_dimensions(gemini: FakeGemini) -> None:
    assert embedder(gemini, 8).name != embedder(gemini, 16).name


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (fails(401), "API key"),
        (fails(429), "quota"),
        (raw(b"<html>"), "sensible"),
        (raw(b"{}"), "sensible"),
        (raw(b'{"embeddings": []}'), "sensible"),
        (raw(b'{"embeddings": [{"values": [1, 2]}]}'), "another length"),
        (raw(b'{"embeddings": [{"values": [0,0,0,0,0,0,0,0]}]}'), "no directions"),
        (raw(b"A" * 10_000_000), "too large"),
    ],
)
def test_a_failure_has_a_name(gemini: FakeGemini, act: object, why: str) -> None:
    gemini.will(act)  # type: ignore[arg-type]
    with pytest.raises(EmbedderUnavailable, match=why):
        embedder(gemini).query("x")
