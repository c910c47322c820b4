"""How a detector judges its subjects: with memory, so that a value at a limit does not flap."""

from collections.abc import Collection

from bot.model import Level, Limits
from bot.text.words import amount


class Levels:
    """The last known level of each subject of one detector."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._known: dict[str, Level] = {}

    def judge(self, subject: str, value: float | None) -> Level:
        """Return the level of a value; None is UNKNOWN and leaves the memory as it is.

        A subject that was CRITICAL before its data went missing is still held by its
        clear limit when they come back.
        """
        if value is None:
            return Level.UNKNOWN
        level = self.limits.judge(value, self._known.get(subject, Level.OK))
        self._known[subject] = level
        return level

    def keep(self, subjects: Collection[str]) -> None:
        """Forget every other subject."""
        self._known = {s: lv for s, lv in self._known.items() if s in subjects}


def with_limit(value: float, unit: str, limits: Limits, level: Level) -> str:
    """Say a value and the limit it passed or would pass first: `98 % (limit 95 %)`."""
    return f"{amount(value, unit)} {limit_of(unit, limits, level)}"


def limit_of(unit: str, limits: Limits, level: Level) -> str:
    """Say only the limit: `(limit 95 %)`; of a long unit its first word."""
    limit = limits.critical if level is Level.CRITICAL else limits.warning
    return f"(limit {amount(limit, unit.partition(' ')[0])})"
