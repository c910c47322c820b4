"""`make bench`: every benchmark, each figure beside its floor or peer of the same run."""

import argparse
import importlib
import sys

MODULES = ("sampling", "rounds", "clicks", "starting", "recall")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "only", nargs="*", choices=(*MODULES, []), help="run only these"
    )
    chosen = parser.parse_args().only or MODULES
    missed = 0
    for name in chosen:
        module = importlib.import_module(f"tests.bench.{name}")
        for result in module.run():
            print(result, flush=True)
            missed += not result.kept
    print(f"{missed} goals missed" if missed else "all goals kept")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
