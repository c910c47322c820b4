"""Run the local workspace alone: `make workspace`, to try a configuration of one's own."""

import argparse
import signal
import sys
import threading

from handlers.workspace.people import DEFAULT_PEOPLE, GROUP
from handlers.workspace.server import Taken
from handlers.workspace.workspace import Workspace

_WORDS = """\

  Open  {page}

The bot finds it by these; type them where it is started:

{exports}

What `countersign init` asks for:

  channel    {channel}    #{name}
  approvers  {people}

Ctrl-C ends it, and all that was said in it is gone.
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; print the page, the bot's variables and who is there."""
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
    try:
        with Workspace.start(options.port) as workspace:
            sys.stdout.write(_told(workspace))
            sys.stdout.flush()
            finished.wait()
    except Taken as error:
        sys.stderr.write(f"workspace: {error}\n")
        return 2
    return 0


def _told(workspace: Workspace) -> str:
    exports = (f"  export {k}={v}" for k, v in workspace.environment().items())
    people = [f"{p.id:<14} {p.real_name}, {p.role.lower()}" for p in DEFAULT_PEOPLE]
    people.append(f"{GROUP.id:<14} {GROUP.name}, a group of the first two")
    return _WORDS.format(
        page=workspace.page_url,
        exports="\n".join(exports),
        channel=workspace.channel_id,
        name=workspace.state.team.channel_name,
        people="\n             ".join(people),
    )


if __name__ == "__main__":
    raise SystemExit(main())
