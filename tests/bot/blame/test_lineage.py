"""Who made them: shares over the tree of processes, whatever the tree looks like."""

from hypothesis import given
from hypothesis import strategies as st

from bot.blame.lineage import makers, parents
from bot.host.procfs import ProcessRow


def row(pid: int, ppid: int, comm: bytes = b"sh", start: int = 1) -> ProcessRow:
    return ProcessRow(pid, start, 0, 0, ppid, b"S", comm)


def tree(*rows: ProcessRow) -> dict[tuple[int, int], ProcessRow]:
    return {found.key: found for found in rows}


def test_the_lowest_that_holds_half_is_the_maker() -> None:
    rows = tree(row(10, 1), row(20, 10), *(row(n, 20) for n in range(30, 40)))
    counts = {key: 1 for key, found in rows.items() if found.ppid == 20}

    (suspect,) = makers(counts, rows)

    assert (suspect.row.pid, suspect.share) == (20, 1.0)


def test_the_first_process_is_never_named() -> None:
    rows = tree(row(1, 0), *(row(n, 1, start=n) for n in range(30, 60)))

    assert makers(dict.fromkeys(rows, 1), rows) == []
    assert parents(dict.fromkeys(rows, 1), rows) == []


def test_copies_of_a_program_are_followed_to_the_first_of_them() -> None:
    rows = tree(row(5, 1), *(row(n, n - 1 if n > 10 else 5) for n in range(10, 100)))
    copies = [key for key in rows if key[0] >= 10]

    (suspect,) = makers(dict.fromkeys(copies, 1), rows, copies)

    assert suspect.row.pid == 10


def test_of_nothing_nobody_has_a_share() -> None:
    rows = tree(row(10, 1), row(20, 10))

    assert makers(dict.fromkeys(rows, 0), rows) == []
    assert parents(dict.fromkeys(rows, 0), rows) == []


def test_a_chain_of_fifty_thousand_is_no_matter() -> None:
    rows = tree(*(row(n, n - 1) for n in range(10, 50_000)))

    (suspect,) = makers(dict.fromkeys(rows, 1), rows, rows.keys())

    assert suspect.row.pid == 10


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30)), max_size=60))
def test_no_tree_of_whatever_shape_makes_it_fail(pairs: list[tuple[int, int]]) -> None:
    rows = tree(*(row(pid, ppid) for pid, ppid in pairs))

    found = makers(dict.fromkeys(rows, 1), rows, rows.keys())

    assert len(found) <= 3
    assert all(0 < s.share <= 1 and s.row.pid > 2 for s in found)
