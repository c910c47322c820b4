"""Let the bot live through half an hour of bad weather, and look at what stands then.

The unmodified bot as a process, against the local workspace and a fake model: flapping
processes, alert storms, 429s, lost answers, disconnects and outages of Slack, a model
that hangs and lies, a disk that runs full, people who click in every wrong way, and
`kill -9` about once a minute. Then the weather clears, and the invariants are checked
over all that stands in the database, in Slack and with the processes themselves.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.soak import enclosed
from tests.soak.books import books_of
from tests.soak.ground import ground
from tests.soak.invariants import Verdict, judged
from tests.soak.soak import Plan, Soak


def main(arguments: Sequence[str]) -> int:
    """Soak; return 1 if an invariant does not hold."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="default: 30")
    parser.add_argument("--seed", type=int, help="to repeat an earlier run's chances")
    parser.add_argument(
        "--kill-every", type=float, default=50, help="seconds, on average"
    )
    parser.add_argument(
        "--often", type=float, default=1, help="more faults: 2 is twice"
    )
    parser.add_argument("--postgres", action="store_true", help="not SQLite")
    parser.add_argument(
        "--keep", type=Path, help="copy database and log there at the end"
    )
    given = parser.parse_args(arguments)
    if not enclosed.is_inside():
        code = enclosed.enclosed(arguments)
        if code is not None:
            return code
        print("no namespace of its own here: people click on the soak's processes only")
    return _soak(given)


def _soak(given: argparse.Namespace) -> int:
    seed = random.randrange(1_000_000) if given.seed is None else given.seed
    plan = Plan(
        seed=seed,
        seconds=given.minutes * 60,
        kill_every=given.kill_every,
        often=given.often,
    )
    print(f"seed {seed}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as name,
        ground(Path(name), postgres=given.postgres) as stage,
    ):
        soak = Soak(ground=stage, plan=plan)
        try:
            for line in soak.run():
                print(line, flush=True)
            verdicts = judged(books_of(soak))
        finally:
            soak.close()
            if given.keep:
                _keep(soak, given.keep)
    return _told(verdicts)


def _keep(soak: Soak, folder: Path) -> None:
    """Copy what the bot left, what Slack was asked and shows, and how memory went."""
    workspace = soak.ground.workspace
    shutil.copytree(soak.ground.folder, folder, dirs_exist_ok=True)
    calls = (json.dumps([c.at, c.method, c.args]) for c in workspace.calls)
    struck = (f"{s.at} {s.method} {s.fault}" for s in workspace.faults.struck)
    memory = (
        f"{number} {age:.0f} {held:.1f}"
        for number, life in enumerate(soak.lives.all)
        for age, held in life.memory
    )
    for name, lines in {"calls": calls, "struck": struck, "memory": memory}.items():
        (folder / name).write_text("\n".join(lines))
    (folder / "channel").write_text(workspace.story())


def _told(verdicts: Sequence[Verdict]) -> int:
    width = max(len(verdict.name) for verdict in verdicts)
    for verdict in verdicts:
        held = "held" if verdict.held else "NOT HELD"
        print(f"{verdict.name:{width}}  {held:8}  {verdict.figure}")
    broken = [verdict for verdict in verdicts if not verdict.held]
    for verdict in broken:
        for line in verdict.examples[:5]:
            print(f"  {verdict.name}: {line}")
    print(f"{len(verdicts) - len(broken)} of {len(verdicts)} held")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
