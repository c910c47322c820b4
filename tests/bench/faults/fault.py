"""What a fault and a control are, and what was seen of one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """What was done: who is to blame (any of these pids), or what is named instead.

    mend: ends what is wrong, and leaves where it was wrong, so that it is seen as well.
    """

    mend: Callable[[], object]
    pids: frozenset[int] = frozenset()
    named: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    inject: begins it, yields what was done, ends it. says: words of the card. action: words
    of the proposal that is right; reason: of what is said where none is. stays: whether it
    is told for longer than it lasts, because it happened.
    """

    name: str
    inject: Callable[[Path], AbstractContextManager[Injected]]
    says: str
    action: str = ""
    reason: str = ""
    stays: bool = False
    needs: Callable[[], str] = str
    """Why it cannot be injected on this machine; "" where it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Work that is none of the bot's business. run: does it and comes back."""

    name: str
    run: Callable[[Path], None]


@dataclass(slots=True, kw_only=True)
class Seen:
    """One line of the table."""

    name: str
    seconds: float | None = None
    cards: int = 0
    named: bool | None = None
    right: bool | None = None
    outcome: str = ""
    trouble: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether all is as it should be."""
        return not self.trouble and self.named is not False and self.right is not False
