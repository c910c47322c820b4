"""One runbook: what its file says, parsed within limits into a value.

A page may name kinds of actions that it permits. That is checked and kept; nothing is
proposed, kept back or approved by it, and what is not in the closed set of actions makes
the file unusable.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from bot.config.policy import ActionKind
from bot.model import Level
from bot.runbooks import front, prose
from bot.runbooks.front import MAX_ITEM_CHARACTERS, Value
from bot.runbooks.problem import Problem, Unusable
from bot.runbooks.prose import Section
from bot.text.markdown import cleaned, first_hidden
from bot.text.redact import redact_lines
from remediation.printable import printable

MAX_BYTES = 256 * 1024
TITLE_CHARACTERS = 150

_LEVELS = {"warning": Level.WARNING, "critical": Level.CRITICAL}
_HELD = "what looks like a secret (it is shown as [redacted])"
_KEPT_ELSEWHERE = "take it out, and say where it is kept"
_NOT_IN_NAMES = re.compile(r"[\s-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A runbook as it was read.

    name: the file's name without `.md`, printable. conditions: detectors' names or
    alert names, in lower case with underscores. severity: the level it is written
    for, None for any. actions: what it permits; empty permits nothing in particular.
    steps: the numbered list. body: the Markdown below the front matter. No secret is
    in any of it; but it is untrusted text and must be escaped where it is drawn.
    """

    path: Path
    name: str
    title: str
    conditions: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    severity: Level | None = None
    actions: tuple[ActionKind, ...] = ()
    steps: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The page, None if the file is unusable, and everything wrong with the file."""

    page: Page | None
    problems: tuple[Problem, ...]


def parse(raw: bytes, *, path: Path, shown: str) -> Parsed:
    """Parse one file's bytes; `shown` is how problems name it. Never raises."""
    try:
        return _parse(raw, path, shown)
    except Unusable as why:
        return Parsed(page=None, problems=(unusable(shown, why),))


def unusable(shown: str, why: Unusable) -> Problem:
    """Return the problem that makes a file be skipped."""
    return Problem(file=shown, line=why.line, what=why.what, mend=why.mend)


def condition_name(text: str) -> str:
    """Return a condition as pages and detectors are compared by it."""
    return _NOT_IN_NAMES.sub("_", text.strip().lower())


def _parse(raw: bytes, path: Path, shown: str) -> Parsed:
    text = _decoded(raw)
    clean = cleaned(text)
    head, body, body_line = front.split(clean)
    values, hidden = _without_secrets(front.read(head) if head is not None else {})
    body, changed = redact_lines(body)
    parts = prose.sections(body)
    page = Page(
        path=path,
        name=printable(path.stem, limit=100),
        title=_title(values, parts, path),
        conditions=tuple(map(condition_name, _texts(values, "conditions"))),
        services=_texts(values, "services"),
        symptoms=_texts(values, "symptoms"),
        aliases=_texts(values, "aliases"),
        severity=_severity(values),
        actions=_actions(values),
        steps=prose.steps(parts),
        sections=parts,
        body=body.strip(),
    )
    found = _remarks(page, values, has_front=head is not None, end=body_line)
    taken_out = first_hidden(text)
    if taken_out is not None:
        line, character = taken_out
        what = f"an invisible character ({character})"
        found.append((line, what, "delete it; the page is shown without"))
    hidden += [body_line + number for number in changed]
    found += [(line, _HELD, _KEPT_ELSEWHERE) for line in hidden]
    return Parsed(
        page=page,
        problems=tuple(
            Problem(file=shown, line=line, what=what, mend=mend, fatal=False)
            for line, what, mend in sorted(found)
        ),
    )


def _without_secrets(
    values: dict[str, Value],
) -> tuple[dict[str, Value], list[int]]:
    """Return the front matter without secrets, and the lines that held one."""
    safe, hidden = dict[str, Value](), list[int]()
    for key, value in values.items():
        read = [redact_lines(text) for text in value.texts]
        safe[key] = replace(value, texts=tuple(text for text, _ in read))
        lines = zip(value.lines, read, strict=False)
        hidden += [line for line, (_, begun) in lines if begun]
    return safe, hidden


def _decoded(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise Unusable("the file is over 256 KB", "split it; a page is read at 3 a.m.")
    if not raw.strip():
        raise Unusable("the file is empty", "write a title and steps, or delete it")
    if b"\0" in raw:
        line = raw.count(b"\n", 0, raw.index(b"\0")) + 1
        raise Unusable("a NUL byte", "save it as plain text", line=line)
    try:
        return raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unusable("not UTF-8", "save it in UTF-8", line=line) from error


def _title(values: dict[str, Value], parts: tuple[Section, ...], path: Path) -> str:
    texts = _texts(values, "title") or tuple(p.heading for p in parts if p.rank == 1)
    title = " ".join(texts[0].split()) if texts else ""
    return title[:TITLE_CHARACTERS] or printable(path.stem.replace("_", " "))


def _texts(values: dict[str, Value], key: str) -> tuple[str, ...]:
    value = values.get(key)
    if value is None:
        return ()
    for text, line in zip(value.texts, value.lines, strict=False):
        if len(text) > MAX_ITEM_CHARACTERS:
            raise Unusable(
                f"a text of {len(text)} characters in {key}",
                f"keep each below {MAX_ITEM_CHARACTERS}",
                line=line,
            )
    shown = (" ".join(text.split()) for text in value.texts)
    return tuple(dict.fromkeys(text for text in shown if text))


def _severity(values: dict[str, Value]) -> Level | None:
    texts = _texts(values, "severity")
    if not texts:
        return None
    level = _LEVELS.get(texts[0].lower())
    if level is None or len(texts) > 1:
        raise Unusable(
            f"the severity {printable(texts[0], limit=40)!r}",
            "write warning or critical, or leave it out",
            line=values["severity"].line,
        )
    return level


def _actions(values: dict[str, Value]) -> tuple[ActionKind, ...]:
    known = {name: name for name in get_args(ActionKind)}
    value = values.get("actions")
    if value is None:
        return ()
    for text, line in zip(value.texts, value.lines, strict=False):
        if text not in known:
            raise Unusable(
                f"the action {printable(text, limit=40)!r} does not exist",
                f"a runbook may permit {', '.join(known)}; put commands into the steps",
                line=line,
            )
    return tuple(dict.fromkeys(known[text] for text in value.texts))


def _remarks(
    page: Page, values: dict[str, Value], *, has_front: bool, end: int
) -> list[tuple[int, str, str]]:
    found = [
        (
            value.line,
            f"an unknown key {printable(key, limit=40)!r}",
            f"use {', '.join(front.KEYS)}",
        )
        for key, value in values.items()
        if key not in front.KEYS
    ]
    if not has_front:
        found.append((1, "no front matter", "begin with ---, title: …, ---"))
    elif not _texts(values, "title"):
        found.append((1, "no title", "add `title: …` to the front matter"))
    if has_front and not page.conditions:
        mend = "add `conditions: [cpu]`, or it is found by its words only"
        found.append((1, "no conditions", mend))
    if not page.steps:
        mend = "add `## Steps` and `1. …`, `2. …` below it"
        found.append((end, "no numbered steps", mend))
    return found
