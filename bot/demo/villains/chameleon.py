"""Burns one core, and becomes another program when it gets SIGUSR1: same pid, new image."""

import os
import signal

from bot.demo.villains.restraint import restrain


def become_another(_number: int, _frame: object) -> None:
    """Execute a shell in place of this program; it goes on burning."""
    os.execv("/bin/sh", ["sh", "-c", "while :; do :; done"])  # noqa: S606 - that it becomes another program is the point


if __name__ == "__main__":
    restrain()
    signal.signal(signal.SIGUSR1, become_another)
    while True:
        pass
