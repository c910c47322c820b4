"""`make bench-search FILE=…`: how often the search finds what answers a question.

FILE is JSON: `docs` {id: text} and `queries` [{"q": text, "rel": [id, …]}]; any of `rel`
answers. Markdown is split by its headings, plain text by its sentences. Prints recall at
1 and 5, mean reciprocal rank and seconds, for the hybrid search and for words alone.
"""

import sys
import time
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError, model_validator

from memory.embed import Embedder, EmbedderUnavailable, MiniLm
from memory.search import Document, Search
from tests.bench.parts import split


class Question(BaseModel):
    q: str = Field(min_length=1)
    rel: list[str] = Field(min_length=1)


class Collection(BaseModel):
    docs: dict[str, str] = Field(min_length=1)
    queries: list[Question] = Field(min_length=1)

    @model_validator(mode="after")
    def _answers_exist(self) -> "Collection":
        for number, question in enumerate(self.queries, 1):
            for answer in question.rel:
                if answer not in self.docs:
                    raise ValueError(f"query {number} names {answer!r}, not in docs")
        return self


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0]:
        print("usage: make bench-search FILE=questions.json", file=sys.stderr)
        return 2
    try:
        collection = Collection.model_validate_json(Path(arguments[0]).read_bytes())
    except OSError as error:
        print(f"{arguments[0]}: {error.strerror}", file=sys.stderr)
        return 2
    except ValidationError as error:
        print(f"{arguments[0]} is no question file:", file=sys.stderr)
        for problem in error.errors():
            place = ".".join(map(str, problem["loc"])) or "file"
            print(f"  {place}: {problem['msg']}", file=sys.stderr)
        return 2
    return _print(collection)


def _print(collection: Collection) -> int:
    try:
        print(measure(collection, MiniLm()), flush=True)
    except EmbedderUnavailable as error:
        print(f"no hybrid search: {error}", file=sys.stderr)
        return 1
    finally:
        print(measure(collection, None), "(words alone)")
    return 0


def measure(collection: Collection, embedder: Embedder | None) -> str:
    start = time.perf_counter()
    documents = [
        Document(id=key, parts=split(text)) for key, text in collection.docs.items()
    ]
    search = Search(documents, embedder)
    places = [
        _place(search, question, len(documents)) for question in collection.queries
    ]
    taken = time.perf_counter() - start

    def share(limit: int) -> float:
        return sum(place <= limit for place in places) / len(places)

    mean = sum(1 / place for place in places) / len(places)
    return (
        f"R@1 {share(1):.2f} R@5 {share(5):.2f} MRR {mean:.2f} "
        f"({len(places)} questions, {len(documents)} documents, {taken:.1f} s)"
    )


def _place(search: Search, question: Question, everything: int) -> float:
    """Return the rank of the first answer, from 1; infinite if it is not found."""
    found = search.find(question.q, limit=everything)
    ranks = (at for at, one in enumerate(found, 1) if one.id in question.rel)
    return next(ranks, float("inf"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
