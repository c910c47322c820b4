"""`/sre …` and mentions, with the whole desk behind them and a real workspace before."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.charts.plots import Plots
from bot.config.prometheus import PrometheusServer
from bot.prometheus.server import Server
from bot.runtime import tracing
from bot.runtime.clock import SystemClock
from bot.runtime.tracing import Step
from bot.storage import store
from handlers.blocks.markup import Message
from handlers.channel import Channel
from handlers.desk import Desk, origin_of, sender
from handlers.mentions import Seen
from handlers.slash import Slash
from handlers.verbs import CHANGES
from handlers.workspace import Workspace
from handlers.workspace.limits import check_message
from handlers.workspace.message import texts
from handlers.workspace.people import ALICE, BOB, GUEST, STRANGER, Person
from remediation.ledger.lock import locked
from remediation.ledger.proposal import State
from tests.fakes.services import service
from tests.fakes.slack import thread_says
from tests.fakes.story import Story
from tests.real.prometheus import prometheus

Say = Callable[..., str]
ARGUMENTS = {
    "kill": "kill web-1:4242",
    "mute": "mute web-1",
    "unmute": "unmute web-1",
    "unlock": "unlock",
    "approve": "approve 1a",
    "reject": "reject 1a",
    "handover": f"handover 1 <@{BOB.id}|bob>",
}


@pytest.fixture
def dialogs() -> list[dict[str, object]]:
    return []


@pytest.fixture
def say(desk: Desk, workspace: Workspace, dialogs: list[dict[str, object]]) -> Say:
    commands = Slash(desk)

    def answer(
        text: str,
        who: Person = ALICE,
        channel: str | None = None,
        *,
        mention: bool = False,
    ) -> str:
        body: dict[str, object] = {
            "user_id": who.id,
            "team_id": who.team_id,
            "channel_id": channel or workspace.channel_id,
        }
        found: Message | None = commands.answer(
            text, body, None if mention else dialogs.append
        )
        return found.text if found else ""

    return answer


def test_nothing_said_is_help(say: Say) -> None:
    assert say("") == say("help")
    assert "`/sre kill HOST:PID`" in say("")


def test_an_unknown_word_gets_the_nearest(say: Say) -> None:
    assert say("statsu") == "I do not know “statsu”. Did you mean *status*?"


def test_a_word_that_resembles_none_gets_help(say: Say) -> None:
    assert say("<!channel>") == "I do not know “&lt;!channel&gt;”. Try *help*."


def test_case_does_not_count(say: Say) -> None:
    assert say("STATUS") == "0 open incidents on 0 hosts"


@pytest.mark.parametrize("verb", sorted(CHANGES))
def test_changes_are_refused_in_another_channel(
    say: Say, story: Story, verb: str
) -> None:
    story.opens()
    said = say(ARGUMENTS.get(verb, f"{verb} 1"), channel="C0OTHER")
    assert "in the incident channel only" in said


def test_anybody_locks_from_anywhere(say: Say, story: Story) -> None:
    assert say("lock it is odd", STRANGER, "C0OTHER").startswith("Locked")
    with story.database.read() as tx:
        found = locked(tx)
    assert found is not None
    assert (found.by, found.why) == (STRANGER.id, "it is odd")


@pytest.mark.parametrize("verb", ["lock", "reject 1a"])
def test_a_secret_in_a_reason_is_not_kept(say: Say, story: Story, verb: str) -> None:
    story.opens()
    say(f"{verb} the token=hunter2secret leaked")
    assert "hunter2" not in story.texts()
    assert "the token=[redacted] leaked" in story.texts()


def test_locking_works_while_slack_verifies_nobody(
    say: Say, story: Story, workspace: Workspace
) -> None:
    workspace.faults.server_error("users.info")
    assert say("lock it is odd", ALICE).startswith("Locked")
    workspace.faults.server_error("users.info")
    assert "could not verify" in say("unlock", BOB)
    with story.database.read() as tx:
        assert locked(tx) is not None


@pytest.mark.parametrize("verb", ["unlock", "unmute web-1", "mute web-1", "reject 1a"])
def test_who_is_no_approver_is_told_who_may(say: Say, story: Story, verb: str) -> None:
    story.opens()
    said = say(verb, STRANGER)
    assert said.startswith("Nothing was done")
    assert f"Who may: <@{ALICE.id}>, <@{BOB.id}>." in said


def test_a_guest_is_told_nothing_else(say: Say) -> None:
    assert "guests cannot decide" in say("status", GUEST)


# --- incidents -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "verb",
    ["show", "take", "escalate", "again", "handover", "undo", "approve", "postmortem"],
)
def test_an_unknown_number_is_an_answer_and_no_error(say: Say, verb: str) -> None:
    more = f" <@{BOB.id}>" if verb == "handover" else ""
    assert say(f"{verb} 99{more}").startswith("Nothing was done: ")


@pytest.mark.parametrize(
    "verb", ["show", "take", "again", "undo", "simulate", "reject", "postmortem"]
)
def test_a_missing_or_odd_number_is_explained(say: Say, verb: str) -> None:
    for words in (verb, f"{verb} twelve", f"{verb} -1", f"{verb} {'9' * 30}"):
        assert say(words).startswith("Nothing was done: ")


def test_take_and_handover(say: Say, story: Story) -> None:
    story.opens()
    assert say("take 1").startswith("Incident 1 is yours.")
    assert say(f"handover 1 <@{BOB.id}|bob>") == "Handed over."
    assert story.incident().owner == BOB.id


def test_a_handover_without_a_number_moves_all(say: Say, story: Story) -> None:
    story.opens()
    say("take 1")
    assert "incidents 1" in say(f"handover <@{BOB.id}|bob>")
    assert story.incident().owner == BOB.id
    assert "you own no incident" in say(f"handover <@{BOB.id}|bob>")


@pytest.mark.parametrize("to", ["", " bob", " <!channel>"])
def test_a_handover_needs_a_person(say: Say, story: Story, to: str) -> None:
    story.opens()
    assert "say to whom" in say(f"handover 1{to}")


def test_nobody_hands_over_to_a_guest(say: Say, story: Story) -> None:
    story.opens()
    assert "guests" in say(f"handover 1 <@{GUEST.id}>")
    assert story.incident().owner is None


def test_show_has_no_button(desk: Desk, story: Story, workspace: Workspace) -> None:
    story.opens()
    body = {
        "user_id": ALICE.id,
        "team_id": ALICE.team_id,
        "channel_id": workspace.channel_id,
    }
    shown = Slash(desk).answer("show 1", body, None)
    assert shown is not None
    assert "actions" not in [block["type"] for block in shown.blocks]


def test_lists_and_pictures(say: Say, story: Story) -> None:
    assert say("incidents 1d") == "No incident in that time."
    story.opens()
    assert "CPU 98 % on web-1" in say("incidents")
    assert say("chart cpu") == "I can draw: nothing yet"
    story.history.append("cpu", story.clock.wall, 90.0, "%")
    assert say("chart cpu") == "There are not enough points yet."
    story.clock.go(5)
    story.history.append("cpu", story.clock.wall, 91.0, "%")
    assert say("chart cpu 1h") == "Here it is."
    assert say("chart gpu") == "I can draw: cpu"


def test_a_picture_of_promql_as_slack_sends_it(
    desk: Desk, story: Story, workspace: Workspace, tmp_path: Path
) -> None:
    lines = {f'queue{{instance="https://web-{n}.example"}}': float(n) for n in (7, 8)}
    body: dict[str, object] = {
        "user_id": ALICE.id,
        "team_id": ALICE.team_id,
        "channel_id": workspace.channel_id,
    }
    with prometheus(tmp_path, **lines) as real:
        real.wait_for("count_over_time(queue[1m]) > 1")
        commands = Slash(replace(desk, plots=asking(real.url, story)))

        def said(text: str) -> str:
            found = commands.answer(text, body, None)
            return found.text if found else ""

        site = "“<https://web-7.example|web-7.example>”"
        drawn = "Here it is."
        assert said(f"chart queue{{instance={site}}} &gt; 1 1m") == drawn
        assert said("chart `queue` 5m") == drawn
        nothing = "Prometheus main has no figures for it of db-1 in the last 5 min."
        assert said("chart queue 5m db-1") == nothing
        refused = said("chart queue{&lt;!channel&gt;")
        assert "refuses the question: 1:7: parse error" in refused
        assert "<!channel>" not in refused
    assert len(workspace.files) == 2


def asking(url: str, story: Story) -> Plots:
    section = PrometheusServer.model_validate({"url": url})
    servers = {"main": Server(name="main", section=section)}
    return Plots(
        host="web-1", clock=SystemClock(), pictures=story.pictures, servers=servers
    )


def test_status_of_one_host(say: Say, story: Story) -> None:
    story.opens()
    assert say("status db-1") == "0 open incidents on 0 hosts"
    assert say("status web-1") == "1 open incidents on 1 hosts"


# --- what is known -------------------------------------------------------------------


def page(folder: Path, name: str, title: str, step: str = "Look at the graph.") -> None:
    text = f"---\ntitle: {title}\nconditions: [cpu]\n---\n\n## Steps\n\n1. {step}\n"
    (folder / f"{name}.md").write_text(text)


def blocks_of(desk: Desk, workspace: Workspace, text: str) -> str:
    body = {
        "user_id": ALICE.id,
        "team_id": ALICE.team_id,
        "channel_id": workspace.channel_id,
    }
    found = Slash(desk).answer(text, body, None)
    assert found is not None
    check_message(found.text, list(found.blocks))
    return "\n".join(texts(list(found.blocks)))


def test_without_a_model_cost_says_how_to_have_one(say: Say) -> None:
    assert say("cost").startswith("No language model is configured")
    assert "GEMINI_API_KEY" in say("cost")


def test_runbooks_are_listed_and_found(
    desk: Desk, workspace: Workspace, runbooks: Path
) -> None:
    assert "There is no runbook yet" in blocks_of(desk, workspace, "runbook")
    page(runbooks, "cpu", "CPU is saturated", "Ask *who* <!channel> runs it.")
    page(runbooks, "disk", "Disk is full")
    desk.shelf.reload()
    listed = blocks_of(desk, workspace, "runbook")
    assert "`cpu` CPU is saturated\n`disk` Disk is full" in listed
    shown = blocks_of(desk, workspace, "runbook cpu is saturated")
    assert "*CPU is saturated*" in shown
    assert "it is named so" in shown
    assert "<!channel>" not in shown
    assert "1. Ask" in shown
    assert "Also: Disk is full" in shown


def test_a_search_for_nothing_known_is_an_answer(
    desk: Desk, workspace: Workspace
) -> None:
    said = blocks_of(desk, workspace, "runbook <!channel> zzz")
    assert "No runbook was found for “&lt;!channel&gt; zzz”" in said


def test_show_tells_what_the_model_did(
    desk: Desk, workspace: Workspace, story: Story
) -> None:
    story.opens()
    assert "Steps of the model" not in blocks_of(desk, workspace, "show 1")
    done = [
        Step(name="gemini-3.8-flash", at=story.clock.wall, seconds=1.5, tokens=1234),
        Step(name="read host_history", at=story.clock.wall, seconds=0.01),
    ]
    with story.database.write() as tx:
        tracing.save(tx, 1, done)
    shown = blocks_of(desk, workspace, "show 1")
    assert "gemini-3.8-flash" in shown
    assert "1.50 s    1,234" in shown


def carded(story: Story, workspace: Workspace, quick: Channel) -> str:
    story.opens()
    ts = quick.post(Message(text="card", blocks=()))
    with story.database.write() as tx:
        store.unposted(tx, workspace.channel_id)
        store.posted(tx, 1, ts=ts, permalink="https://x.slack.com/p1")
    return ts


def test_a_postmortem_goes_into_the_incidents_thread(
    say: Say, story: Story, workspace: Workspace, quick: Channel
) -> None:
    ts = carded(story, workspace, quick)
    said = say("postmortem 1", channel="C0OTHER")
    assert said.startswith("Postmortem of incident 1 is being written")
    (file,) = workspace.wait_for(lambda: workspace.files)
    assert (file.name, file.thread_ts) == ("postmortem-1.md", ts)
    assert file.channel == workspace.channel_id
    assert file.data.startswith(b"# Incident 1: CPU 98 % on web")


def test_without_an_upload_it_is_saved_and_said_where(
    say: Say, story: Story, workspace: Workspace, quick: Channel, runbooks: Path
) -> None:
    ts = carded(story, workspace, quick)
    workspace.faults.refuse("files.getUploadURLExternal", "missing_scope")
    say("postmortem 1")
    said = thread_says(workspace, ts, "saved on web-1")
    assert "postmortems/postmortem-1.md" in said
    assert str(runbooks.parent) not in said
    kept = runbooks.parent / "postmortems" / "postmortem-1.md"
    assert kept.read_text().startswith("# Incident 1")


def test_an_incident_without_a_card_has_no_postmortem_yet(
    say: Say, story: Story, workspace: Workspace
) -> None:
    story.opens()
    assert "it has no card yet" in say("postmortem 1")
    assert workspace.files == []


def test_where_nothing_can_be_kept_it_says_so(
    say: Say, story: Story, workspace: Workspace, quick: Channel, runbooks: Path
) -> None:
    ts = carded(story, workspace, quick)
    workspace.faults.refuse("files.getUploadURLExternal", "missing_scope")
    (runbooks.parent / "postmortems").write_text("in the way")
    say("postmortem 1")
    thread_says(workspace, ts, "nor saved (File exists)")


# --- deciding ------------------------------------------------------------------------


def test_approve_opens_a_dialog_and_decides_nothing(
    say: Say, story: Story, dialogs: list[dict[str, object]]
) -> None:
    story.opens()
    assert say("approve 1a") == ""
    assert dialogs[0]["private_metadata"] == story.proposals()[0].id
    assert story.proposals()[0].state is State.PENDING


def test_without_a_letter_the_one_on_the_card_is_meant(
    say: Say, story: Story, dialogs: list[dict[str, object]]
) -> None:
    story.opens()
    say("approve 1")
    assert dialogs[0]["private_metadata"] == story.incident().offered


def test_reject_keeps_the_reason(say: Say, story: Story) -> None:
    story.opens()
    assert say("reject 1b the nightly batch") == "Rejected 1b."
    assert story.proposals()[1].note == "the nightly batch"


@pytest.mark.parametrize("words", ["approve 1a", "reject 1a", "undo 1"])
def test_a_mention_never_decides(say: Say, story: Story, words: str) -> None:
    story.opens()
    assert say(words, mention=True).startswith("Decide on the card.")
    assert {p.state for p in story.proposals()} == {State.PENDING}


def test_simulate_again_and_undo(say: Say, story: Story) -> None:
    story.opens()
    assert "It would be carried out" in say("simulate 1a")
    assert say("again 1").startswith("A new proposal is on the card.")
    assert "nothing was done here that can be undone" in say("undo 1")


def test_kill_asks_somebody_else(say: Say, story: Story) -> None:
    assert say("kill web-1:4242") == "Asked for as 1a. Somebody else must approve it."
    assert story.proposals()[0].requested_by == ALICE.id


@pytest.mark.parametrize("words", ["kill", "kill 4242", "kill web-1:x", "kill a:b:1"])
def test_kill_needs_a_host_and_a_pid(say: Say, words: str) -> None:
    assert "say which process: kill HOST:PID" in say(words)


# --- quiet ---------------------------------------------------------------------------


def test_mute_and_unmute(say: Say, story: Story) -> None:
    assert say("mute web-1 30m") == "Muted web-1."
    assert [q.target for q in story.status.board().quiet] == ["web-1"]
    assert say("unmute web-1") == "Unmuted web-1."


def test_a_condition_is_muted_by_its_short_name(say: Say, story: Story) -> None:
    story.opens()
    assert say("mute web-1/cpu 30m") == "Muted web-1/cpu/."
    assert [q.target for q in story.status.board().quiet] == ["web-1/cpu/"]
    assert say("unmute web-1/cpu") == "Unmuted web-1/cpu/."


def test_maintenance_begins_is_listed_and_ends(say: Say, story: Story) -> None:
    assert say("maintenance") == "Nothing is in maintenance."
    begun = say("maintenance web-1 2h new kernel, two reboots")
    assert "web-1 (new kernel, two reboots), <@" in begun
    assert "In maintenance until" in say("maintenance")
    story.sees(story.found())
    assert story.open() == []
    assert "ended the maintenance of web-1." in say("maintenance web-1 end")
    assert "not in maintenance" in say("maintenance web-1 end")


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("maintenance web-1", "say how long and why"),
        ("maintenance web-1 now please", "say how long and why"),
        ("maintenance web-1 2h", "say what is done"),
        ("maintenance web-1 30d new disks", "at most 7 d"),
        ("maintenance db-9 2h new disks", "tells of such a service"),
    ],
)
def test_maintenance_says_what_is_missing(say: Say, words: str, answer: str) -> None:
    assert answer in say(words)


def test_a_mute_of_nothing_known_is_refused_with_the_nearest(
    say: Say, story: Story
) -> None:
    story.opens()
    assert "did you mean web-1/cpu/" in say("mute web-1/cpus")
    assert story.status.board().quiet == ()


@pytest.mark.parametrize(
    "words",
    [
        "mute",
        "unmute",
        "mute web-1 soon",
        f"mute web-1 {'9' * 20}d",
        "mute web-1 9999d",
    ],
)
def test_odd_spans_and_targets_are_explained(say: Say, words: str) -> None:
    assert say(words).startswith("Nothing was done: ")


# --- what listeners read -------------------------------------------------------------


def test_an_event_is_new_once_in_a_quarter_of_an_hour() -> None:
    at = [0.0]
    seen = Seen(lambda: at[0])

    def is_new() -> bool:
        with seen.once("e") as new:
            return new

    first, second = is_new(), is_new()
    at[0] = 900.0
    assert (first, second, is_new()) == (True, False, True)


def test_an_event_whose_work_failed_is_new_again() -> None:
    seen = Seen()
    with pytest.raises(KeyError), seen.once("e"):
        raise KeyError
    with seen.once("e") as new:
        assert new


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"user_id": "U1", "team_id": "T1"}, ("U1", "T1")),
        ({"user": {"id": "U1", "team_id": "T2"}, "team": {"id": "T1"}}, ("U1", "T2")),
        ({"user": {"id": "U1"}, "team": {"id": "T1"}}, ("U1", "T1")),
        ({"user": {"id": 7}, "team": None}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_a_persons_own_team_wins(
    body: dict[str, object], found: tuple[str | None, str | None]
) -> None:
    assert sender(body) == found


def test_a_click_without_a_place_comes_from_nowhere() -> None:
    assert origin_of({}).ts == ""
    origin = origin_of({"container": {"channel_id": "C1", "message_ts": "1.1"}})
    assert (origin.channel, origin.ts) == ("C1", "1.1")


def test_a_service_is_asked_for_and_somebody_else_approves(
    say: Say, story: Story
) -> None:
    story.services.units["nginx.service"] = service()
    assert "nginx.service is not among the services" in say("restart nginx")
    assert "there is" in say("restart apache2") or "nobody" in say("restart apache2")


@pytest.mark.parametrize(
    "words",
    ["restart", "restart ../x", "stop nginx.service;reboot", "start a b c", "reload @"],
)
def test_what_is_no_service_is_refused(say: Say, words: str) -> None:
    assert "say which service" in say(words)
