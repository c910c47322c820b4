"""Workers and who leads them: one culprit, unless they have nothing in common."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blame.families import ended_ticks, family
from bot.host.procfs import Key, ProcessRow


def row(
    pid: int, ppid: int, comm: bytes = b"worker", start: int | None = None
) -> ProcessRow:
    return ProcessRow(pid, pid if start is None else start, 0, 0, ppid, b"R", comm)


def rows(*found: ProcessRow) -> Mapping[Key, ProcessRow]:
    return {one.key: one for one in found}


def test_sixteen_workers_of_six_percent_are_one_culprit() -> None:
    tree = rows(row(40, 1, b"make"), *(row(50 + n, 40, b"cc1") for n in range(16)))
    used = {(50 + n, 50 + n): 6.0 for n in range(16)}

    found = family(used, tree, 100)

    assert found is not None
    assert (found.leader.pid, found.amount, len(found.pids)) == (40, 96, 16)


def test_the_lowest_leader_is_blamed_not_the_shell_above() -> None:
    tree = rows(
        row(30, 1, b"bash"),
        row(40, 30, b"make"),
        row(45, 40, b"sh"),
        *(row(50 + n, 45, b"cc1") for n in range(3)),
    )

    found = family({(50 + n, 50 + n): 20.0 for n in range(3)}, tree, 100)

    assert found is not None
    assert found.leader.pid == 45


def test_unrelated_programs_of_one_supervisor_are_no_family() -> None:
    tree = rows(
        row(40, 1, b"runsvdir"), *(row(50 + n, 40, b"job%d" % n) for n in range(4))
    )

    assert family({(50 + n, 50 + n): 24.0 for n in range(4)}, tree, 100) is None


@pytest.mark.parametrize(
    ("leader", "workers"),
    [
        (b"supervisord", b"java"),
        (b"PM2 v5.3.0: God", b"nginx"),
        (b"containerd-shim", b"postgres"),
        (b"tmux: server", b"cc1"),
        (b"bash", b"python3"),
    ],
)
def test_who_runs_whatever_it_is_told_to_leads_no_workers(
    leader: bytes, workers: bytes
) -> None:
    tree = rows(row(40, 1, leader), *(row(50 + n, 40, workers) for n in range(3)))

    assert family({(50 + n, 50 + n): 32.0 for n in range(3)}, tree, 100) is None


def test_workers_of_an_interpreter_count_below_one_of_its_name() -> None:
    tree = rows(
        row(40, 1, b"python3"), *(row(50 + n, 40, b"python3") for n in range(16))
    )

    found = family({(50 + n, 50 + n): 6.0 for n in range(16)}, tree, 100)

    assert found is not None
    assert found.leader.pid == 40


def test_less_than_half_is_nobodys_family() -> None:
    tree = rows(row(40, 1), *(row(50 + n, 40) for n in range(4)))

    assert family({(50 + n, 50 + n): 12.0 for n in range(4)}, tree, 100) is None


def test_a_parent_that_is_younger_is_another_process() -> None:
    tree = rows(row(40, 1, start=900), *(row(50 + n, 40) for n in range(4)))

    assert family({(50 + n, 50 + n): 24.0 for n in range(4)}, tree, 100) is None


def worked(pid: int, ppid: int, ticks: int, ended: int, nice: int = 0) -> ProcessRow:
    return row(pid, ppid)._replace(cpu_ticks=ticks, ended_ticks=ended, nice=nice)


def test_a_grandchild_that_ends_is_nothing_that_its_survivor_did() -> None:
    before = rows(worked(40, 1, 0, 0), worked(41, 40, 5, 0), worked(42, 41, 90_000, 0))
    now = rows(worked(40, 1, 0, 90_025))

    assert ended_ticks(before, now, 1000) == {(40, 40): 20}


def test_who_ended_did_no_more_than_what_the_living_left() -> None:
    before = rows(worked(40, 1, 0, 0), worked(50, 1, 0, 0))
    now = rows(worked(40, 1, 0, 300), worked(50, 1, 0, 100))

    assert ended_ticks(before, now, 40) == {(40, 40): 30, (50, 50): 10}
    assert not any(ended_ticks(before, now, -5).values())


def test_the_first_process_and_polite_ones_have_no_ended_children() -> None:
    before = rows(worked(1, 0, 0, 0), worked(40, 1, 0, 0, nice=10))
    now = rows(worked(1, 0, 0, 300), worked(40, 1, 0, 300, nice=10))

    assert ended_ticks(before, now, 1000) == {}


ROWS = st.lists(
    st.builds(
        row,
        pid=st.integers(3, 40),
        ppid=st.integers(0, 40),
        comm=st.sampled_from([b"a", b"b"]),
        start=st.integers(0, 3),
    ),
    max_size=40,
    unique_by=lambda one: one.pid,
)


@given(ROWS, st.lists(st.floats(0, 100), min_size=40, max_size=40))
def test_any_tree_ends_and_blames_nobody_for_less_than_half(
    found: list[ProcessRow], amounts: list[float]
) -> None:
    used = {one.key: amount for one, amount in zip(found, amounts, strict=False)}
    whole = sum(used.values())

    blamed = family(used, rows(*found), whole)

    assert blamed is None or whole / 2 <= blamed.amount <= whole
