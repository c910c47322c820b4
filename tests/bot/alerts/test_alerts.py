"""From measurement to alert: what begins, holds, comes back and ends."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.alert import FLAPS, Alert, Stage, Timing, advance
from bot.model import Level
from tests.fakes.clock import START
from tests.fakes.things import finding

TIMING = Timing(hold_for=timedelta(seconds=30), keep_for=timedelta(seconds=20))
BAD, OK, UNKNOWN = Level.CRITICAL, Level.OK, Level.UNKNOWN


def after(*rounds: tuple[int, Level], timing: Timing = TIMING) -> Alert | None:
    """The alert after measurements at these seconds."""
    alert = None
    for second, level in rounds:
        at = START + timedelta(seconds=second)
        alert = advance(alert, finding(at=at, level=level), timing, float(second))
    return alert


def stage(*rounds: tuple[int, Level]) -> Stage | None:
    alert = after(*rounds)
    return alert.stage if alert else None


def test_what_is_well_is_no_alert() -> None:
    assert stage((0, OK), (5, OK)) is None


def test_a_condition_is_pending_first() -> None:
    assert stage((0, BAD), (29, BAD)) is Stage.PENDING


def test_a_condition_that_lasts_fires() -> None:
    assert stage((0, BAD), (30, BAD)) is Stage.FIRING


def test_without_a_hold_it_fires_at_once() -> None:
    alert = after((0, BAD), timing=Timing(hold_for=timedelta(0), keep_for=timedelta(0)))
    assert alert is not None
    assert alert.stage is Stage.FIRING


def test_a_pending_one_that_clears_is_forgotten() -> None:
    assert stage((0, BAD), (29, OK)) is None


def test_the_onset_is_the_first_bad_measurement() -> None:
    alert = after((10, BAD), (45, BAD), (60, OK), (65, BAD))
    assert alert is not None
    assert alert.since == START + timedelta(seconds=10)


def test_a_firing_one_recovers_first() -> None:
    assert stage((0, BAD), (30, BAD), (35, OK)) is Stage.RECOVERING


def test_a_firing_one_that_stays_clear_is_over() -> None:
    assert stage((0, BAD), (30, BAD), (35, OK), (55, OK)) is Stage.OVER


def test_the_last_moment_of_recovering_is_not_over() -> None:
    assert stage((0, BAD), (30, BAD), (35, OK), (54, OK)) is Stage.RECOVERING


def test_a_relapse_while_recovering_fires_at_once() -> None:
    alert = after((0, BAD), (30, BAD), (35, OK), (40, BAD))
    assert alert is not None
    assert alert.stage is Stage.FIRING
    assert len(alert.relapses) == 1


def test_clear_time_begins_anew_after_a_relapse() -> None:
    rounds = ((0, BAD), (30, BAD), (35, OK), (50, BAD), (55, OK), (60, OK))
    assert stage(*rounds) is Stage.RECOVERING


def test_no_data_keeps_a_firing_alert_firing() -> None:
    alert = after((0, BAD), (30, BAD), (35, UNKNOWN), (10_000, UNKNOWN))
    assert alert is not None
    assert (alert.stage, alert.finding.level) == (Stage.FIRING, BAD)


def test_no_data_counts_as_no_clear_time() -> None:
    rounds = ((0, BAD), (30, BAD), (35, OK), (40, UNKNOWN), (60, OK))
    assert stage(*rounds) is Stage.RECOVERING


def test_no_data_fires_by_itself() -> None:
    alert = after((0, UNKNOWN), (30, UNKNOWN))
    assert alert is not None
    assert (alert.stage, alert.finding.level) == (Stage.FIRING, UNKNOWN)


def flapping(*more: tuple[int, Level]) -> Alert | None:
    rounds: list[tuple[int, Level]] = [(0, BAD), (30, BAD)]
    for n in range(FLAPS):
        rounds += [(40 + 20 * n, OK), (50 + 20 * n, BAD)]
    return after(*rounds, *more)


def test_what_comes_and_goes_is_flapping() -> None:
    alert = flapping()
    assert alert is not None
    assert alert.is_flapping


def test_a_flapping_alert_is_held_for_ten_minutes() -> None:
    held = flapping((200, OK), (799, OK))
    ended = flapping((200, OK), (800, OK))
    assert held is not None and held.stage is Stage.RECOVERING
    assert ended is not None and ended.stage is Stage.OVER


def test_relapses_are_forgotten_after_half_an_hour() -> None:
    alert = flapping((100, OK), (3000, BAD))
    assert alert is not None
    assert not alert.is_flapping


def test_what_is_over_remembers_its_relapses_for_a_while() -> None:
    ended = ((0, BAD), (30, BAD), (35, OK), (55, OK))
    assert stage(*ended, (60, OK)) is Stage.OVER
    assert stage(*ended, (55 + 1800, OK)) is None


def test_what_is_over_begins_as_pending_again() -> None:
    ended = ((0, BAD), (30, BAD), (35, OK), (55, OK))
    assert stage(*ended, (60, BAD)) is Stage.PENDING
    assert stage(*ended, (60, BAD), (65, OK)) is Stage.OVER


ROUNDS = st.lists(
    st.tuples(st.integers(1, 900), st.sampled_from([BAD, Level.WARNING, OK, UNKNOWN])),
    max_size=25,
)


def at_each(steps: Sequence[tuple[int, Level]]) -> list[tuple[int, Level]]:
    second, rounds = 0, []
    for wait, level in steps:
        second += wait
        rounds.append((second, level))
    return rounds


@given(ROUNDS, st.integers(1, 10**6))
def test_an_unknown_never_ends_an_alert(
    steps: list[tuple[int, Level]], wait: int
) -> None:
    rounds = at_each(steps)
    before = after(*rounds)
    later = (rounds[-1][0] if rounds else 0) + wait
    now = after(*rounds, (later, UNKNOWN))
    if before is not None and before.is_firing:
        assert now is not None
        assert now.stage is Stage.FIRING
    assert now is not None
    assert now.stage is not Stage.OVER


@given(ROUNDS)
def test_only_clear_time_ends_an_alert(steps: list[tuple[int, Level]]) -> None:
    rounds = at_each(steps)
    alert = None
    for second, level in rounds:
        at = START + timedelta(seconds=second)
        before, alert = (
            alert,
            advance(alert, finding(at=at, level=level), TIMING, float(second)),
        )
        if before is not None and before.is_firing and not (alert and alert.is_firing):
            assert level is OK
