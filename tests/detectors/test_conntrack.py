"""How full the table of tracked connections is, where there is one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.detectors.conntrack import Conntrack, ConntrackSection
from bot.model import Level
from bot.ports import NotTold
from tests.detectors.pieces import HandClock, PaperFacts, context, this_host


class Table:
    """A table whose two files are written by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "sys/net/netfilter"
        self.folder.mkdir(parents=True)
        self.clock = HandClock()
        host = context(folder, self.clock, PaperFacts(folder))
        self.detector = Conntrack(ConntrackSection(), host)

    def level(self, count: object, most: object = 1000) -> Level:
        self.clock.forward(15)
        (self.folder / "nf_conntrack_count").write_text(f"{count}\n")
        (self.folder / "nf_conntrack_max").write_text(f"{most}\n")
        (found,) = self.detector.check(())
        return found.level


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def test_a_full_table_is_critical_and_clears(table: Table) -> None:
    levels = [table.level(count) for count in (100, 850, 960, 900, 700)]

    assert levels == [
        Level.OK,
        Level.WARNING,
        Level.CRITICAL,
        Level.CRITICAL,
        Level.OK,
    ]


def test_where_nothing_is_tracked_nothing_is_said(table: Table) -> None:
    assert table.detector.check(()) == []
    assert [f.level for f in table.detector.check({""})] == [Level.UNKNOWN]


def test_a_table_without_an_end_is_not_told(table: Table) -> None:
    with pytest.raises(NotTold, match="without a limit"):
        table.level(5, 0)


@given(count=st.text(max_size=20), most=st.text(max_size=20))
def test_files_of_any_text_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, count: str, most: str
) -> None:
    table = Table(tmp_path_factory.mktemp("proc"))
    try:
        table.level(count, most)
    except (NotTold, ValueError):
        return


def test_the_table_of_this_host() -> None:
    for found in Conntrack(ConntrackSection(), this_host()).check(()):
        assert found.value is not None and 0 <= found.value <= 100
