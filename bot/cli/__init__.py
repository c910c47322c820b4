"""The command `countersign`: its commands in a table (`commands.py`), a file for each."""

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code (0 well, 1 a finding, 2 bad input)."""
    from bot.cli.commands import main as run

    return run(arguments)
