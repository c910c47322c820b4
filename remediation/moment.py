"""One instant on both clocks; the ledger decides expiry with it."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The wall clock and the boot clock, read together.

    The wall clock can be set back and the boot clock starts anew at a reboot, so
    whatever must end is over as soon as *either* clock says so.

    wall: aware UTC. boot: seconds since boot, suspend included (CLOCK_BOOTTIME).
    boot_id: the kernel's random id of this boot; boot seconds of two different
    boots cannot be compared.
    """

    wall: datetime
    boot: float
    boot_id: str

    def after(self, span: timedelta) -> "Moment":
        """Return the moment `span` later on both clocks."""
        return Moment(
            wall=self.wall + span,
            boot=self.boot + span.total_seconds(),
            boot_id=self.boot_id,
        )

    def is_past(self, deadline: "Moment") -> bool:
        """Say whether either clock has reached the deadline."""
        if self.wall >= deadline.wall:
            return True
        return self.boot_id == deadline.boot_id and self.boot >= deadline.boot

    def since(self, earlier: "Moment") -> timedelta:
        """Return the time between: by the boot clock, across boots by the wall."""
        if self.boot_id == earlier.boot_id:
            return timedelta(seconds=self.boot - earlier.boot)
        return self.wall - earlier.wall
