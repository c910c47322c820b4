"""Run the local workspace alone: `python -m handlers.workspace --port 8765`."""

import argparse
import signal
import sys
import threading

from handlers.workspace.workspace import Workspace


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; print the page's address and the bot's variables."""
    parser = argparse.ArgumentParser(
        prog="python -m handlers.workspace",
        description="A Slack-compatible workspace on this machine, with a web page.",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)"
    )
    options = parser.parse_args(arguments)
    finished = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: finished.set())
    with Workspace.start(options.port) as workspace:
        lines = [f"{k}={v}" for k, v in workspace.environment().items()]
        sys.stdout.write("\n".join([workspace.page_url, *lines]) + "\n")
        sys.stdout.flush()
        finished.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
