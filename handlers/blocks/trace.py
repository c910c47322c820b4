"""What a language model did for an incident, as a small table."""

from collections.abc import Sequence

from bot.runtime.tracing import Step
from handlers.blocks.markup import preformatted, section
from remediation.printable import printable

_ROWS = 30
_NAME = 40


def trace(steps: Sequence[Step]) -> list[dict[str, object]]:
    """Draw the latest steps with their durations and tokens; nothing for none."""
    if not steps:
        return []
    shown = list(steps)[-_ROWS:]
    rows = [("step", "begun", "took", "tokens"), *map(_row, shown)]
    left = len(steps) - len(shown)
    more = f" (the last {_ROWS}, {left} before them)" if left else ""
    table = "\n".join(
        f"{name.ljust(_NAME)} {begun} {took.rjust(9)} {tokens.rjust(8)}".rstrip()
        for name, begun, took, tokens in _aligned(rows)
    )
    return [section(f"*Steps of the model*{more}"), preformatted(table)]


def _row(step: Step) -> tuple[str, str, str, str]:
    name = printable(step.name, limit=_NAME)
    tokens = f"{step.tokens:,}" if step.tokens else "-"
    return name, f"{step.at:%H:%M:%S}", f"{step.seconds:.2f} s", tokens


def _aligned(rows: list[tuple[str, str, str, str]]) -> list[tuple[str, str, str, str]]:
    return [(name, begun.ljust(8), took, tokens) for name, begun, took, tokens in rows]
