"""One invariant, its figure, and whether it holds."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """examples: what does not hold, in words."""

    name: str
    figure: str
    examples: Sequence[str] = ()

    @property
    def held(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.examples
