"""Acknowledging in time what may take long on a host in trouble.

Slack gives a listener three seconds. What looks at processes, services and files is
acknowledged when it is done, or after two seconds; its answer follows in any case. What
decides is not run here: it is durable before its acknowledgement, or nothing happened.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Final, TypeVar

SECONDS: Final = 2.0
_HANDS: Final = 8

Answer = TypeVar("Answer")


class Patience:
    """Runs listeners' work beside them, a few at a time."""

    def __init__(self) -> None:
        self._hands = ThreadPoolExecutor(_HANDS, thread_name_prefix="listener")

    def run(self, ack: Callable[[], object], work: Callable[[], Answer]) -> Answer:
        """Do the work and return its answer, or raise what it raised; ack in time."""
        doing = self._hands.submit(work)
        wait([doing], timeout=SECONDS)
        ack()
        return doing.result()
