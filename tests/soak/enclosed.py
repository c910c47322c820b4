"""The soak in a process and mount namespace of its own: nothing else is there to be hit."""

import os
import subprocess
import sys
from collections.abc import Sequence

_ROOT = ("--pid", "--fork", "--kill-child", "--mount-proc")
_OTHERS = ("--user", "--map-root-user", *_ROOT)
_INSIDE = "COUNTERSIGN_SOAK_INSIDE"


def is_inside() -> bool:
    """Say whether this is the enclosed one."""
    return _INSIDE in os.environ


def enclosed(arguments: Sequence[str]) -> int | None:
    """Run the soak inside and return its exit code; None where nothing can be enclosed."""
    flags = _ROOT if os.geteuid() == 0 else _OTHERS
    if subprocess.run(["unshare", *flags, "true"], check=False).returncode != 0:
        return None
    # A shell is the first process in there: it takes care of what lost its parent.
    first = ("sh", "-c", '"$@"; exit $?', "sh")
    program = (sys.executable, "-m", "tests.soak", *arguments)
    done = subprocess.run(
        ["unshare", *flags, *first, *program],
        env={**os.environ, _INSIDE: "1"},
        check=False,
    )
    return done.returncode
