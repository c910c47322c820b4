"""The shelf finds runbooks for incidents and words, and follows its folders."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.model import Culprit, Incident, Level
from bot.runbooks.index import EMBEDDED_PAGES, KeptVectors
from bot.runbooks.shelf import Shelf
from memory.embed import EmbedderUnavailable, MiniLm
from memory.rest import Rest
from tests.bot.runbooks.pages import page_text, write
from tests.fakes.patience import until
from tests.fakes.things import culprit, finding, incident, process

MINUTE = timedelta(minutes=1)


class Letters:
    """An embedder by the letters of a text; it counts and can fail."""

    name = "letters-1"
    dim = 26

    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.tries = 0
        self.broken = False

    def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self._check()
        self.embedded += texts
        return np.stack([self._row(text) for text in texts])

    def query(self, text: str) -> NDArray[np.float32]:
        self._check()
        return self._row(text)

    def _check(self) -> None:
        self.tries += 1
        if self.broken:
            raise EmbedderUnavailable("the files were altered")

    def _row(self, text: str) -> NDArray[np.float32]:
        row = np.array(
            [text.lower().count(chr(97 + i)) + 0.01 for i in range(26)], np.float32
        )
        return (row / np.linalg.norm(row)).astype(np.float32)


def titles(matches: Sequence[object]) -> list[str]:
    return [match.page.title for match in matches]  # type: ignore[attr-defined]


def about(*detectors: str, **changes: object) -> Incident:
    findings = tuple(finding(detector=detector) for detector in detectors)
    return incident(findings=findings, **changes)


def of_unit(unit: str) -> Culprit:
    return replace(culprit(), process=process(unit=unit))


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Shelf]:
    write(tmp_path, "cpu.md", page_text("Busy", "cpu"))
    shelf = Shelf([tmp_path], None)
    failed: list[str] = []
    shelf.start(failed.append)
    until(lambda: bool(shelf.pages()))
    yield shelf
    shelf.stop()
    assert failed == []


# --- picking -------------------------------------------------------------------------


def test_the_condition_decides_first(tmp_path: Path) -> None:
    write(tmp_path, "a.md", page_text("CPU CPU busy web-1", "memory"))
    write(tmp_path, "b.md", page_text("Cores", "cpu"))
    (match,) = Shelf([tmp_path], None).pick(about("cpu"))
    assert (match.page.title, match.why) == ("Cores", "it is for cpu")


def test_the_services_own_page_comes_before_the_general_one(tmp_path: Path) -> None:
    write(tmp_path, "a.md", page_text("General", "cpu"))
    write(tmp_path, "b.md", page_text("Nginx", "cpu", more="services: [nginx]\n"))
    write(tmp_path, "c.md", page_text("Redis", "cpu", more="services: [redis]\n"))
    found = Shelf([tmp_path], None).pick(
        about("cpu", culprit=of_unit("nginx.service")), limit=5
    )
    assert titles(found) == ["Nginx", "General"]
    assert found[0].why == "it is for cpu and for nginx"


def test_a_page_for_the_service_alone_comes_last(tmp_path: Path) -> None:
    more = "services: [nginx.service]\n"
    write(tmp_path, "a.md", page_text("Of nginx", more=more))
    write(tmp_path, "b.md", page_text("General", "cpu"))
    found = Shelf([tmp_path], None).pick(about("cpu", culprit=of_unit("nginx.service")))
    assert titles(found) == ["General", "Of nginx"]


def test_a_page_for_another_service_is_not_taken(tmp_path: Path) -> None:
    write(tmp_path, "c.md", page_text("Redis", "cpu", more="services: [redis]\n"))
    shelf = Shelf([tmp_path], None)
    from bot.runbooks.matching import exact

    assert exact(shelf.pages(), about("cpu")) == []


def test_the_leading_condition_comes_before_those_that_joined(tmp_path: Path) -> None:
    write(tmp_path, "a.md", page_text("Memory", "memory"))
    write(tmp_path, "b.md", page_text("Cores", "cpu"))
    shelf = Shelf([tmp_path], None)
    assert titles(shelf.pick(about("cpu", "memory"))) == ["Cores", "Memory"]
    assert titles(shelf.pick(about("memory", "cpu"))) == ["Memory", "Cores"]


def test_the_page_for_the_level_comes_first(tmp_path: Path) -> None:
    write(tmp_path, "a.md", page_text("W", "cpu", more="severity: warning\n"))
    write(tmp_path, "b.md", page_text("C", "cpu", more="severity: critical\n"))
    shelf = Shelf([tmp_path], None)
    assert titles(shelf.pick(about("cpu"))) == ["C", "W"]
    assert titles(shelf.pick(about("cpu", level=Level.WARNING))) == ["W", "C"]


def test_alert_names_may_be_written_in_any_style(tmp_path: Path) -> None:
    write(tmp_path, "a.md", page_text("Cores", '"Runaway Process"'))
    found = Shelf([tmp_path], None).pick(about("runaway_process"))
    assert titles(found) == ["Cores"]


def test_without_an_exact_page_the_words_decide(tmp_path: Path) -> None:
    write(tmp_path, "a.md", page_text("Certificates expire", "certificate"))
    write(tmp_path, "b.md", page_text("Cores are busy", "cores"))
    odd = finding(detector="custom", label="busy cores", summary="The cores are busy.")
    (first, *_) = Shelf([tmp_path], None).pick(incident(findings=(odd,)))
    assert first.page.title == "Cores are busy"
    assert first.why.startswith("its words are near (")


def test_limits_hold_and_an_empty_shelf_gives_nothing(tmp_path: Path) -> None:
    shelf = Shelf([tmp_path], None)
    assert shelf.pick(about("cpu")) == [] and shelf.find("cpu") == []
    for number in range(5):
        write(tmp_path, f"{number}.md", page_text(f"T{number}", "cpu"))
    shelf.reload()
    assert len(shelf.pick(about("cpu"))) == 2
    assert len(shelf.find("", limit=3)) == 3


# --- finding -------------------------------------------------------------------------


def test_a_named_runbook_comes_first(tmp_path: Path) -> None:
    write(tmp_path, "disk.md", page_text("Cores"))
    write(tmp_path, "x.md", page_text("The disk disk disk"))
    found = Shelf([tmp_path], None).find(" Disk ")
    assert titles(found) == ["Cores", "The disk disk disk"]
    assert found[0].why == "it is named so"


def test_words_of_any_kind_do_not_raise(tmp_path: Path) -> None:
    write(tmp_path, "disk.md", page_text("Disk"))
    shelf = Shelf([tmp_path], Letters())
    for words in ("", " ", "\0\ud800", "x" * 1_000_000, "!!!", "*" * 100):
        shelf.find(words)


def test_symptoms_find_a_page(tmp_path: Path) -> None:
    more = "symptoms: [no space left on device]\n"
    write(tmp_path, "a.md", page_text("Volume", "filesystem", more=more))
    write(tmp_path, "b.md", page_text("Cores", "cpu"))
    found = Shelf([tmp_path], None).find("there is no space left")
    assert titles(found)[0] == "Volume"


# --- the embedder --------------------------------------------------------------------


def test_a_changed_file_embeds_only_its_own_parts(tmp_path: Path) -> None:
    embedder = Letters()
    write(tmp_path, "a.md", page_text("One", "cpu"))
    write(tmp_path, "b.md", page_text("Two", "memory"))
    shelf = Shelf([tmp_path], embedder)
    shelf.find("words")
    before = len(embedder.embedded)
    write(tmp_path, "b.md", page_text("Twofold", "memory"))
    shelf.reload()
    shelf.find("words")
    fresh = embedder.embedded[before:]
    assert fresh and all("Twofold" in text for text in fresh)


@pytest.mark.parametrize("when", ["building", "asking"])
def test_without_its_embedder_the_shelf_goes_by_words(
    tmp_path: Path, when: str
) -> None:
    embedder = Letters()
    write(tmp_path, "a.md", page_text("Certificates", "x"))
    shelf = Shelf([tmp_path], embedder)
    embedder.broken = when == "building"
    shelf.find("certificates expire")
    embedder.broken = True
    assert titles(shelf.find("certificates expire")) == ["Certificates"]


class Hand:
    """A clock whose hand the test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_failed_index_is_made_again_after_a_pause(tmp_path: Path) -> None:
    embedder, hand = Letters(), Hand()
    embedder.broken = True
    write(tmp_path, "a.md", page_text("Certificates", "x"))
    shelf = Shelf([tmp_path], embedder, rest=Rest(MINUTE, 30 * MINUTE, hand))
    assert shelf.find("zebra") == []
    tries = embedder.tries
    hand.at = 59
    assert (shelf.find("zebra"), embedder.tries) == ([], tries)
    hand.at = 60
    assert (shelf.find("zebra"), embedder.tries) == ([], tries + 1)
    embedder.broken = False
    hand.at += 119
    assert shelf.find("zebra") == []
    hand.at += 1
    assert titles(shelf.find("zebra")) == ["Certificates"]


def test_a_failed_index_is_made_again_without_a_change_on_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    embedder, hand = Letters(), Hand()
    embedder.broken = True
    write(tmp_path, "a.md", page_text("Certificates", "x"))
    shelf = Shelf([tmp_path], embedder, rest=Rest(MINUTE, MINUTE, hand))

    def a_minute_later() -> bool:
        hand.at += 60  # a failure counts from when it is noted, a moment after the try
        return True

    shelf.start(print)
    try:
        shelf.find("zebra")
        until(lambda: embedder.tries == 1)
        until(lambda: a_minute_later() and embedder.tries == 2)
        embedder.broken = False
        until(
            lambda: a_minute_later() and titles(shelf.find("zebra")) == ["Certificates"]
        )
    finally:
        shelf.stop()
    assert [r.getMessage() for r in caplog.records] == [
        "runbooks.embedder_unavailable reason=the files were altered"
    ]


def test_kept_vectors_are_those_of_the_embedder() -> None:
    inner = Letters()
    kept = KeptVectors(inner, Rest(MINUTE, MINUTE))
    once = kept.documents(["a", "b", "a"])
    again = kept.documents(["b"])
    assert inner.embedded == ["a", "b"]
    assert np.array_equal(once[1], again[0])
    assert kept.documents([]).shape == (0, 26)
    assert (kept.name, kept.dim) == ("letters-1", 26)


def test_a_flood_of_pages_is_not_embedded(tmp_path: Path) -> None:
    embedder = Letters()
    for number in range(EMBEDDED_PAGES + 1):
        write(tmp_path, f"{number}.md", page_text(f"Page {number}"))
    assert Shelf([tmp_path], embedder).find("page 7")
    assert embedder.embedded == []


def test_meaning_finds_what_shares_no_word(tmp_path: Path) -> None:
    write(tmp_path, "heat.md", page_text("High temperature of a sensor", "temperature"))
    write(tmp_path, "time.md", page_text("The clock is wrong", "clock"))
    found = Shelf([tmp_path], MiniLm()).find("overheating hardware")
    assert titles(found)[0] == "High temperature of a sensor"


# --- following -----------------------------------------------------------------------


def test_a_change_on_disk_is_seen_without_a_restart(
    followed: Shelf, tmp_path: Path
) -> None:
    write(tmp_path, "cpu.md", page_text("Busier", "cpu"))
    until(lambda: titles(followed.pick(about("cpu"))) == ["Busier"])
    write(tmp_path, "new.md", page_text("Certificate", "x"))
    until(lambda: "Certificate" in titles(followed.find("the certificate")))
    (tmp_path / "cpu.md").unlink()
    until(lambda: "Busier" not in titles(followed.find("")))


def test_a_replaced_folder_is_found_again(followed: Shelf, tmp_path: Path) -> None:
    other = tmp_path.with_name("other")
    other.mkdir()
    write(other, "cpu.md", page_text("Anew", "cpu"))
    tmp_path.rename(tmp_path.with_name("old"))
    until(lambda: any("cannot be read" in p.what for p in followed.problems()))
    other.rename(tmp_path)
    until(lambda: titles(followed.pick(about("cpu"))) == ["Anew"])
    write(tmp_path, "cpu.md", page_text("Once more", "cpu"))
    until(lambda: titles(followed.pick(about("cpu"))) == ["Once more"])


def test_a_page_is_old_or_new_and_never_half(followed: Shelf, tmp_path: Path) -> None:
    texts = [page_text(f"T{n}", "cpu", more="") + f"mark {n}\n" * 3000 for n in (1, 2)]
    seen = set()
    path = tmp_path / "cpu.md"
    for number in range(60):
        text = texts[number % 2]
        half = len(text) // 2
        with path.open("w") as file:  # the way an editor without rename writes
            file.write(text[:half])
            file.flush()
            file.write(text[half:])
        seen.update(page.body.count("mark") for page in followed.pages())
    until(lambda: titles(followed.pick(about("cpu"))) == ["T2"])
    seen.update(page.body.count("mark") for page in followed.pages())
    assert seen <= {0, 3000}
    assert followed.problems() == ()


def test_a_bad_file_is_logged_once_and_stops_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    write(tmp_path, "bad.md", "---\ntitle: x\nactions: [shell]\n---\n1. a\n")
    write(tmp_path, "good.md", page_text("Good", "cpu"))
    shelf = Shelf([tmp_path], None)
    for _ in range(3):
        shelf.reload()
    assert titles(shelf.pick(about("cpu"))) == ["Good"]
    (record,) = caplog.records
    assert record.getMessage().startswith("runbook.skipped ")
    assert "bad.md:3: the action 'shell'" in record.getMessage()


def test_a_file_that_became_bad_is_taken_off_and_comes_back(tmp_path: Path) -> None:
    path = write(tmp_path, "x.md", page_text("Good", "cpu"))
    shelf = Shelf([tmp_path], None)
    assert shelf.pages()
    path.write_bytes(b"\0\0")
    shelf.reload()
    assert shelf.pages() == [] and len(shelf.problems()) == 1
    path.write_text(page_text("Well", "cpu"))
    shelf.reload()
    assert [page.title for page in shelf.pages()] == ["Well"]
    assert shelf.problems() == ()


def test_a_step_that_fails_is_told_and_tried_again(tmp_path: Path) -> None:
    class Broken(Letters):
        def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
            if not failed:
                raise MemoryError
            return super().documents(texts)

    failed: list[str] = []
    embedder = Broken()
    write(tmp_path, "x.md", page_text("Kept", "cpu"))
    shelf = Shelf([tmp_path], embedder)
    shelf.start(failed.append)
    shelf.find("anything")
    until(lambda: bool(embedder.embedded))
    shelf.stop()
    assert failed == ["runbooks"]
    assert titles(shelf.find("kept")) == ["Kept"]


def test_stopping_is_quick_and_keeps_what_was_read(tmp_path: Path) -> None:
    write(tmp_path, "x.md", page_text("Kept", "cpu"))
    shelf = Shelf([tmp_path], None)
    shelf.start(print)
    until(lambda: bool(shelf.pages()))
    shelf.stop()
    assert titles(shelf.pick(about("cpu"))) == ["Kept"]
