"""The child of a drill: it does nothing, and ends by itself.

Run alone (`python -I -S sleeper.py SECONDS`) with a pipe as its input, whose other end is
the bot's. It ends when that end closes, which it does with the bot however the bot ends;
when its seconds are over; and when it is asked to. Standard library only.
"""

import signal
import sys

READY = "ready"


def main(arguments: list[str]) -> int:
    """Sleep until the input ends, for so many seconds at most."""
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # Armed before it says that it is ready: nothing of it is offered without an end.
    signal.alarm(int(arguments[0]))
    print(READY, flush=True)
    sys.stdin.buffer.read()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
