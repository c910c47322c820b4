"""What lies in a folder is opened safely, or named and skipped."""

import os
from pathlib import Path

import pytest

from bot.runbooks import stock as stock_module
from bot.runbooks.folder import MAX_ENTRIES, entries, load, missing
from bot.runbooks.stock import Stock, look
from tests.bot.runbooks.pages import GOOD, page_text, write


def taken(*folders: Path) -> Stock:
    return look(folders, Stock(), first=True)


def what(stock: Stock) -> list[tuple[str, str]]:
    return [(Path(p.file).name, p.what) for p in stock.problems]


def test_readme_policy_and_editors_copies_are_no_runbooks(tmp_path: Path) -> None:
    for name in (
        "README.md", "policy.md", ".x.md", ".#x.md", "#x.md#", "x.md~", ".x.md.swp",
        "x.txt", "~x.md",
    ):  # fmt: skip
        write(tmp_path, name, b"\xff\xff")
    write(tmp_path, "x.md", GOOD)
    stock = taken(tmp_path)
    assert [page.name for page in stock.pages.values()] == ["x"]
    assert stock.problems == ()


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    secret = write(tmp_path, "shadow", GOOD)
    (folder / "x.md").symlink_to(secret)
    (folder / "y.md").symlink_to("/etc/passwd")
    (folder / "z.md").symlink_to("../shadow")
    stock = taken(folder)
    assert stock.pages == {}
    assert [name for name, _ in what(stock)] == ["x.md", "y.md", "z.md"]
    assert {why for _, why in what(stock)} == {"a link out of the folder"}


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    # As mounted configuration does it: ..data/x.md, and ..data is a link itself.
    inner = tmp_path / "..2026"
    inner.mkdir()
    write(inner, "x.md", GOOD)
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "x.md").symlink_to("..data/x.md")
    assert [page.name for page in taken(tmp_path).pages.values()] == ["x"]


def test_loops_pipes_folders_and_dead_links_are_named(tmp_path: Path) -> None:
    (tmp_path / "loop.md").symlink_to("loop.md")
    (tmp_path / "dead.md").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()
    write(tmp_path, "good.md", GOOD)
    stock = taken(tmp_path)
    assert [page.name for page in stock.pages.values()] == ["good"]
    assert dict(what(stock)) == {
        "loop.md": "it leads nowhere",
        "dead.md": "it leads nowhere",
        "pipe.md": "it is no regular file",
        "folder.md": "it is a folder",
    }


def test_a_link_to_a_device_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "zero.md").symlink_to("/dev/zero")
    assert what(taken(tmp_path)) == [("zero.md", "a link out of the folder")]


def test_a_sparse_giant_costs_nothing(tmp_path: Path) -> None:
    with (tmp_path / "big.md").open("wb") as file:
        file.truncate(1 << 40)
    assert what(taken(tmp_path)) == [("big.md", "the file is over 256 KB")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, "x.md", GOOD).chmod(0)
    assert "cannot be read" in what(taken(tmp_path))[0][1]


def test_a_file_that_vanishes_before_it_is_read_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "x.md", GOOD)
    (entry,) = entries(tmp_path)
    path.unlink()
    assert "cannot be read" in load(entry).problems[0].what


def test_a_pipe_that_takes_the_files_place_cannot_hold_us(tmp_path: Path) -> None:
    path = write(tmp_path, "x.md", GOOD)
    (entry,) = entries(tmp_path)
    path.unlink()
    os.mkfifo(path)
    assert load(entry).problems[0].what == "it is no regular file"


def test_a_link_that_takes_the_files_place_is_not_followed(tmp_path: Path) -> None:
    path = write(tmp_path, "x.md", GOOD)
    (entry,) = entries(tmp_path)
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert load(entry).page is None


def test_names_of_any_bytes_are_shown_printable(tmp_path: Path) -> None:
    for name in (b"\xff\xfe.md", "\u202egpj.md".encode(), b"a\nFAKE.md", b"<!channel>.md"):  # fmt: skip
        (tmp_path / os.fsdecode(name)).write_bytes(b"\0")
    stock = taken(tmp_path)
    assert len(stock.problems) == 4
    assert all(p.file.isascii() and p.file.isprintable() for p in stock.problems)


def test_a_missing_folder_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    write(tmp_path, "x.md", GOOD)
    stock = taken(tmp_path / "none", tmp_path)
    assert len(stock.pages) == 1
    assert "cannot be read" in stock.problems[0].what
    assert missing(tmp_path) is None


def test_a_file_is_read_when_it_was_found_the_same_twice(tmp_path: Path) -> None:
    path = write(tmp_path, "x.md", page_text("one", "cpu"))
    first = taken(tmp_path)
    path.write_text(page_text("two, longer", "cpu"))
    changed = look([tmp_path], first)
    settled = look([tmp_path], changed)
    titles = [[p.title for p in s.pages.values()] for s in (first, changed, settled)]
    assert titles == [["one"], ["one"], ["two, longer"]]
    assert changed.unsettled and not settled.unsettled


def test_what_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path, "x.md", GOOD)
    first = taken(tmp_path)
    second = look([tmp_path], first)
    (slot,), (kept,) = first.slots.values(), second.slots.values()
    assert slot is kept


def test_a_deleted_file_is_gone_from_the_shelf(tmp_path: Path) -> None:
    path = write(tmp_path, "x.md", GOOD)
    first = taken(tmp_path)
    path.unlink()
    assert look([tmp_path], first).pages == {}


def test_large_files_cannot_push_small_ones_off_the_shelf(tmp_path: Path) -> None:
    count = stock_module.MAX_TOTAL_BYTES // (250 * 1024) + 2
    for number in range(count):
        with (tmp_path / f"a{number}.md").open("wb") as file:
            file.truncate(250 * 1024)
    write(tmp_path, "z.md", GOOD)
    stock = taken(tmp_path)
    assert [page.name for page in stock.pages.values()] == ["z"]
    assert any("the shelf is full" in p.what for p in stock.problems)


def test_more_files_than_a_folder_may_hold_are_named(tmp_path: Path) -> None:
    for number in range(MAX_ENTRIES + 3):
        (tmp_path / f"{number:06}.md").symlink_to("nowhere")
    *_, last = entries(tmp_path)
    assert last.why_not is not None
    assert last.path.name == f"{MAX_ENTRIES:06}.md"
    assert last.why_not.what == "it and 2 after it are not looked at"
