"""How a command is declared: its name, its help, what it runs."""

import argparse
from collections.abc import Callable


def verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    words: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    """Declare a command that calls `run`; return its parser, for its arguments."""
    parser = verbs.add_parser(name, help=words, description=words.capitalize() + ".")
    parser.set_defaults(run=run)
    return parser
