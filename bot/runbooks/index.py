"""The search over runbooks: made from one state of the shelf, replaced as a whole."""

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.runbooks.page import Page
from bot.runbooks.prose import without_code
from memory.embed import Embedder, EmbedderUnavailable
from memory.rest import Rest
from memory.search import Document, Found, Search

if TYPE_CHECKING:
    from memory.bert import Floats

log = logging.getLogger(__name__)

EMBEDDED_PAGES = 500
"""Above this many pages words alone are compared: embedding them would take minutes."""

KEPT_VECTORS = 50_000
"""Above this many kept vectors (75 MB of MiniLM's) all are forgotten and made anew."""

NEAR_BY_MEANING = 0.45
NEAR_BY_WORDS = 0.3
"""Below these scores a page is about something else: for our own pages, what they do
cover scores 0.5 to 0.9, what none covers 0.2 to 0.43 (0.4 and more, 0 to 0.24)."""

FIRST_REST, LONGEST_REST = timedelta(minutes=1), timedelta(minutes=30)
"""How long an embedder that failed is left alone: each try may cost its deadline."""

_PARTS = 5
_PART_CHARACTERS = 300
_SECTION_CHARACTERS = 40
_QUERY_CHARACTERS = 500


class KeptVectors:
    """An embedder that embeds a text once: a changed file costs only its own parts.

    rest: how long it is left alone after a failure; until then it is unavailable at
    once. Both methods raise `EmbedderUnavailable`.
    """

    def __init__(self, embedder: Embedder, rest: Rest) -> None:
        self._embedder = embedder
        self._rest = rest
        self._kept: dict[bytes, Floats] = {}
        self.name = embedder.name
        self.dim = embedder.dim

    @property
    def may_be_asked(self) -> bool:
        """Whether it has not failed, or long enough ago."""
        return not self._rest.seconds()

    def documents(self, texts: Sequence[str]) -> "Floats":
        """Return one row a text; a text that was embedded before costs nothing."""
        import numpy as np

        if len(self._kept) > KEPT_VECTORS:
            self._kept.clear()
        keys = [hashlib.sha256(t.encode(errors="replace")).digest() for t in texts]
        fresh = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._kept}
        if fresh:
            rows = self._ask(lambda: self._embedder.documents(list(fresh.values())))
            self._kept.update(zip(fresh, rows, strict=True))
        if not keys:
            return np.zeros((0, self.dim), dtype=np.float32)
        return np.stack([self._kept[key] for key in keys])

    def query(self, text: str) -> "Floats":
        """Return the vector of a question; these are not kept."""
        return self._ask(lambda: self._embedder.query(text))

    def _ask(self, work: Callable[[], "Floats"]) -> "Floats":
        if not self.may_be_asked:
            raise EmbedderUnavailable("it failed and is tried again later")
        try:
            made = work()
        except EmbedderUnavailable as error:
            if not self._rest.is_failing:
                log.warning("runbooks.embedder_unavailable reason=%s", error)
            self._rest.failed()
            raise
        if self._rest.is_failing:
            log.info("runbooks.embedder_works_again name=%s", self.name)
        self._rest.worked()
        return made


class Index:
    """Finds pages by words. Without an embedder, or when it fails, by words alone.

    near: the score from which a page may be offered without being asked for. is_poor:
    whether the embedder failed while this was made, so that it is worth making again.
    """

    def __init__(self, pages: Mapping[str, Page], embedder: KeptVectors | None) -> None:
        self._documents = [document(key, page) for key, page in pages.items()]
        self._words: Search | None = None
        usable = embedder if len(pages) <= EMBEDDED_PAGES else None
        self._meaning = None if usable is None else self._made(usable)
        self.is_poor = usable is not None and self._meaning is None
        self.near = NEAR_BY_WORDS if self._meaning is None else NEAR_BY_MEANING

    def find(self, words: str, *, limit: int) -> list[Found]:
        """Return the nearest pages, the best first; never raises for the embedder."""
        query = words[:_QUERY_CHARACTERS]
        if self._meaning is not None:
            try:
                found = self._meaning.find(query, limit=limit)
            except EmbedderUnavailable:
                self.near = NEAR_BY_WORDS
            else:
                self.near = NEAR_BY_MEANING
                return found
        self._words = self._words or Search(self._documents, None)
        return self._words.find(query, limit=limit)

    def _made(self, embedder: KeptVectors) -> Search | None:
        try:
            return Search(self._documents, embedder)
        except EmbedderUnavailable:
            return None


def document(key: str, page: Page) -> Document:
    """Return what is searched of a page: its names first, then its sections."""
    head = (page.title, *page.aliases, *(c.replace("_", " ") for c in page.conditions))
    named = [". ".join(head), ". ".join((page.title, *page.symptoms))]
    told = [
        f"{section.heading}\n{text}"
        for section in page.sections
        for text in [without_code(section.text).strip()]
        if len(text) >= _SECTION_CHARACTERS
    ]
    # Names are cut later than prose: an alias at the end is as good as the first.
    parts = (*(n[: 2 * _PART_CHARACTERS] for n in named), *told)
    cut = (*parts[:2], *(part[:_PART_CHARACTERS] for part in parts[2:_PARTS]))
    return Document(id=key, parts=cut)
