"""All runbooks at hand: read from their folders, followed on disk, found for an incident.

`start` reads and follows the folders in a thread, which also makes the search index,
so a caller never waits for either. Without `start` both happen at the first call.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.model import Incident
from bot.runbooks.index import FIRST_REST, LONGEST_REST, Index, KeptVectors
from bot.runbooks.matching import Match, exact, words_of
from bot.runbooks.page import Page
from bot.runbooks.problem import Problem
from bot.runbooks.stock import Stock, look
from bot.runbooks.watching import QUIET_MILLISECONDS, changes
from bot.runtime.loop import Loop
from memory.embed import Embedder
from memory.rest import Rest

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""How long a caller waits for the very first reading of the folders."""

_LOOKS = 20
_LOGGED_PROBLEMS = 50


class Shelf:
    """The runbooks of some folders; every method may be called from any thread.

    rest: how long an embedder that failed is left alone; meanwhile words are compared,
    and afterwards the index is made again.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        embedder: Embedder | None,
        *,
        rest: Rest | None = None,
    ) -> None:
        self._folders = tuple(folders)
        rest = rest or Rest(FIRST_REST, LONGEST_REST)
        self._embedder = None if embedder is None else KeptVectors(embedder, rest)
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._read = threading.Event()
        self._stock = Stock()
        self._index: tuple[Stock, Index] | None = None
        self._told: frozenset[Problem] = frozenset()
        self._indexed: Stock | None = None
        self._loop: Loop | None = None
        # Vectors cost seconds and 100 MB, so they are made when the first search asks.
        self._asked = threading.Event()
        self._stir = threading.Event()

    def start(self, failed: Callable[[str], None]) -> None:
        """Read the folders and follow them, in a thread of its own.

        failed: called with the loop's name for every step that raised; the next one
        is tried after a pause.
        """
        self._stop.clear()
        self._loop = Loop("runbooks", self._follow, every=0, failed=failed)
        self._loop.start()

    def stop(self, timeout: float = 10) -> None:
        """End the thread; what was read stays."""
        self._stop.set()
        self._stir.set()
        if self._loop is not None:
            self._loop.stop(timeout)
            self._loop = None

    def reload(self) -> None:
        """Look at the folders now, until no file is in the middle of a change."""
        with self._turn:
            for _ in range(_LOOKS):
                self._look()
                if not self._stock.unsettled:
                    break
                # Woken early by nobody but `stop`.
                self._stop.wait(QUIET_MILLISECONDS / 1000)

    def pages(self) -> list[Page]:
        """Return all usable pages, by path."""
        return list(self._current().pages.values())

    def problems(self) -> tuple[Problem, ...]:
        """Return everything that is wrong with the folders and files now."""
        return self._current().problems

    def pick(self, incident: Incident, limit: int = 2) -> list[Match]:
        """Return the runbooks for an incident, the best first.

        Those that name its condition or service; where none does, those that are
        near by their words, or nothing: a wrong runbook on the card costs time.
        """
        stock = self._current()
        exactly = exact(stock.pages.values(), incident)[:limit]
        if exactly:
            return exactly
        return self._search(stock, words_of(incident), limit, only_near=True)

    def find(self, words: str, limit: int = 5) -> list[Match]:
        """Return the runbooks for a person's words; without words the first by path.

        A runbook whose file or title is named exactly comes first.
        """
        stock = self._current()
        wanted = " ".join(words.lower().split())
        if not wanted:
            first = list(stock.pages.values())[:limit]
            return [Match(page=page, why="it is on the shelf") for page in first]
        named = [
            Match(page=page, why="it is named so")
            for page in stock.pages.values()
            if wanted in _names(page)
        ]
        near = self._search(stock, words, limit)
        seen = {match.page.path for match in named}
        return [*named, *(m for m in near if m.page.path not in seen)][:limit]

    def _current(self) -> Stock:
        if self._loop is None and not self._read.is_set():
            self.reload()
        self._read.wait(PATIENCE_SECONDS)
        return self._stock

    def _search(
        self, stock: Stock, words: str, limit: int, *, only_near: bool = False
    ) -> list[Match]:
        index = self._asked_index(stock)
        if index is None:
            return []
        # An older index still finds what is on the shelf; the new one is being made.
        pages = stock.pages
        found = index.find(words, limit=limit)
        least = index.near if only_near else 0.0
        return [
            Match(page=pages[f.id], why=f"its words are near ({f.score:.2f})")
            for f in found
            if f.id in pages and f.score >= least
        ]

    def _asked_index(self, stock: Stock) -> Index | None:
        """Return the index there is, and have one with vectors made from now on."""
        made = self._index
        if self._loop is None and (
            made is None or made[0] is not stock or self._is_due()
        ):
            made = self._build(stock)
        if not self._asked.is_set():
            self._asked.set()
            self._stir.set()
        return made[1] if made else None

    def _build(self, stock: Stock) -> tuple[Stock, Index]:
        made = stock, Index(stock.pages, self._embedder)
        self._index = made
        return made

    def _follow(self) -> None:
        """Refresh once, the first time at once and then after a change."""
        if self._read.is_set() and not self._is_behind():
            next(changes(self._folders, self._stir), None)
        self._stir.clear()
        if not self._stop.is_set():
            self._refresh()

    def _is_behind(self) -> bool:
        if not self._asked.is_set():
            return False
        return self._indexed is not self._stock or self._is_due()

    def _is_due(self) -> bool:
        """Whether the index lacks vectors that may be had now."""
        if self._index is None or self._embedder is None:
            return False
        return self._index[1].is_poor and self._embedder.may_be_asked

    def _refresh(self) -> None:
        self.reload()
        if self._index is None or self._index[0] is not self._stock:
            # Vectors take seconds; until they are there, words do.
            self._index = self._stock, Index(self._stock.pages, None)
        # Making the index takes time, and nobody watches the folders meanwhile.
        while self._is_behind() and not self._stop.is_set():
            stock = self._stock
            self._build(stock)
            self._indexed = stock
            self.reload()

    def _look(self) -> None:
        before = self._stock
        stock = look(self._folders, before, first=not self._read.is_set())
        if stock != before:
            self._stock = stock
            self._tell(stock)
        self._read.set()

    def _tell(self, stock: Stock) -> None:
        """Log each problem once, until it is mended and comes back."""
        problems = stock.problems
        fresh = [p for p in problems if p not in self._told]
        self._told = frozenset(problems)
        for problem in fresh[:_LOGGED_PROBLEMS]:
            event = "runbook.skipped" if problem.fatal else "runbook.imperfect"
            log.warning("%s %s", event, problem)
        if fresh[_LOGGED_PROBLEMS:]:
            more = len(fresh) - _LOGGED_PROBLEMS
            log.warning("runbook.problems more=%s see=countersign runbooks check", more)


def _names(page: Page) -> tuple[str, ...]:
    spoken = (page.name, page.name.replace("_", " "), page.title, *page.aliases)
    return tuple(name.lower() for name in spoken)
