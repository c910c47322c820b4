"""A YAML file whose values know their line, so that an error can name it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

Where = tuple[str | int, ...]

_SECTIONS = "sections, such as `slack:` and `policy:`"
_LIMIT_BYTES = 1_000_000
_TAB = "a tab, where YAML is indented with blanks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in the file: where it is, what was seen and what is allowed."""

    line: int | None
    where: str
    seen: str
    allowed: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.where}: {self.seen}; {self.allowed}"


class BadConfiguration(Exception):
    """The configuration cannot be used; `problems` holds every mistake found."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"{source} has {_count(problems)}:\n{lines}")
        self.source = source
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """The content of a file and the line on which each value stands."""

    source: str
    values: dict[str, object]
    lines: dict[Where, int]

    def line(self, where: Where) -> int | None:
        """Return the line of the value, or of the nearest key above it."""
        for length in range(len(where), -1, -1):
            if where[:length] in self.lines:
                return self.lines[where[:length]]
        return None


def read(path: Path) -> Located:
    """Read the file; raise `BadConfiguration` when it is missing or is no YAML mapping."""
    source = str(path)
    try:
        raw = path.read_bytes()[: _LIMIT_BYTES + 1]
    except OSError as error:
        raise _bad(source, None, error.strerror or "unreadable", _EXPECTED) from error
    if len(raw) > _LIMIT_BYTES:
        raise _bad(source, None, "over 1 MB", "a smaller file")
    return parse(raw, source=source)


def parse(raw: bytes, *, source: str, holds: str = _SECTIONS) -> Located:
    """Parse YAML bytes; raise `BadConfiguration` with the line of a syntax error.

    holds: what stands in such a file, for whoever wrote something else.
    """
    try:
        root = yaml.compose(raw, Loader=yaml.SafeLoader)
        values = yaml.safe_load(raw)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        seen = _TAB if "\\t" in (error.problem or "") else error.problem or "not YAML"
        raise _bad(
            source, mark.line + 1 if mark else None, seen, "valid YAML"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _bad(source, None, "not YAML", "valid YAML text in UTF-8") from error
    if values is None:
        return Located(source=source, values={}, lines={})
    if not isinstance(values, dict) or root is None:
        seen = "a list" if isinstance(values, list) else "one value"
        raise _bad(source, 1, seen, holds)
    try:
        problems = tuple(_duplicates(root))
        lines = dict(_lines(root, ()))
    except RecursionError as error:
        raise _bad(
            source, None, "an alias that contains itself", "plain YAML"
        ) from error
    if problems:
        raise BadConfiguration(source, problems)
    return Located(source=source, values=values, lines=lines)


_EXPECTED = (
    "an existing file (`countersign init` writes one; or set COUNTERSIGN_CONFIG)"
)


def _bad(source: str, line: int | None, seen: str, allowed: str) -> BadConfiguration:
    problem = Problem(
        line=line, where="the file", seen=seen, allowed=f"needs {allowed}"
    )
    return BadConfiguration(source, (problem,))


def _count(problems: tuple[Problem, ...]) -> str:
    return "1 problem" if len(problems) == 1 else f"{len(problems)} problems"


def _lines(node: yaml.Node, where: Where) -> Iterator[tuple[Where, int]]:
    yield where, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*where, str(key.value))
            yield from _lines(value, below)
            yield below, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, (*where, index))


def _duplicates(node: yaml.Node) -> Iterator[Problem]:
    # YAML lets the last of two equal keys win in silence; a lost limit is no detail.
    seen: dict[str, int] = {}
    children = node.value if isinstance(node, yaml.MappingNode) else []
    for key, value in children:
        line = key.start_mark.line + 1
        if key.value in seen:
            yield Problem(
                line=line,
                where=str(key.value),
                seen=f"stands on line {seen[key.value]} already",
                allowed="each key may stand once",
            )
        seen[key.value] = line
        yield from _duplicates(value)
