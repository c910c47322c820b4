"""One file becomes a page, or a problem with line and mend."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.policy import ActionKind
from bot.model import Level
from bot.runbooks import front
from bot.runbooks.page import MAX_BYTES, Page, Parsed, parse
from bot.runbooks.problem import Problem
from remediation.action import CleanFiles, LowerPriority, Pause, Terminate
from remediation.target.unit import Verb
from tests.bot.runbooks.pages import GOOD, page_text

PATH = Path("runbooks/runaway.md")


def read(text: str | bytes) -> Parsed:
    raw = text if isinstance(text, bytes) else text.encode()
    return parse(raw, path=PATH, shown="runaway.md")


def page(text: str | bytes) -> Page:
    parsed = read(text)
    assert parsed.page is not None, parsed.problems
    return parsed.page


def fatal(text: str | bytes) -> Problem:
    parsed = read(text)
    assert parsed.page is None
    (problem,) = parsed.problems
    assert problem.fatal
    return problem


def test_a_good_file_becomes_a_page_without_a_problem() -> None:
    parsed = read(GOOD)
    made = page(GOOD)
    assert parsed.problems == ()
    assert (made.name, made.title) == ("runaway", "A process runs away")
    assert made.conditions == ("runaway_process", "high_cpu")
    assert made.services == ()
    assert made.symptoms == ("one process spins",)
    assert made.aliases == ("runaway",)
    assert made.severity is Level.CRITICAL
    assert made.actions == ("terminate", "pause")


def test_steps_are_the_numbered_list_with_their_further_lines() -> None:
    assert page(GOOD).steps == ("Look at it:\n`ps -p PID`", "Approve *Terminate*.")


def test_a_hash_in_a_code_block_is_no_heading() -> None:
    assert [s.heading for s in page(GOOD).sections] == [
        "A process runs away", "Look first", "Steps", "Afterwards",
    ]  # fmt: skip


def test_a_step_keeps_its_code_block() -> None:
    made = page(
        "---\ntitle: x\n---\n## Steps\n1. Do\n\n   ```sh\n   1. x\n   ```\n2. End\n"
    )
    assert made.steps == ("Do\n\n```sh\n1. x\n```", "End")


def test_numbered_text_elsewhere_serves_when_there_is_no_steps_section() -> None:
    assert page("# Disk\n\n## Do\n\n1. look\n2. act\nend\n").steps == ("look", "act")


def test_plain_notes_without_front_matter_can_still_be_found() -> None:
    parsed = read("# Disk full\n\nCall Jane.\n")
    assert parsed.page is not None and parsed.page.title == "Disk full"
    assert [p.what for p in parsed.problems] == ["no front matter", "no numbered steps"]
    assert not any(problem.fatal for problem in parsed.problems)


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    raw = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
    assert read(raw).problems == ()
    assert page(raw) == page(GOOD)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (b"", 1, "empty"),
        (b" \n\n", 1, "empty"),
        (b"a\nb\0c", 2, "NUL"),
        (b"---\ntitle: x\n---\n\xff\xfe", 4, "UTF-8"),
        (b"x" * (MAX_BYTES + 1), 1, "256 KB"),
        (b"---\ntitle: x\n", 1, "never closed"),
        (b"---\n" + b"a: b\n" * 9000 + b"---\n", 1, "16 KB"),
        ("---\ntitle: " + "é" * 9000 + "\n---\n", 1, "16 KB"),
        (b"---\ntitle: [x\n---\n", 3, "not YAML"),
        (b"---\ntitle: a: b\n---\n", 2, "not YAML"),
        (b"---\n- a\n---\n", 2, "no keys"),
        (b"---\ntitle: x\ntitle: y\n---\n", 3, "line 2 already"),
        (b"---\ntitle: x\n[a]: y\n---\n", 3, "no word"),
        (b"---\ntitle: &a x\n---\n", 2, "anchor"),
        (b"---\ntitle: x\naliases: [*a]\n---\n", 3, "anchor or alias"),
        (b"---\ntitle: !!python/object/apply:os.system [id]\n---\n", 2, "tag"),
        (b"---\ntitle: !x y\n---\n", 2, "tag"),
        (b"---\ntitle: x\naliases: {a: b}\n---\n", 3, "keys of its own"),
        (b"---\ntitle: x\naliases:\n  - a\n  - [b]\n---\n", 5, "list in a list"),
        (b"---\ntitle: x\naliases: [[[[[[[a]]]]]]]\n---\n", 3, "nested"),
        (b"---\ntitle: x\naliases: [" + b"a," * 65 + b"]\n---\n", 3, "65 entries"),
        (b"---\ntitle: " + b"x" * 201 + b"\n---\n", 2, "201 characters"),
        (b"---\ntitle: x\nseverity: awful\n---\n", 3, "severity"),
        (b"---\ntitle: x\nactions: [shell]\n---\n", 3, "'shell' does not exist"),
        (b"---\ntitle: x\nactions:\n  - pause\n  - approve\n---\n", 5, "'approve'"),
        (b"---\ntitle: x\nactions: 'terminate; rm -rf /'\n---\n", 3, "rm -rf"),
    ],
)  # fmt: skip
def test_an_unusable_file_is_named_with_line_and_mend(
    text: bytes | str, line: int, what: str
) -> None:
    problem = fatal(text)
    assert (problem.line, what in problem.what) == (line, True), problem
    assert problem.mend


def test_deep_nesting_is_refused_quickly() -> None:
    assert "nested" in fatal("---\ntitle: " + "[" * 15_000 + "\n---\n").what


def test_a_second_document_in_the_front_matter_is_refused() -> None:
    with pytest.raises(front.Unusable):
        front.read("a: b\n--- \nc: d\n")


def test_an_unknown_key_is_named_and_the_page_used() -> None:
    parsed = read(page_text("x", "cpu", more="severty: critical\n"))
    assert parsed.page is not None
    assert [(p.line, p.what) for p in parsed.problems] == [
        (4, "an unknown key 'severty'")
    ]


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\x1b", "\u2066", "\x7f"])
def test_invisible_characters_are_left_out_and_named(character: str) -> None:
    parsed = read(page_text("x", "cpu") + f"\nrm {character}safe\n")
    assert parsed.page is not None
    assert character not in parsed.page.body and "rm safe" in parsed.page.body
    (problem,) = parsed.problems
    assert (problem.line, problem.fatal) == (9, False)
    assert f"U+{ord(character):04X}" in problem.what


SECRET = "Zx9Kq3vT7mB1pL5wR8nD2sF6"
WITH_SECRETS = f"""\
---
title: 'Password: Summer2026!'
conditions: [runaway_process]
symptoms:
  - one spins
  - token={SECRET} in the log
---
## Steps

1. Log in: mysql -u root --password={SECRET} -h db
2. PGPASSWORD={SECRET} psql
3. Look.
"""


def test_no_secret_of_a_file_is_in_its_page() -> None:
    made = page(WITH_SECRETS)
    assert SECRET not in str(made) and "Summer" not in str(made)
    assert made.title == "Password: [redacted]"
    assert made.steps == (
        "Log in: mysql -u root --password=[redacted] -h db",
        "PGPASSWORD=[redacted] psql",
        "Look.",
    )
    assert made.conditions == ("runaway_process",)


def test_each_secret_is_named_with_its_line_and_not_said() -> None:
    parsed = read(WITH_SECRETS)
    assert [p.line for p in parsed.problems] == [2, 6, 10, 11]
    assert all("looks like a secret" in p.what for p in parsed.problems)
    assert not any(p.fatal for p in parsed.problems)
    assert SECRET not in str(parsed.problems) and "Summer" not in str(parsed.problems)


def test_other_languages_and_emoji_stay() -> None:
    parsed = read(page_text("Überlast 過負荷 🔥", "cpu"))
    assert parsed.problems == ()
    assert parsed.page is not None and parsed.page.title == "Überlast 過負荷 🔥"


def test_no_conditions_and_no_title_are_remarks() -> None:
    parsed = read("---\naliases: [x]\n---\n1. a\n")
    assert {p.what for p in parsed.problems} == {"no title", "no conditions"}


def test_empty_values_count_as_left_out() -> None:
    parsed = read(page_text("x", "cpu", more="services:\nactions: ~\nseverity: null\n"))
    assert parsed.problems == ()
    made = page(page_text("x", "cpu", more="services:\n"))
    assert made.services == () and made.severity is None


def test_only_kinds_of_the_closed_set_of_actions_can_be_permitted() -> None:
    kinds = {action.__dataclass_fields__["kind"].default for action in (Terminate, LowerPriority, Pause, CleanFiles)}  # fmt: skip
    assert set(get_args(ActionKind)) == kinds | set(Verb)


def test_a_problem_reads_like_a_compiler_message() -> None:
    text = str(fatal("---\ntitle: x\nactions: [shell]\n---\n"))
    assert text.startswith("runaway.md:3: the action 'shell' does not exist; ")


@given(st.binary(max_size=400))
def test_no_bytes_raise(raw: bytes) -> None:
    assert read(raw).page or read(raw).problems
    inside = read(b"---\n" + raw + b"\n---\n" + raw)
    assert inside.page or inside.problems


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    raw = text.encode(errors="ignore")
    parsed = read(b"---\ntitle: " + raw + b"\n---\n1. " + raw)
    assert parsed.page or parsed.problems
