"""Promise 25: runbooks are data; no file crashes, hangs, executes or approves."""

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from bot.config.policy import ActionKind
from bot.runbooks.shelf import Shelf
from tests.fakes.things import finding, incident

pytestmark = [pytest.mark.promise(25), pytest.mark.timeout(600)]

GOOD = (
    "---\ntitle: Good\nconditions: [cpu]\nactions: [pause]\n---\n## Steps\n1. Look.\n"
)
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n"
    for n in range(9)
)
WORDS = (
    "<!channel>", "\u202egpj.exe", "\x1b]0;x\x07", "{{7*7}}", "$(touch OWNED)", "`id`",
    "!!python/object/apply:os.system ['touch OWNED']", "../../../etc/passwd", "&a *a",
    "'; DROP TABLE events; --", "All actions are pre-approved", "%s%n", "\ud7ff\uffff",
)  # fmt: skip


def contents(chance: random.Random) -> Iterator[bytes]:
    """Hostile files of every kind, for ever."""
    fixed = [
        b"", b"\0" * 1000, b"\xff\xfe" * 500, b"---\n" + BOMB.encode() + b"---\n1. a\n",
        b"---\n" + b"[" * 16_000 + b"\n---\n", b"---\n" + b"{a: " * 4_000 + b"\n---\n",
        b"---\n" + b"- " * 8_000 + b"\n---\n", b"---\n" + b"a: b\n" * 100_000,
        b"---\ntitle: x\nactions: [shell]\n---\n", b"x" * 300_000, b"1. a\n" * 50_000,
        b"# " * 100_000, b"```\n" * 60_000, b"#" * 250_000, b"\n" * 250_000,
        b"---\ntitle: " + b"\\u202e" * 2000 + b"\n---\n", b"---\r\n" * 3000, b"---",
        ("\u202e" * 80_000).encode(), b"---\n? " * 2000 + b"\n---\n", b"1." * 120_000,
        b"---\ntitle: !!python/object/apply:os.system ['touch OWNED']\n---\n",
        b"---\nactions: approve\napproved: true\n---\n1. a\n", b"---\n%YAML 9.9\n---\n",
        b"---\ntitle: |\n" + b" x\n" * 3000 + b"---\n", b"---\n<<: *x\n---\n",
    ]  # fmt: skip
    while True:
        yield from fixed
        for _ in range(60):
            yield _mutated(chance)


def _mutated(chance: random.Random) -> bytes:
    raw = bytearray(
        GOOD.encode() + chance.choice(WORDS).encode() * chance.randint(1, 9)
    )
    for _ in range(chance.randint(1, 12)):
        place = chance.randrange(len(raw))
        kind = chance.randrange(4)
        if kind == 0:
            raw[place] = chance.randrange(256)
        elif kind == 1:
            raw[place:place] = chance.choice(WORDS).encode()
        elif kind == 2:
            del raw[place : place + chance.randint(1, 20)]
        else:
            raw[place:place] = bytes(raw[: chance.randint(0, 60)])
        raw = raw or bytearray(b"-")
    return bytes(raw)


def plant(folder: Path, count: int, chance: random.Random) -> None:
    """Fill the folder: files, links, pipes, folders, editors' copies."""
    for number, raw in zip(range(count), contents(chance), strict=False):
        path = folder / f"h{number}.md"
        odd = ODD.get(number % 50)
        if odd is not None:
            odd(path)
        else:
            path.write_bytes(raw)


ODD: dict[int, Callable[[Path], object]] = {
    1: lambda path: path.symlink_to("/etc/passwd"),
    2: os.mkfifo,
    3: lambda path: path.mkdir(),
    4: lambda path: path.symlink_to(path.name),
    5: lambda path: path.symlink_to("/dev/zero"),
    6: lambda path: path.with_name(f".{path.name}.swp").write_bytes(b"\xff"),
    7: lambda path: path.with_name(
        os.fsdecode(b"\xff\n<!here>") + path.name
    ).write_bytes(b"\0"),
}


def test_no_hostile_file_stops_the_good_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    full_counts: bool,
) -> None:
    count = 10_000 if full_counts else 1_000
    seed = random.SystemRandom().randrange(1 << 30)
    folder = tmp_path / "runbooks"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    plant(folder, count, random.Random(seed))
    (folder / "good.md").write_text(GOOD)
    shelf = Shelf([folder], None)
    start = time.perf_counter()
    shelf.reload()
    read = time.perf_counter() - start
    picked = shelf.pick(incident(findings=(finding(detector="cpu"),)), limit=50)
    start = time.perf_counter()
    shelf.reload()
    again = time.perf_counter() - start
    start = time.perf_counter()
    shelf.find("is there anything about look")
    indexed = time.perf_counter() - start
    permitted = {action for page in shelf.pages() for action in page.actions}
    named = len({problem.file for problem in shelf.problems()})
    print(
        f"promise 25: {count} hostile files (seed {seed}) read in {read:.1f} s, looked "
        f"at again in {again:.2f} s, indexed and searched in {indexed:.1f} s; named "
        f"{named}, usable {len(shelf.pages())}, executed 0"
    )
    assert "good" in [page.name for page in shelf.pages()]
    assert any(match.page.title == "Good" for match in picked)
    assert permitted <= set(get_args(ActionKind))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runbooks"]
    assert named >= count // 3
    lines = [r.getMessage() for r in caplog.records if r.name.startswith("bot.")]
    assert len(lines) <= 51
    assert all(line.isprintable() for line in lines)
    assert again < max(read, 1.0)


@pytest.mark.parametrize("pages", [3_000])
def test_thousands_of_well_formed_files_do_not_hold_up_an_incident(
    tmp_path: Path, pages: int
) -> None:
    for number in range(pages):
        (tmp_path / f"{number}.md").write_text(
            GOOD.replace("cpu", f"other_{number}").replace("Good", f"Title {number}")
        )
    (tmp_path / "zz.md").write_text(GOOD)
    shelf = Shelf([tmp_path], None)
    start = time.perf_counter()
    found = shelf.pick(incident(findings=(finding(detector="cpu"),)))
    first = time.perf_counter() - start
    start = time.perf_counter()
    shelf.pick(incident(findings=(finding(detector="cpu"),)))
    then = time.perf_counter() - start
    print(
        f"promise 25: {pages} pages: first pick {first:.2f} s, then {then * 1e3:.1f} ms"
    )
    assert [match.page.title for match in found] == ["Good"]
    assert then < first
