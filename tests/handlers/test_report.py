"""A report in Slack: asked for, in words, on Home, and once a week by itself."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.config.report import ReportSection
from bot.config.report import Weekly as Section
from bot.report.reports import Reports
from handlers.blocks.report import report
from handlers.channel import Channel
from handlers.weekly import Weekly
from handlers.workspace import Workspace
from handlers.workspace.limits import check_message
from handlers.workspace.message import texts
from handlers.workspace.people import ALICE
from tests.fakes.story import Story
from tests.fakes.weeks import over, whole

EVIL = "<!channel> *x* http://evil.example/ <@U1> " + "y" * 300
DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_the_message_is_taken_and_nothing_in_it_is_alive() -> None:
    drawn = report(whole(EVIL), block_id="report-2026-03-01")
    check_message(drawn.text, list(drawn.blocks))
    said = drawn.text + "\n".join(texts(list(drawn.blocks)))
    assert "<!channel>" not in said and "<@U1>" not in said
    assert "http://" not in said


# --- asked for ------------------------------------------------------------------------


def test_it_is_answered_for_all_with_its_chart(
    card: str, workspace: Workspace, story: Story
) -> None:
    over(story, story.clock.wall - DAY)
    workspace.command(ALICE.id, "report 30d")
    workspace.wait_for(lambda: len(workspace.posts()) == 3)
    first, picture, told = workspace.posts()
    assert first.ts == card
    assert picture.file_ids and "Report of the last 30 days" in told.all_text()
    assert "1 without an action" in told.all_text()


def test_a_time_that_is_none_is_told_what_may_be(
    card: str, workspace: Workspace
) -> None:
    workspace.command(ALICE.id, "report 10y")
    said = workspace.wait_for(lambda: workspace.ephemerals(ALICE.id))
    assert "between 1d and 366d" in said[-1].all_text()
    assert [m.ts for m in workspace.posts()] == [card]


def test_in_words_it_comes_into_the_thread(card: str, workspace: Workspace) -> None:
    workspace.mention(ALICE.id, "report of the last week", thread_ts=card)
    workspace.wait_for(lambda: workspace.thread(card)[-1].file_ids)
    assert "1 still open" in workspace.thread(card)[-2].all_text()


def test_home_has_the_week_by_host(card: str, workspace: Workspace) -> None:
    assert card
    workspace.open_home(ALICE.id)
    home = workspace.wait_for(lambda: workspace.home(ALICE.id))
    assert "*web-1* 1 incident" in str(home.blocks)


# --- once a week ----------------------------------------------------------------------


@pytest.fixture
def reports(story: Story) -> Reports:
    story.clock.wall = MONDAY
    section = ReportSection(weekly=Section(enabled=True))
    over(story, MONDAY - DAY)
    return Reports(record=story.record, section=section)


def weekly(story: Story, quick: Channel, reports: Reports) -> Weekly:
    """As a new process makes it."""
    return Weekly(channel=quick, record=story.record, reports=reports)


def told(workspace: Workspace) -> list[str]:
    return [text for m in workspace.posts() if "Report of" in (text := m.all_text())]


def test_it_comes_once_a_week_also_over_restarts(
    story: Story, quick: Channel, reports: Reports, workspace: Workspace
) -> None:
    for _ in range(3):
        weekly(story, quick, reports).step()
    assert len(told(workspace)) == 1
    (ts,) = (m.ts for m in workspace.posts())
    assert workspace.thread(ts)[-1].file_ids
    story.clock.go(7 * 86400 - 60)
    weekly(story, quick, reports).step()
    assert len(told(workspace)) == 1
    story.clock.go(60)
    weekly(story, quick, reports).step()
    assert len(told(workspace)) == 2


def test_what_was_posted_and_not_noted_is_found_again(
    story: Story,
    quick: Channel,
    reports: Reports,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dying = weekly(story, quick, reports)
    note = dying._note

    def killed(day: date, state: str) -> None:
        if state == "told":
            raise SystemExit
        note(day, state)

    monkeypatch.setattr(dying, "_note", killed)
    with pytest.raises(SystemExit):
        dying.step()
    for _ in range(2):
        weekly(story, quick, reports).step()
    assert len(told(workspace)) == 1


def test_what_slack_does_not_take_is_told_later(
    story: Story, quick: Channel, reports: Reports, workspace: Workspace
) -> None:
    workspace.faults.server_error("chat.postMessage")
    one = weekly(story, quick, reports)
    one.step()
    assert told(workspace) == []
    one.step()
    assert len(told(workspace)) == 1


def test_nobody_gets_it_unasked(
    story: Story, quick: Channel, workspace: Workspace
) -> None:
    story.clock.wall = MONDAY
    reports = Reports(record=story.record, section=ReportSection())
    weekly(story, quick, reports).step()
    assert workspace.posts() == []


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-02T08:59:00+00:00", None),
        ("2026-03-02T09:00:00+00:00", "2026-03-02"),
        ("2026-03-03T08:59:00+00:00", "2026-03-02"),
        ("2026-03-03T09:00:00+00:00", None),
        ("2026-03-08T23:59:00+00:00", None),
    ],
)
def test_it_is_due_on_its_day_and_a_day_late_at_most(now: str, due: str | None) -> None:
    found = Section(enabled=True).due(datetime.fromisoformat(now))
    assert (str(found.date()) if found else None) == due


@pytest.mark.parametrize("hour", [6, 7])
def test_nine_is_nine_on_the_wall_also_when_the_clocks_changed(hour: int) -> None:
    section = Section.model_validate(
        {"enabled": True, "day": "sun", "zone": "Europe/Berlin"}
    )
    # On 2026-03-29 Berlin goes to summer time: nine is 07:00 UTC.
    found = section.due(datetime(2026, 3, 29, hour, 0, tzinfo=UTC))
    assert (found is not None) == (hour == 7)
