"""The front matter of a runbook: YAML in narrow limits, read with its lines.

`bot/config/yamlfile.py` reads the team's own configuration. A runbook may come from
anywhere, so here nothing is expanded and nothing is constructed: no alias, anchor,
tag or second document, no more than `MAX_DEPTH` levels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from bot.runbooks.problem import Unusable
from remediation.printable import printable

MAX_BYTES = 16 * 1024
MAX_DEPTH = 5
MAX_ITEMS = 64
MAX_ITEM_CHARACTERS = 200

KEYS = ("title", "conditions", "services", "symptoms", "aliases", "severity", "actions")
"""What may stand in the front matter; only the title is a single text with `severity`."""

_FENCE = "---"
# libyaml where it is there: ten times faster, and ten thousand files are promised.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """The texts of one key and the line each stands on."""

    line: int
    texts: tuple[str, ...]
    lines: tuple[int, ...]


def split(text: str) -> tuple[str | None, str, int]:
    """Return front matter (None without one), body, and the line the body begins on.

    Raises `Unusable` when it is never closed or larger than `MAX_BYTES`.
    """
    first, _, rest = text.partition("\n")
    if first.rstrip() != _FENCE:
        return None, text, 1
    offset, lines = 0, 1
    for line in rest[: MAX_BYTES + 1].splitlines(keepends=True):
        lines += 1
        if line.rstrip() == _FENCE:
            return rest[:offset], rest[offset + len(line) :], lines + 1
        offset += len(line)
    if len(rest) > MAX_BYTES:
        raise Unusable("the front matter is over 16 KB or never closed", _CLOSE)
    raise Unusable("the front matter is never closed", _CLOSE)


def read(front: str) -> dict[str, Value]:
    """Read the front matter; raise `Unusable` naming the line of the first mistake."""
    if len(front.encode(errors="replace")) > MAX_BYTES:
        raise Unusable("the front matter is over 16 KB", "shorten it")
    try:
        _refuse_machinery(front)
        root = yaml.compose(front, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unusable(
            f"not YAML: {printable(error.problem or 'a mistake')}",
            "quote texts that hold a colon, #, @ or quotes; indent lists alike",
            line=mark.line + 2 if mark else 1,
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise Unusable("not YAML", "write plain YAML in UTF-8") from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise Unusable("no keys", "write `title: …` and the other keys", line=2)
    return dict(_pairs(root))


_CLOSE = "close it with a line `---` after the last key"


def _refuse_machinery(front: str) -> None:
    depth = documents = 0
    for event in yaml.parse(front, Loader=_LOADER):
        line = _line(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unusable("an anchor or alias", "write the value out", line=line)
        if _is_tagged(event):
            raise Unusable("a tag (`!…`)", "write a plain text or quote it", line=line)
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH or documents > 1:
            raise Unusable("nested too deeply", "write lists of plain texts", line=line)


def _line(event: yaml.Event) -> int:
    # Counted from 0, and the fence is the file's first line.
    return event.start_mark.line + 2 if event.start_mark else 1


def _is_tagged(event: yaml.Event) -> bool:
    return getattr(event, "tag", None) is not None


def _pairs(root: yaml.MappingNode) -> Iterator[tuple[str, Value]]:
    seen: dict[str, int] = {}
    for key, value in root.value:
        line = key.start_mark.line + 2
        if not isinstance(key, yaml.ScalarNode):
            raise Unusable("a key that is no word", "use the keys of README", line=line)
        name = str(key.value)
        if name in seen:
            raise Unusable(
                f"{printable(name, limit=40)} stands on line {seen[name]} already",
                "keep one of the two",
                line=line,
            )
        seen[name] = line
        yield name, _value(name, value, line)


def _value(name: str, node: yaml.Node, line: int) -> Value:
    if isinstance(node, yaml.ScalarNode):
        texts = () if _is_null(node) else (str(node.value),)
        return Value(line=line, texts=texts, lines=(line,))
    if not isinstance(node, yaml.SequenceNode):
        raise Unusable(
            f"{printable(name, limit=40)} holds keys of its own",
            "write a list of plain texts",
            line=line,
        )
    if len(node.value) > MAX_ITEMS:
        raise Unusable(
            f"{len(node.value)} entries", f"keep at most {MAX_ITEMS}", line=line
        )
    lines = tuple(item.start_mark.line + 2 for item in node.value)
    for item, place in zip(node.value, lines, strict=True):
        if not isinstance(item, yaml.ScalarNode):
            raise Unusable("a list in a list", "write one text a line", line=place)
    return Value(
        line=line, texts=tuple(str(item.value) for item in node.value), lines=lines
    )


def _is_null(node: yaml.ScalarNode) -> bool:
    return not node.style and node.value in ("", "~", "null")
