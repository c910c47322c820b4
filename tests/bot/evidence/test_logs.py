"""What the thread shows of logs: of whom, from where, folded and brief."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.evidence.logs import BEFORE, LogsEvidence
from bot.logs.lines import Lines, LogLine, NoLogs, Wanted
from bot.model import EvidenceItem, Fact, Incident
from tests.detectors.pieces import this_host
from tests.fakes import things
from tests.fakes.clock import START
from tests.fakes.services import service
from tests.fakes.things import finding, incident


@dataclass
class Kept:
    """A source that has these lines, or a reason to have none."""

    errors: Sequence[str] = ()
    last: Sequence[str] = ()
    why: str = ""
    name: str = "Journal"
    asked: list[Wanted] = field(default_factory=list)

    def around(self, wanted: Wanted) -> Lines:
        self.asked.append(wanted)
        if self.why:
            raise NoLogs(self.why)
        return Lines(errors=_lines(self.errors), last=_lines(self.last))


def _lines(texts: Sequence[str]) -> list[LogLine]:
    return [
        LogLine(at=START + timedelta(seconds=n), text=text)
        for n, text in enumerate(texts)
    ]


def gathered(
    about: Incident, journal: Kept, loki: Kept | None = None
) -> list[EvidenceItem]:
    host = replace(this_host(), logs=loki)
    return LogsEvidence(host, journal=journal).gather(about)


def elsewhere() -> Incident:
    facts = (Fact(label="Service", value="shop"),)
    found = finding(host="web-7", detector="prometheus", facts=facts)
    return incident(host="web-7", findings=(found,))


def here(**changes: object) -> Incident:
    return incident(host=this_host().name, service=service(), **changes)


def test_errors_are_folded_and_the_last_words_stand_below() -> None:
    errors = [f"bind to port {n} failed" for n in range(14)]
    (item,) = gathered(here(), Kept(errors=errors, last=[*errors[-2:], "bye"]))
    assert item.title == "Journal of nginx.service around the onset"
    assert item.text.splitlines() == [
        "03:00:13 (14 times) bind to port 13 failed",
        "Its last lines:",
        "03:00:02 bye",
    ]


def test_the_window_begins_before_the_onset() -> None:
    journal = Kept()
    (item,) = gathered(here(since=START, opened_at=START + BEFORE), journal)
    (wanted,) = journal.asked
    assert (wanted.since, wanted.until) == (START - BEFORE, START + BEFORE)
    assert item.text == "It wrote nothing."


def test_it_is_brief_whatever_is_written() -> None:
    errors = [f"{chr(97 + n) * 40}z " * 20 for n in range(26)]
    (item,) = gathered(here(), Kept(errors=errors, last=errors))
    assert len(item.text) <= 2000
    assert len(item.text.splitlines()) <= 12
    assert "19 older kinds" in item.text
    assert "zzzz" in item.text, "the newest are kept"


def test_another_hosts_service_is_asked_of_where_logs_are_kept() -> None:
    journal, loki = Kept(), Kept(errors=["error"], name="Logs")
    (item,) = gathered(elsewhere(), journal, loki)
    assert item.title == "Logs of shop around the onset"
    assert not journal.asked
    assert (loki.asked[0].host, loki.asked[0].service) == ("web-7", "shop")


def test_elsewhere_the_label_names_it_and_not_the_unit() -> None:
    loki = Kept(last=["busy"], name="Logs")
    gathered(replace(elsewhere(), service=service("shop.service")), Kept(), loki)
    assert loki.asked[0].service == "shop"


def test_without_such_a_place_nothing_is_shown_of_another_host() -> None:
    journal = Kept(errors=["error"])
    assert gathered(elsewhere(), journal) == []
    assert not journal.asked


def test_a_service_that_the_journal_does_not_know_is_asked_of_there_too() -> None:
    loki = Kept(last=["bye"], name="Logs")
    for journal in (Kept(why="no journal"), Kept()):
        (item,) = gathered(here(), journal, loki)
        assert item.title.startswith("Logs") and item.text.endswith("bye")


def test_a_source_without_an_answer_is_one_line() -> None:
    (item,) = gathered(elsewhere(), Kept(), Kept(why="Loki answers with status 500"))
    assert item.text == "Loki answers with status 500."


def test_what_is_about_no_service_asks_nobody() -> None:
    journal = Kept(errors=["error"])
    session = things.process(unit="user@1000.service")
    culprit = replace(things.culprit(), process=session)
    name = this_host().name
    assert gathered(incident(host=name), journal) == []
    assert gathered(incident(host=name, culprit=culprit), journal) == []
    assert gathered(here(fingerprint=f"{name}/storm/1"), journal) == []
    assert not journal.asked


def test_a_culprits_service_is_read() -> None:
    journal = Kept(last=["busy"])
    culprit = replace(things.culprit(), process=things.process(unit="shop.service"))
    gathered(incident(host=this_host().name, culprit=culprit), journal)
    assert journal.asked[0].service == "shop.service"
