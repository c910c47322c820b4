"""What is remembered is recalled: ranked, folded, countered, corrected, forgotten."""

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.storage.database import Database
from memory.case import Case, Outcome
from memory.embed import MiniLm
from memory.rank import is_alike
from memory.recollect import Memory
from memory.rest import Rest
from tests.fakes.letters import Letters
from tests.fakes.patience import until
from tests.memory.pieces import CERTIFICATE, DAY, DISK, case, symptoms


def three() -> list[Case]:
    return [case(1), case(2, **DISK), case(3, **CERTIFICATE)]


def test_what_resembles_comes_first(
    either_database: Database, minilm: MiniLm, tmp_path: Path
) -> None:
    memory = Memory(either_database, minilm, tmp_path / "index")
    memory.remember_all(three())
    asked = symptoms("drive is out of room", condition="", service="")
    assert memory.recall(asked)[0].case == three()[1]
    assert memory.health() == ""
    memory.close()


KINDS = {
    "runaway_process": ("", "CPU of python 98 % of one core. python3.11 runaway.py uses 98 % of it"),
    "cpu": ("", "CPU 99 % on web-1. python3.11 runaway.py (pid 99) uses 180 %"),
    "unit_failed": ("shop.service", "shop.service failed 1 s ago: it was ended by a signal"),
    "crash_loop": ("shop.service", "shop.service was started 4 times in 5 min: exit status 1"),
    "filesystem": ("", "Disk / 96 % on web-1. / is 96 % full, 1 GB are free"),
    "leaking_process": ("java.service", "Memory of java grows: 3 GB in 10 min; exhausted in 20"),
}  # fmt: skip
LIKE = ({"runaway_process", "cpu"}, {"unit_failed", "crash_loop"})


def test_another_trouble_is_not_told_though_it_is_the_nearest(
    database: Database, minilm: MiniLm
) -> None:
    memory = Memory(database, minilm, None)
    for number, (kind, (service, text)) in enumerate(KINDS.items(), start=1):
        told = {"condition": kind, "service": service, "symptoms": text}
        memory.remember(case(number, **told))
    for kind, (service, text) in KINDS.items():
        asked = symptoms(text, condition=kind, service=service)
        found = memory.recall(asked, len(KINDS))
        alike = {one.case.condition for one in found if is_alike(asked, one)}
        assert len(found) == len(KINDS)
        assert alike == next((pair for pair in LIKE if kind in pair), {kind})
    memory.close()


def test_by_words_alone_it_is_recalled_too(either_database: Database) -> None:
    memory = Memory(either_database, None, None)
    memory.remember_all(three())
    asked = symptoms("x509 error", condition="", service="")
    assert memory.recall(asked)[0].case.incident == 3


def test_an_empty_memory_recalls_nothing(database: Database, tmp_path: Path) -> None:
    memory = Memory(database, Letters(), tmp_path / "index")
    assert memory.recall(symptoms()) == []
    assert memory.health() == ""
    memory.close()


def test_repeats_are_told_once_and_counted(database: Database) -> None:
    memory = Memory(database, Letters(), None)
    memory.remember_all([case(n) for n in range(5)])
    memory.remember(case(5, outcome=Outcome.NO_EFFECT))
    memory.remember(case(6, outcome=Outcome.REJECTED))
    told = memory.recall(symptoms())
    assert (told[0].seen, told[0].tried, told[0].worked) == (7, 6, 5)
    assert [one.counter_example for one in told] == [False, True]


def test_a_counter_example_takes_the_last_place(database: Database) -> None:
    memory = Memory(database, Letters(), None)
    memory.remember_all([case(n, action_kind=f"kind{n}") for n in range(4)])
    memory.remember(case(9, outcome=Outcome.WORSE, symptoms="else", cause="other"))
    told = memory.recall(symptoms(), limit=2)
    assert [one.counter_example for one in told] == [False, True]
    assert told[-1].case.outcome is Outcome.WORSE


def test_the_same_service_is_preferred(database: Database) -> None:
    memory = Memory(database, Letters(), None)
    memory.remember_all([case(1, service="billing"), case(2, service="checkout")])
    asked = symptoms("All cores are busy", service="checkout")
    assert memory.recall(asked)[0].case.service == "checkout"


def test_a_track_record_counts_what_was_tried(database: Database) -> None:
    memory = Memory(database, None, None)
    for number, seconds in enumerate((10, 20, 60)):
        memory.remember(case(number, took=timedelta(seconds=seconds)))
    memory.remember(case(7, outcome=Outcome.WORSE))
    memory.remember(case(8, outcome=Outcome.REJECTED))
    memory.remember(case(9, action_kind="kill"))
    record = memory.track(symptoms(), "restart")
    assert (record.tried, record.worked) == (4, 3)
    assert record.median == timedelta(seconds=20)
    elsewhere = memory.track(symptoms(service="unknown"), "restart")
    assert elsewhere == record
    assert memory.track(symptoms(condition="disk"), "restart").tried == 0


def test_a_correction_replaces_and_is_found(database: Database, tmp_path: Path) -> None:
    memory = Memory(database, Letters(), tmp_path / "index")
    memory.remember_all(three())
    corrected = case(
        1,
        cause="A zebra in the works",
        confirmed=True,
        outcome=Outcome.NO_EFFECT,
    )
    memory.remember(corrected)
    told = memory.recall(symptoms("zebra in the works", condition="", service=""))
    assert told[0].case == corrected
    assert len(memory.cases()) == 3
    assert memory.health() == ""
    memory.close()


def test_what_is_forgotten_is_gone(database: Database, tmp_path: Path) -> None:
    memory = Memory(database, Letters(), tmp_path / "index")
    memory.remember_all(three())
    assert memory.forget("incident:1")
    assert not memory.forget("incident:1")
    assert memory.get("incident:1") is None
    assert {one.case.incident for one in memory.recall(symptoms())} == {2, 3}
    assert memory.health() == ""
    memory.close()


def test_compacting_keeps_the_counts(database: Database) -> None:
    memory = Memory(database, Letters(), None)
    memory.remember_all([case(n, host=f"web-{n}") for n in range(6)])
    memory.remember_all([case(n, outcome=Outcome.WORSE) for n in (6, 7)])
    memory.remember(case(20))
    before = memory.track(symptoms(), "restart")
    assert memory.compact(DAY + timedelta(days=10)) == 6
    assert memory.track(symptoms(), "restart") == before
    assert sorted(one.weight for one in memory.cases()) == [1, 2, 6]
    assert memory.recall(symptoms())[0].seen == 9
    assert memory.compact(DAY + timedelta(days=10)) == 0


def test_another_process_s_changes_are_noticed(database: Database) -> None:
    ours, theirs = (Memory(database, Letters(), None) for _ in range(2))
    ours.remember(case(1))
    assert len(ours.recall(symptoms())) == 1
    theirs.remember(case(2, **DISK))
    theirs.forget("incident:1")
    assert [one.case.incident for one in ours.recall(symptoms("space left"))] == [2]


def test_another_embedder_makes_all_vectors_anew(database: Database) -> None:
    Memory(database, Letters(), None).remember_all(three())
    other = Letters(name="others", dim=32)
    with closing(Memory(database, other, None)) as memory:
        assert memory.recall(symptoms("space left on"))
        until(lambda: memory.health() == "")
    assert other.asked >= 3 * 3
    again = Letters(name="others", dim=32)
    Memory(database, again, None).recall(symptoms())
    assert again.asked == 1


@pytest.mark.promise(29)
def test_a_broken_embedder_makes_it_search_by_words(database: Database) -> None:
    embedder = Letters(broken=True)
    memory = Memory(database, embedder, None)
    memory.remember_all(three())
    assert (
        memory.recall(symptoms("no space left", condition="", service=""))[
            0
        ].case.incident
        == 2
    )
    assert "by words alone" in memory.health()
    print("promise 29: no embedder: memory finds by words alone, and says so")
    embedder.broken = False
    memory.rebuild()
    assert memory.recall(symptoms())
    assert memory.health() == ""
    memory.close()


def test_an_embedder_that_just_failed_is_left_alone(database: Database) -> None:
    embedder = Letters()
    memory = Memory(database, embedder, None)
    memory.remember_all(three())
    embedder.broken = True
    assert memory.recall(symptoms("no space left"))
    embedder.broken = False
    asked = embedder.asked
    assert memory.recall(symptoms("no space left"))
    assert embedder.asked == asked


def test_vectors_of_an_embedder_that_is_gone_are_not_compared(
    database: Database,
) -> None:
    Memory(database, Letters(), None).remember_all(three())
    hour = timedelta(hours=1)
    other = Letters(name="others", broken=True)
    with closing(Memory(database, other, None, rest=Rest(hour, hour))) as memory:
        memory.open()
        until(lambda: "letters are gone" in memory.health())
        other.broken = False
        assert memory.recall(symptoms())
    assert other.asked == 0


@pytest.mark.parametrize(
    "poison", [b"\xff\x00bytes", "\ud800\udfff", "x" * 10_000_000, "a\x00b\x1b[31m", ""]
)
def test_a_poisoned_case_is_cleaned(
    either_database: Database, tmp_path: Path, poison: str
) -> None:
    memory = Memory(either_database, Letters(), tmp_path / "index")
    memory.remember(case(1, symptoms=poison, cause=poison, service=poison, key=poison))
    memory.remember(case(2))
    kept = memory.cases()
    assert len(kept) == 2
    assert all(len(one.symptoms) <= 4000 and "\x00" not in one.cause for one in kept)
    assert memory.recall(symptoms(poison))
    assert memory.health() == ""
    memory.close()


def test_the_export_is_a_line_of_json_per_case(database: Database) -> None:
    memory = Memory(database, None, None)
    memory.remember_all(three())
    lines = [json.loads(line) for line in memory.export()]
    assert [line["incident"] for line in lines] == [3, 2, 1]
    assert lines[2]["took_seconds"] == 40


def test_names_fit_a_database_index(either_database: Database) -> None:
    memory = Memory(either_database, None, None)
    noise = "".join(chr(0x4E00 + number) for number in range(5000))
    memory.remember(case(1, condition=noise, service=noise, action_kind=noise))
    assert len(memory.cases()[0].condition) == 120
