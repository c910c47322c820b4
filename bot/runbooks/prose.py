"""The body of a runbook: its sections and its numbered steps. Line by line, linear."""

import re
from dataclasses import dataclass

MAX_STEPS = 50
MAX_STEP_CHARACTERS = 2000
MAX_SECTIONS = 64

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)")
_NUMBER = re.compile(r"\d{1,3}[.)][ \t]+(.*)")
_CODE = re.compile(r"[ \t]*(```|~~~)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what stands below it until the next one.

    line: of the heading, counted in the body from 0; -1 for text before the first.
    """

    heading: str
    text: str
    line: int
    rank: int


def sections(body: str) -> tuple[Section, ...]:
    """Return the sections in order; a `#` inside a code block is no heading."""
    found: list[Section] = []
    heading, rank, start, kept = "", 0, -1, list[str]()
    fenced = False
    for number, line in enumerate(body.split("\n")):
        fenced ^= _CODE.match(line) is not None
        match = None if fenced else _HEADING.match(line)
        if match is None or len(found) >= MAX_SECTIONS - 1:
            kept.append(line)
            continue
        found.append(_section(heading, rank, start, kept))
        heading, rank = match[2].strip(" \t#"), len(match[1])
        start, kept = number, []
    found.append(_section(heading, rank, start, kept))
    return tuple(s for s in found if s.heading or s.text)


def steps(parts: tuple[Section, ...]) -> tuple[str, ...]:
    """Return the numbered steps of the section "Steps", else of the first that has any.

    A step keeps its further lines and code. At most `MAX_STEPS`, each cut at
    `MAX_STEP_CHARACTERS`.
    """
    named = [p for p in parts if p.heading.lower().startswith("steps")]
    for part in (*named, *parts):
        found = _numbered(part.text)
        if found:
            return tuple(step[:MAX_STEP_CHARACTERS] for step in found[:MAX_STEPS])
    return ()


def without_code(text: str) -> str:
    """Return the text without its code blocks, which no search should match by."""
    kept, fenced = [], False
    for line in text.split("\n"):
        if _CODE.match(line):
            fenced = not fenced
        elif not fenced:
            kept.append(line)
    return "\n".join(kept)


def _section(heading: str, rank: int, line: int, kept: list[str]) -> Section:
    text = "\n".join(kept).strip()
    return Section(heading=heading, text=text, line=line, rank=rank)


def _numbered(text: str) -> list[str]:
    found: list[list[str]] = []
    fenced = False
    for line in text.split("\n"):
        match = None if fenced else _NUMBER.match(line)
        fenced ^= _CODE.match(line) is not None
        if match is not None:
            found.append([match[1]])
        elif found and (fenced or not line or line[0] in " \t" or _CODE.match(line)):
            found[-1].append(line.removeprefix("   "))
        elif found:
            break
    return ["\n".join(lines).strip() for lines in found]
