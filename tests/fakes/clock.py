"""A clock that goes when it is told."""

from datetime import UTC, datetime, timedelta

from remediation.moment import Moment
from remediation.target.identity import boot_id

START = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


class FakeClock:
    """Implements `bot.ports.Clock`; both clocks go together unless told otherwise."""

    def __init__(self, wall: datetime = START, boot: float = 1000.0) -> None:
        self.wall = wall
        self.boot = boot
        self.boot_id = boot_id()

    def now(self) -> Moment:
        return Moment(wall=self.wall, boot=self.boot, boot_id=self.boot_id)

    def go(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.boot += seconds

    def set_wall_back(self, seconds: float) -> None:
        self.wall -= timedelta(seconds=seconds)
