"""The offline embedder: the right files, the right numbers, or a named refusal."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from memory.embed import EmbedderUnavailable, MiniLm, _installed


def test_near_texts_have_near_vectors(minilm: MiniLm) -> None:
    disk, full, cake = minilm.documents(
        ["the disk is full", "no space left on the filesystem", "a recipe for a cake"]
    )
    assert disk @ full > disk @ cake + 0.3


def test_numbers_are_those_of_the_reference(minilm: MiniLm) -> None:
    # sentence-transformers' model card: "That is a happy person" against three others.
    asked = minilm.query("That is a happy person")
    others = minilm.documents(
        ["That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    )
    assert others @ asked == pytest.approx([0.695, 0.943, 0.257], abs=0.01)


def test_rows_are_normalised_and_alone_as_in_a_batch(minilm: MiniLm) -> None:
    texts = ["a", "disk " * 400, "", "\ud800 half", "memory is leaking", "a"]
    together = minilm.documents(texts)
    alone = np.stack([minilm.query(text) for text in texts])
    assert together.shape == (6, 384)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(6), abs=1e-5)
    assert np.abs(together - alone).max() < 1e-4


def test_no_texts_are_no_rows(minilm: MiniLm) -> None:
    assert minilm.documents([]).shape == (0, 384)


def test_threads_share_it() -> None:
    embedder = MiniLm()
    made: list[float] = []

    def embed() -> None:
        made.append(float(embedder.query("disk full")[0]))

    threads = [threading.Thread(target=embed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert max(made) - min(made) < 1e-6


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_an_altered_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    for file in ("model.safetensors", "tokenizer.json"):
        shutil.copy(_installed() / file, tmp_path / file)
    content = bytearray((tmp_path / name).read_bytes())
    content[-1] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EmbedderUnavailable, match=name):
        MiniLm(tmp_path).query("x")


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match=r"model\.safetensors"):
        MiniLm(tmp_path).documents(["x"])
