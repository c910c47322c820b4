"""Hybrid search: meaning by vectors, names by words, one ranking of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory.embed import Embedder
from memory.lexical import Lexical
from memory.words import expanded, spaced

if TYPE_CHECKING:
    from memory.bert import Floats

WORDS = 0.5
"""Weight of the words' share beside the similarity of vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Something to be found. parts: its pieces of meaning, the one that names it first."""

    id: str
    parts: tuple[str, ...]

    @property
    def whole(self) -> str:
        """All parts, a line each."""
        return "\n".join(self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A document that was found. score: higher is nearer, comparable in one answer only.

    part: index of the part that is nearest to the question.
    """

    id: str
    score: float
    part: int


class Search:
    """A fixed shelf of documents. embedder None: by words alone.

    score = (similarity of the whole + similarity of the best part) / 2
    + 0.5 · share of the query's achievable BM25. Equal scores are ordered by id.
    Making it and asking it raise `EmbedderUnavailable`.
    """

    def __init__(
        self, documents: Sequence[Document], embedder: Embedder | None
    ) -> None:
        self._documents = list(documents)
        self._embedder = embedder
        self._words = Lexical()
        for document in documents:
            self._words.add(document.id, document.parts)
        self._vectors = None if embedder is None else _embed(documents, embedder)

    def find(self, query: str, *, limit: int = 5) -> list[Found]:
        """Return the best `limit` documents, the best first.

        By words alone, only documents that share a word or concept are found.
        """
        words = self._words.scores(query)
        if self._vectors is None or self._embedder is None:
            found = [
                Found(id=document.id, score=words[document.id], part=0)
                for document in self._documents
                if document.id in words
            ]
        else:
            found = self._by_meaning(self._embedder.query(question(query)), words)
        found.sort(key=lambda one: (-round(one.score, 6), one.id))
        return found[:limit]

    def _by_meaning(self, query: "Floats", words: dict[str, float]) -> list[Found]:
        found = []
        for document, rows in zip(self._documents, self._vectors or (), strict=True):
            score, part = similarity(rows, query)
            score += WORDS * words.get(document.id, 0.0)
            found.append(Found(id=document.id, score=score, part=part))
        return found


def similarity(rows: "Floats", query: "Floats") -> tuple[float, int]:
    """Return mean of whole and best part, and which part. rows: the whole, then parts."""
    import numpy as np

    near = rows @ query
    parts = near[1:] if len(near) > 1 else near
    best = int(np.argmax(parts))
    return float(near[0] + parts[best]) / 2, best


def readable(text: str) -> str:
    """Return `text` as an embedder reads it best: identifiers as words."""
    return spaced(text)


def question(text: str) -> str:
    """Return a question as an embedder reads it best: with its concepts' names."""
    return expanded(readable(text))


def _embed(documents: Sequence[Document], embedder: Embedder) -> list["Floats"]:
    import numpy as np

    texts = [readable(text) for one in documents for text in (one.whole, *one.parts)]
    if not texts:
        return []
    rows = embedder.documents(texts)
    ends = np.cumsum([1 + len(one.parts) for one in documents])
    return list(np.split(rows, ends[:-1]))
