"""The real clocks."""

import time
from datetime import UTC, datetime

from remediation.moment import Moment
from remediation.target.identity import boot_id


class SystemClock:
    """Wall and boot clock of this machine."""

    def now(self) -> Moment:
        """Return this instant on both clocks."""
        return Moment(
            wall=datetime.now(UTC),
            boot=time.clock_gettime(time.CLOCK_BOOTTIME),
            boot_id=boot_id(),
        )
