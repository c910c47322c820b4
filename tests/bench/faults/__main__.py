"""Inject faults for real, one after the other and in pairs, beside work that is none.

The unmodified bot watches this machine with every detector at its default limits; only
its times are shorter, all by the same factor, and so is the work beside it. Whoever runs
this should leave the machine alone meanwhile. Root sees more faults than others.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from bot import detectors
from bot.config.settings import DetectorSection
from handlers.workspace.workspace import Workspace
from tests.bench.faults.catalogue import CONTROLS, FAULTS, PAIRS
from tests.bench.faults.controls import declared_exe
from tests.bench.faults.fault import Fault, Seen
from tests.bench.faults.trial import controlled, tried
from tests.scenarios.stage import Bot, config, me

FACTOR = 20
"""A minute of a team's is three seconds here."""
SHORTEST = timedelta(seconds=1)
OFF = {"alert", "prometheus", "timer", "clock", "reboot", "surprise"}
"""What no fault here is about, or what this machine has all the time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen faults and controls; return 1 if anything was not as it should be."""
    parser = argparse.ArgumentParser(prog="make bench-faults", description=__doc__)
    parser.add_argument(
        "only",
        nargs="*",
        help="words of the names; default: all, pairs and controls too",
    )
    parser.add_argument("--log", type=Path, help="where the bot's log is kept")
    given = parser.parse_args(arguments)
    lines: list[Seen] = []
    with tempfile.TemporaryDirectory() as name, Workspace.start() as workspace:
        folder = Path(name)
        bot = Bot(workspace=workspace, folder=folder, config=_config(workspace, folder))
        bot.start()
        try:
            for seen in _all(workspace, given.only, folder):
                print(_line(seen), flush=True)
                lines.append(seen)
        finally:
            bot.close()
            if given.log:
                given.log.write_text(bot.log)
    kept = sum(seen.kept for seen in lines)
    print(f"{kept} of {len(lines)} as they should be")
    return 0 if kept == len(lines) else 1


def _all(workspace: Workspace, only: Sequence[str], folder: Path) -> Iterator[Seen]:
    print(f"{'':34}{'to card':>9}{'cards':>7}  named  right  outcome", flush=True)
    by_name = {fault.name: fault for fault in FAULTS}
    groups: list[tuple[Fault, ...]] = [(fault,) for fault in FAULTS]
    groups += [tuple(by_name[name] for name in pair) for pair in PAIRS]
    for group in groups:
        if not _wanted(" + ".join(fault.name for fault in group), only):
            continue
        missing = [why for fault in group if (why := fault.needs())]
        if missing:
            names = " + ".join(fault.name for fault in group)
            print(f"{names:34} not here: needs {', '.join(missing)}", flush=True)
            continue
        mark = "with: " if len(group) > 1 else ""
        for seen in tried(workspace, group, folder):
            seen.name = f"{mark}{seen.name}"
            yield seen
    for control in CONTROLS:
        if _wanted(control.name, only):
            yield controlled(workspace, control, folder)


def _wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(word in name for word in only)


def _line(seen: Seen) -> str:
    took = "" if seen.seconds is None else f"{seen.seconds:.1f} s"
    words = {True: "yes", False: "NO", None: "-"}
    said = seen.trouble or seen.outcome
    return (
        f"{seen.name:34}{took:>9}{seen.cards:>7}  {words[seen.named]:5}  "
        f"{words[seen.right]:5}  {said}"
    )


def _config(workspace: Workspace, folder: Path) -> dict[str, object]:
    made = config(workspace, verify={"window": "3s"})
    made["detectors"] = {
        name: {"enabled": False} if name in OFF else _quick(found.Section())
        for name, found in detectors.known().items()
    }
    made["expected"] = [
        {
            "exe": str(declared_exe(folder)),
            "user": me(),
            "max": {"cores": 1000},
        }
    ]
    return made


def _quick(section: DetectorSection) -> dict[str, object]:
    """Return the section's defaults, its times divided."""
    return {
        re.sub("_$", "", name): _shorter(value)
        for name in type(section).model_fields
        if isinstance(value := getattr(section, name), timedelta)
    }


def _shorter(span: timedelta) -> str:
    return f"{max(span / FACTOR, min(span, SHORTEST)).total_seconds():g}s"


if __name__ == "__main__":
    sys.exit(main())
