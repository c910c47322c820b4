"""Questions that need no model: each gets its own kind of answer, with what it rests on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.charts.plots import Plots
from bot.config.prometheus import PrometheusServer
from bot.config.settings import Settings
from bot.converse.asked import Asked
from bot.converse.intents import INTENTS, OTHERWISE, Intent, by_rules
from bot.converse.question import Chart, Question, Said
from bot.lore import Diagnosis, Hypothesis, Knowledge, PastCase
from bot.model import Level, NoAction
from bot.prometheus.server import Server
from bot.storage import store
from tests.bot.converse.conftest import Room
from tests.fakes.story import ALICE


def kind(room: Room, text: str) -> str:
    asked = Asked.of(Question(text=text, person=ALICE), room.sources)
    return by_rules(asked)[0].name


def measured(room: Room) -> None:
    clock, history = room.story.clock, room.story.history
    for name in ("cpu", "memory", "filesystem//var"):
        history.append(name, clock.wall, 40.0, "%")


@pytest.mark.parametrize("intent", INTENTS, ids=lambda intent: intent.name)
def test_every_example_is_answered_by_its_own_intent(
    room: Room, intent: Intent
) -> None:
    measured(room)
    room.story.opens()
    assert kind(room, intent.example) == intent.name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("How are things?", "status"),
        ("is everything ok", "status"),
        ("status of web-1 please", "status"),
        ("what is using the CPU?", "top"),
        ("show me the top processes by memory", "top"),
        ("anything open?", "open"),
        ("what happened yesterday", "happened"),
        ("a report of last night", "happened"),
        ("report for the last 30 days please", "report"),
        ("what is our MTTR", "report"),
        ("report of incident 1", "incident"),
        ("incidents of the last 7 days", "happened"),
        ("did I miss anything?", "happened"),
        ("what is incident 1 about?", "incident"),
        ("what is 1 about", "incident"),
        ("and 1?", "incident"),
        ("why is it slow", "incident"),
        ("what's wrong here?", "incident"),
        ("what did we do last time?", "last time"),
        ("have we seen this before?", "last time"),
        ("what does the runbook say?", "runbook"),
        ("what is the cooldown", "policy"),
        ("how many approvals are needed?", "policy"),
        ("show memory of web-1 for 6 h", "figure"),
        ("how much cpu is used", "figure"),
        ("who are you", "oneself"),
        ("what colour is the sky", OTHERWISE.name),
    ],
)
def test_questions_find_their_kind(room: Room, text: str, name: str) -> None:
    measured(room)
    room.story.opens()
    assert kind(room, text) == name


def test_what_it_cannot_answer_says_what_it_can(room: Room) -> None:
    said = room.ask("what colour is the sky?").text
    assert said.startswith("I cannot answer that.")
    assert all(intent.example in said for intent in INTENTS)


@pytest.mark.parametrize(
    "text", ["", " ", "?", "\u202e\u200b", "A" * 100_000, "(" * 9000]
)
def test_odd_words_get_the_same_help(room: Room, text: str) -> None:
    assert "You can ask me" in room.ask(text).text


def test_status_tells_figures_and_what_waits(room: Room) -> None:
    assert room.ask("how are things?").text == "Nothing was measured yet."
    room.story.opens()
    answer = room.ask("how are things?")
    assert "1 incident is open." in answer.text
    assert "web-1: critical; CPU 98 %" in answer.text
    assert "Waiting for a decision: 1a: Terminate python3.11 burn.py" in answer.text
    assert answer.card == 1


def test_status_tells_a_lock_and_mutes(room: Room) -> None:
    room.story.own.lock("it is odd", ALICE)
    room.story.silence.mute("web-1", ALICE, timedelta(hours=1))
    said = room.ask("how are things?").text
    assert "I am locked: it is odd" in said and "web-1 is muted until" in said


def test_top_processes_are_read_now(room: Room) -> None:
    by_cpu, by_memory = room.ask("top"), room.ask("top by memory")
    assert by_cpu.table is not None and by_cpu.table.rows[0][0] == "4242"
    assert by_memory.table is not None and by_memory.table.rows[0][0] == "500"


# --- one incident --------------------------------------------------------------------


def test_why_is_answered_with_evidence_and_figures(room: Room) -> None:
    room.story.opens()
    answer = room.ask("why is it slow?", incident=1)
    assert answer.evidence == ("E1", "E2")
    assert "CPU 98 % (limit 95 %)" in answer.text
    assert "What I think (fake, 50% sure): from E1, E2" in answer.text
    assert (
        "python3.11 burn.py (pid 4242, user deploy) explains 90% of it." in answer.text
    )
    assert (answer.card, answer.about) == (1, 1)


def test_it_means_what_the_thread_spoke_of(room: Room) -> None:
    room.story.opens()
    room.story.sees(
        room.story.found(), room.story.found(detector="memory", culprits=())
    )
    first = room.ask("what is 1 about?")
    said = (Said(asked="what is 1 about?", answered=first.text, about=first.about),)
    assert room.ask("why?", thread=said).about == 1


def test_several_open_ones_are_asked_back(room: Room) -> None:
    room.story.opens()
    room.story.sees(
        room.story.found(detector="filesystem", subject="/", label="/", culprits=())
    )
    assert room.ask("why is it slow?").text.startswith("Which one? Open are 1 (CPU")


def test_an_unknown_number_is_said(room: Room) -> None:
    assert room.ask("what is incident 99 about?").text == "There is no incident 99."
    assert room.ask("what fixed 1 last time? incident 99").text.startswith(
        "There is no"
    )


def test_status_tells_that_the_host_is_not_watched(room: Room) -> None:
    room.story.status.unseen = "this container sees its own processes only"
    said = room.ask("how are things?").text
    assert "This host is not watched: this container sees its own processes" in said


def test_nothing_open_explains_the_status(room: Room) -> None:
    assert room.ask("why is it slow?").text == "Nothing was measured yet."


def test_a_closed_incident_tells_its_outcome(room: Room) -> None:
    room.story.opens()
    room.closes()
    said = room.ask("what is 1 about?").text
    assert "After the action: recovered, CPU 98 % → 5" in said
    assert "It ended: recovered" in said


def test_causes_come_with_what_speaks_against_them(room: Room) -> None:
    room.story.opens()
    cause = Hypothesis(cause="A loop.", evidence=("E2",), against=("E1",))
    opinion = Diagnosis(
        summary="It spins.", hypotheses=(cause,), confidence=0.7, author="fake"
    )
    case = PastCase(
        incident=0,
        closed_at=room.story.clock.wall,
        symptoms="slow",
        cause="the batch",
        action="terminate burn.py",
        outcome="it helped",
        seen=3,
        tried=3,
        worked=2,
    )
    known = Knowledge(past=(case,), track="terminate worked 2 of 3 times")
    change(room, diagnosis=opinion, knowledge=known)
    answer = room.ask("why?", incident=1)
    assert answer.evidence == ("E2",)
    assert "A loop. For it: E2, against it E1." in answer.text
    assert (
        "seen 3 times: terminate burn.py, it helped, worked 2 of 3 times" in answer.text
    )
    assert "terminate worked 2 of 3 times" in room.ask("seen before?", incident=1).text


def test_what_is_not_known_of_an_incident_is_said(room: Room) -> None:
    room.story.opens(culprits=(), facts=())
    none = NoAction(rule="respawner", reason="systemd would start it again")
    change(room, diagnosis=None, no_action=none)
    said = room.ask("why?", incident=1).text
    assert "There is no opinion about the cause yet." in said
    assert "No action is offered: systemd would start it again." in said


def test_processes_that_cannot_be_read_are_said(room: Room) -> None:
    room.sources = replace(room.sources, processes=lambda: ())
    assert "cannot be read here" in room.ask("top").text


def test_a_quiet_host_is_said(room: Room) -> None:
    room.story.sees(room.story.well())
    assert room.ask("how are things?").text.startswith(
        "No incident is open.\nweb-1: ok"
    )


def change(room: Room, **fields: object) -> None:
    with room.story.database.write() as tx:
        store.bump(tx, 1, **fields)


# --- the past ------------------------------------------------------------------------


def test_last_time_names_the_case_and_its_outcome(room: Room) -> None:
    room.story.opens()
    room.closes()
    room.story.opens()
    answer = room.ask("what fixed it last time?", incident=2)
    assert "M1: similar incident 1" in answer.text
    assert "terminate python3.11 burn.py, it helped" in answer.text
    assert answer.evidence == ("M1",)


def test_last_time_without_a_thread_searches_by_words(room: Room) -> None:
    room.story.opens()
    room.closes()
    assert "incident 1" in room.ask("what did we do last time the cpu was busy?").text
    assert "incident 1" in room.ask("what did we do last time?").text


def test_an_empty_memory_is_said(room: Room) -> None:
    room.story.opens()
    assert "Nothing similar is remembered" in room.ask("seen it before?").text


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("what happened last night?", True),
        ("what happened today?", True),
        ("what happened yesterday?", False),
        ("what happened in the last 30 min?", False),
        ("what happened in the last 7 d?", True),
        ("what happened?", True),
    ],
)
def test_a_period_holds_what_was_opened_in_it(
    room: Room, text: str, *, there: bool
) -> None:
    room.story.clock.wall = room.story.clock.wall.replace(hour=2)
    room.story.opens()
    room.story.clock.go(3600)
    answer = room.ask(text)
    assert ("CPU 98 % on web-1" in answer.text) is there
    assert (answer.evidence == ("incident 1",)) is there


def test_what_happened_in_a_thread_is_its_incident(room: Room) -> None:
    room.story.opens()
    assert room.ask("what happened?", incident=1).text.startswith("Incident 1: ")


# --- figures -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "series", "hours"),
    [
        ("show memory of web-1 for 6 h", "memory", 6),
        ("show me the RAM", "memory", 1),
        ("chart cpu 30m", "cpu", 0.5),
        ("how full is the disk", "filesystem//var", 1),
        ("graph cpu of the last 9 days", "cpu", 6),
    ],
)
def test_a_figure_comes_with_its_chart(
    room: Room, text: str, series: str, hours: float
) -> None:
    measured(room)
    assert room.ask(text).chart == Chart(series=series, span=timedelta(hours=hours))


def test_a_figure_says_its_value_and_limits(room: Room) -> None:
    measured(room)
    room.story.sees(room.story.found(value=50.0, level=Level.OK, culprits=()))
    said = room.ask("how much cpu usage?").text
    assert said.startswith("CPU is 50 % now (warning 85 %, critical 95 %).")


def test_another_hosts_figure_is_not_made_up(room: Room) -> None:
    measured(room)
    answer = room.ask("show memory of db-7 for 6 h")
    assert answer.text == "I measure web-1 only, not db-7."
    assert answer.chart is None


@pytest.mark.parametrize(
    ("text", "figure", "hours"),
    [
        ("chart of cpu of web-7 over 6h", "cpu", 6),
        ("show memory of web-7", "memory", 1),
        ("graph the RAM of web-7 for 2 d", "memory", 48),
        ("how full is the disk on web-7?", "disk", 1),
        ("plot traffic of web-7", "network", 1),
    ],
)
def test_another_hosts_figure_is_drawn_by_prometheus(
    room: Room, text: str, figure: str, hours: float
) -> None:
    measured(room)
    section = PrometheusServer(url="http://127.0.0.1:9")
    asked = Plots(
        host="web-1",
        clock=room.story.clock,
        pictures=room.story.pictures,
        servers={"main": Server(name="main", section=section)},
    )
    room.sources = replace(room.sources, plots=asked)
    answer = room.ask(text)
    span = timedelta(hours=hours)
    assert answer.chart == Chart(series=figure, span=span, host="web-7")
    assert answer.text.endswith("by Prometheus.")


def test_an_unknown_figure_lists_those_that_are_there(room: Room) -> None:
    measured(room)
    assert "cpu, filesystem//var, memory" in room.ask("draw a chart of the gpu").text


# --- what is written -----------------------------------------------------------------


def test_the_threads_runbook_is_the_incidents(room: Room) -> None:
    room.story.opens()
    answer = room.ask("what does the runbook say?", incident=1)
    assert "Runbook CPU saturated (cpu); it is for cpu." in answer.text
    assert "1) Look at the run queue." in answer.text
    assert answer.evidence == ("runbook cpu",)


def test_a_runbook_is_found_by_words(room: Room) -> None:
    assert "CPU saturated" in room.ask("is there a runbook for a busy processor?").text


def test_policy_says_who_and_how_much(room: Room) -> None:
    said = room.ask("who may approve?").text
    assert ALICE.id in said
    assert "6 actions an hour" in said and "30 min of quiet" in said
    assert "Approvals needed: 1." in said


def test_nobody_listed_is_said(room: Room) -> None:
    room.sources = replace(room.sources, settings=Settings(host="web-1"))
    assert "nobody is listed, so nobody may" in room.ask("who may approve?").text


def test_it_says_what_it_is(room: Room) -> None:
    assert "I act only when a teammate clicks Approve" in room.ask("who are you?").text
