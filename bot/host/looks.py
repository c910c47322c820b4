"""Looks into areas, all at once and within one span: a folder that hangs stops nobody.

What is asked of a dead mount never returns, so each look has a thread of its own. One
that hangs is not waited for any longer than the span and ends no program later (it is a
daemon); while it hangs, its area is not looked into again.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from time import monotonic
from typing import Final

from remediation.acts.clutter import Clutter
from remediation.target.area import Area

SPAN: Final = timedelta(seconds=1)
"""For all areas together, when something is proposed or simulated."""

# A walk ends by itself after its span; what still goes on then is one that hangs.
_SLACK: Final = 1.0

Look = Callable[[], Clutter]


class Looks:
    """Runs looks in threads and remembers those that hang; several threads may ask."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._hanging: dict[Area, _Thread] = {}

    def into(self, looks: Mapping[Area, Look], span: timedelta = SPAN) -> list[Clutter]:
        """Return what each look found, in their order; takes little more than the span.

        A look should end by itself within the span.
        """
        ends = monotonic() + span.total_seconds() + _SLACK
        started = {
            area: self._started(area, look, ends) for area, look in looks.items()
        }
        found: list[Clutter] = []
        for area, thread in started.items():
            if thread is not None:
                thread.join(max(ends - monotonic(), 0))
            found.append((thread and thread.found) or _silent(area))
        return found

    def _started(self, area: Area, look: Look, ends: float) -> "_Thread | None":
        """Start the look, or return None where one hangs already."""
        with self._turn:
            before = self._hanging.get(area)
            if before is not None and before.is_stuck():
                return None
            thread = self._hanging[area] = _Thread(look, ends)
            return thread


class _Thread(threading.Thread):
    def __init__(self, look: Look, ends: float) -> None:
        super().__init__(daemon=True, name="look into an area")
        self._look = look
        self._ends = ends
        self.found: Clutter | None = None
        self.start()

    def is_stuck(self) -> bool:
        """Say whether it goes on for longer than a look may."""
        return self.is_alive() and monotonic() >= self._ends

    def run(self) -> None:
        self.found = self._look()


def _silent(area: Area) -> Clutter:
    trouble = f"{area.folder} cannot be looked at (it gives no answer in time)"
    return Clutter(area=area, trouble=trouble)
