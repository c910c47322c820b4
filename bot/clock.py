"""The real clocks."""

import time
from datetime import UTC, datetime

from remediation.identity import boot_id
from remediation.moment import Moment


class SystemClock:
    """Wall and boot clock of this machine."""

    def now(self) -> Moment:
        """Return this instant on both clocks."""
        return Moment(
            wall=datetime.now(UTC),
            boot=time.clock_gettime(time.CLOCK_BOOTTIME),
            boot_id=boot_id(),
        )
