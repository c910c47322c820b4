"""Events of the kernel's when tasks stall: Documentation/accounting/psi.rst, "Monitoring".

A trigger tells of every window of 2 s in which tasks lost more than its share, also where
the averages of ten seconds are low. Windows of 2 s may be asked for without privileges
(since Linux 6.5; before, with CAP_SYS_RESOURCE); where that is refused nothing is told.
"""

import os
import select
from collections.abc import Mapping
from typing import Final

from bot.kernel.roots import Roots

STALLS: Final = {"memory": b"full 200000 2000000", "io": b"full 1000000 2000000"}
"""In which windows nobody got on for 0.2 s for memory, or for 1 s for a disk."""


class Triggers:
    """Open triggers by resource; `close` lets go of them."""

    def __init__(
        self, wanted: Mapping[str, bytes] = STALLS, roots: Roots | None = None
    ) -> None:
        folder = (roots or Roots()).proc / "pressure"
        self._poll = select.poll()
        self._names: dict[int, str] = {}
        for name, trigger in wanted.items():
            try:
                file = os.open(folder / name, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                continue
            self._arm(file, name, trigger)

    @property
    def armed(self) -> frozenset[str]:
        """The resources whose stalls are told."""
        return frozenset(self._names.values())

    def told(self) -> frozenset[str]:
        """Return the resources with stalls since the call before; does not wait."""
        found = set()
        for file, event in self._poll.poll(0):
            if event & select.POLLERR:  # its cgroup or the kernel's support is gone
                self._drop(file)
            elif event & select.POLLPRI:
                found.add(self._names[file])
        return frozenset(found)

    def close(self) -> None:
        """Let go of all; it may be called twice."""
        for file in [*self._names]:
            self._drop(file)

    def _arm(self, file: int, name: str, trigger: bytes) -> None:
        try:
            os.write(file, trigger + b"\0")
        except OSError:
            os.close(file)
            return
        self._names[file] = name
        self._poll.register(file, select.POLLPRI)

    def _drop(self, file: int) -> None:
        self._poll.unregister(file)
        del self._names[file]
        os.close(file)
