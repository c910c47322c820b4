"""Rounds that do not wait for their turn: as soon as the kernel tells of a stall.

A host that begins to thrash has seconds in which somebody can still act. The sweep asks
every second; who measures memory or pressure then has a round at once, and is judged by
its limits as in any other.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from bot.kernel.triggers import Triggers

WHO: Final[Mapping[str, Collection[str]]] = {
    "memory": ("memory", "pressure", "swap", "thrashing"),
    "io": ("pressure", "iowait"),
}
"""Who may be asked at any time: none that compares one round with the next
(`blocked_processes` would call each short wait a hang)."""


class EarlyRounds:
    """Asks for rounds out of turn.

    known: the detectors that run. soon: plans a detector's round for now.
    """

    def __init__(
        self,
        known: Collection[str],
        soon: Callable[[str], None],
        arm: Callable[[], Triggers] = Triggers,
    ) -> None:
        self._known = known
        self._soon = soon
        self._arm = arm
        self._triggers: Triggers | None = None

    def look(self) -> None:
        """Plan the rounds of whatever stalled since the look before; arms at the first."""
        if "pressure" not in self._known:
            return
        if self._triggers is None:
            self._triggers = self._arm()
        told = self._triggers.told()
        names = {name for resource in told for name in WHO.get(resource, ())}
        for name in sorted(names & set(self._known)):
            self._soon(name)

    def close(self) -> None:
        """Let go of the triggers."""
        if self._triggers is not None:
            self._triggers.close()
