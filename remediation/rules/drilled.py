"""The one process of the bot's own that may be ended: the child of its drill.

Known by its whole identity. That this one may be ended is known to the running bot that
started it and to nobody else: it is in no row, no configuration and no environment, so
nothing can name another one, and it is gone with the bot. Where it counts says
`OwnTree` (`protect.py`).
"""

from typing import Final

from remediation.target.identity import ProcessIdentity

DRILL: Final = "drill"
"""The rule of a drill's proposal, and the `detector` of its incident."""


class Drilled:
    """Holds the child while the drill lasts; safe to use from several threads."""

    def __init__(self) -> None:
        self._child: ProcessIdentity | None = None

    def begin(self, child: ProcessIdentity) -> None:
        """Let this very process be ended by its drill."""
        self._child = child

    def end(self) -> None:
        """Let no process of the bot's own be ended any more."""
        self._child = None

    def is_child(self, process: ProcessIdentity) -> bool:
        """Say whether this is the child, by everything that its identity holds."""
        return self._child is not None and process == self._child
