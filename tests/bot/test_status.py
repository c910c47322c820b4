"""The state of things at a glance."""

import json
from datetime import timedelta

from bot.model import Level
from bot.status import HostHealth, Status
from handlers.blocks import answers
from tests.fakes.story import ALICE, CHEN, Story
from tests.fakes.things import finding


def test_a_quiet_bot_has_an_empty_board(story: Story) -> None:
    board = story.status.board()
    assert (board.hosts, board.open, board.lock) == ((), (), None)


def test_hosts_show_their_worst_level_and_all_figures(story: Story) -> None:
    story.sees(story.found(), story.well(detector="memory"))
    (host,) = story.status.board().hosts
    assert (host.host, host.level, len(host.findings)) == ("web-1", Level.CRITICAL, 2)


def test_open_incidents_show_what_waits_and_where(story: Story) -> None:
    story.opens()
    story.posted(permalink="http://slack/p1")
    (item,) = story.status.board().open
    assert item.permalink == "http://slack/p1"
    assert [p.letter for p in item.waiting] == ["a", "b", "c"]


def test_what_was_before_the_week_is_not_listed(story: Story) -> None:
    story.opens()
    story.own.false_alarm(1, ALICE)
    story.clock.go(timedelta(days=7, seconds=1).total_seconds())
    assert story.status.incidents(timedelta(days=7)) == []
    assert story.status.incidents(timedelta(days=8))[0].number == 1


def test_lock_and_mutes_are_on_the_board(story: Story) -> None:
    story.own.lock("odd", CHEN)
    story.silence.mute("web-1", ALICE, timedelta(hours=1))
    board = story.status.board()
    assert board.lock is not None
    assert [q.target for q in board.quiet] == ["web-1"]


def test_the_board_says_what_is_still_being_learnt(story: Story) -> None:
    said = "surprise learns from Prometheus: 6 of 14 days"
    status = Status(
        record=story.record,
        respond=story.respond,
        untold={},
        expected=dict,
        learning=lambda: said,
    )

    board = status.board()

    assert said in json.dumps(answers.board(board).blocks)
    assert said not in json.dumps(answers.board(story.status.board()).blocks)


def test_one_hosts_board_holds_nothing_of_others(story: Story) -> None:
    story.sees(story.found(), story.found(host="db-1", culprits=()))
    board = story.status.board().only("db-1")
    assert [h.host for h in board.hosts] == ["db-1"]
    assert [i.incident.host for i in board.open] == ["db-1"]


def test_a_glance_shows_what_is_bad_and_the_main_figures() -> None:
    level = Level.WARNING
    bad = finding(detector="tcp", level=level)
    unknown = finding(detector="clock", level=Level.UNKNOWN, value=None)
    others = [finding(detector=f"other{n}", level=Level.OK) for n in range(30)]
    main = finding(detector="memory", level=Level.OK)
    health = HostHealth(
        host="web-1", level=level, findings=(unknown, *others, main, bad)
    )

    assert health.figures == (bad, unknown, main)
