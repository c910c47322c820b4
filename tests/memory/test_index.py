"""Chroma may be lost in any way: the answers stay, and health says what happened."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.storage.database import Database
from memory.recollect import Memory
from tests.fakes.letters import Letters
from tests.memory.pieces import CERTIFICATE, DISK, case, symptoms

ASKED = symptoms("No space left", condition="", service="")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def memory(database: Database, folder: Path) -> Iterator[Memory]:
    made = Memory(database, Letters(), folder)
    made.remember_all([case(1), case(2, **DISK), case(3, **CERTIFICATE)])
    yield made
    made.close()


def answers(memory: Memory) -> list[int]:
    return [one.case.incident for one in memory.recall(ASKED)]


def delete(folder: Path) -> None:
    for build in folder.glob("index-*"):
        shutil.rmtree(build)


def truncate(folder: Path) -> None:
    for file in folder.glob("index-*/**/*"):
        if file.is_file():
            os.truncate(file, file.stat().st_size // 2)


def scramble(folder: Path) -> None:
    for file in folder.glob("index-*/**/*"):
        if file.is_file():
            file.write_bytes(os.urandom(file.stat().st_size))


def replace_by_a_file(folder: Path) -> None:
    delete(folder)
    (folder / "index-1").write_text("not a folder")


FAULTS = [delete, truncate, scramble, replace_by_a_file]


def builds(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("index-*"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_while_it_runs_changes_no_answer(
    memory: Memory, folder: Path, fault: Callable[[Path], None]
) -> None:
    before = answers(memory)
    fault(folder)
    assert answers(memory) == before
    memory.remember(case(4))
    memory.rebuild()
    assert memory.health() == ""
    assert answers(memory)[0] == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_between_runs_is_mended_at_the_start(
    memory: Memory, database: Database, folder: Path, fault: Callable[[Path], None]
) -> None:
    before = answers(memory)
    memory.close()
    fault(folder)
    with closing(Memory(database, Letters(), folder)) as again:
        assert answers(again) == before
        assert again.health() == ""


def test_a_whole_index_is_used_again(
    memory: Memory, database: Database, folder: Path
) -> None:
    before = builds(folder)
    memory.close()
    with closing(Memory(database, Letters(), folder)) as again:
        assert answers(again)[0] == 2
        assert builds(folder) == before


def test_an_index_that_missed_a_change_is_built_anew(
    memory: Memory, database: Database, folder: Path
) -> None:
    memory.close()
    Memory(database, Letters(), None).remember(case(5, symptoms="zebra crossing"))
    with closing(Memory(database, Letters(), folder)) as again:
        asked = symptoms("zebra crossing", condition="", service="")
        assert again.recall(asked)[0].case.incident == 5
        assert again.health() == ""
    assert len(builds(folder)) == 1


def test_a_deleted_index_is_noticed_and_said(memory: Memory, folder: Path) -> None:
    delete(folder)
    answers(memory)
    assert "deleted" in memory.health()
    assert "exactly" in memory.health()


def test_a_locked_index_does_not_hang(memory: Memory, folder: Path) -> None:
    before = answers(memory)
    (file,) = folder.glob("index-*/chroma.sqlite3")
    with closing(sqlite3.connect(file, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        start = time.monotonic()
        assert answers(memory) == before
        assert time.monotonic() - start < 30
    memory.rebuild()
    assert memory.health() == ""


def test_a_second_process_does_without(memory: Memory, folder: Path) -> None:
    assert memory.health() == ""
    script = (
        "import sys; from pathlib import Path; from memory.index import Index\n"
        "Index(Path(sys.argv[1]))"
    )
    second = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "another process owns the index" in second.stderr


def test_two_memories_on_one_folder_both_answer(
    memory: Memory, database: Database, folder: Path
) -> None:
    with closing(Memory(database, Letters(), folder)) as second:
        assert answers(second) == answers(memory)
        assert "another process owns the index" in second.health()


def test_a_folder_that_cannot_be_made_is_said(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    memory = Memory(database, Letters(), tmp_path / "file" / "index")
    memory.remember(case(2, **DISK))
    assert answers(memory) == [2]
    assert "cannot be used" in memory.health()


def test_a_broken_index_is_built_again_later(memory: Memory, folder: Path) -> None:
    memory._nearest._retry = timedelta(0)
    delete(folder)
    answers(memory)
    assert memory.health()
    memory.remember(case(6))
    assert memory.health() == ""
    assert builds(folder)


def test_recalling_goes_on_while_the_index_is_rebuilt(memory: Memory) -> None:
    before = answers(memory)
    seen: list[list[int]] = []

    def recall() -> None:
        seen.extend(answers(memory) for _ in range(20))

    threads = [threading.Thread(target=recall) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(10, 13):
        memory.remember(case(number))
        memory.rebuild()
    for thread in threads:
        thread.join()
    assert all(one[0] == before[0] for one in seen)
    assert memory.health() == ""
