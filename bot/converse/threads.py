"""What was said in each thread, for the questions that follow. It is kept in memory only."""

import threading
from collections import OrderedDict
from typing import Final

from bot.converse.question import Answer, Question, Said

MOST_THREADS: Final = 200
MOST_TURNS: Final = 6
"""Earlier questions of one thread that are remembered."""
_ASKED: Final = 300
_ANSWERED: Final = 600


class Threads:
    """The last turns of the last threads; safe to use from several threads.

    A thread knows nothing of another. After a restart all start anew.
    """

    def __init__(self, *, most: int = MOST_THREADS) -> None:
        self._most = most
        self._said: OrderedDict[str, tuple[Said, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, thread: str) -> tuple[Said, ...]:
        """Return what was said in a thread, the oldest first."""
        with self._lock:
            return self._said.get(thread, ())

    def add(self, thread: str, question: Question, answer: Answer) -> None:
        """Remember one turn, shortened; the thread spoken in longest ago goes first."""
        said = Said(
            asked=question.text[:_ASKED],
            answered=answer.text[:_ANSWERED],
            about=answer.about,
        )
        with self._lock:
            before = self._said.pop(thread, ())
            self._said[thread] = (*before, said)[-MOST_TURNS:]
            while len(self._said) > self._most:
                self._said.popitem(last=False)
