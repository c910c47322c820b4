"""Both clocks: whatever must end is over as soon as either says so."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from remediation.moment import Moment
from tests.fakes.clock import START

NOW = Moment(wall=START, boot=1000.0, boot_id="a")
SPAN = timedelta(seconds=60)
SHIFTS = st.integers(-600, 600)


def moment(wall: float, boot: float, boot_id: str = "a") -> Moment:
    return Moment(
        wall=START + timedelta(seconds=wall), boot=1000 + boot, boot_id=boot_id
    )


def test_later_is_later_on_both_clocks() -> None:
    assert NOW.after(SPAN) == moment(60, 60)


def test_a_deadline_is_past_when_it_is_reached() -> None:
    assert not moment(59, 59).is_past(NOW.after(SPAN))
    assert moment(60, 60).is_past(NOW.after(SPAN))


@given(SHIFTS, SHIFTS)
def test_either_clock_suffices(wall: int, boot: int) -> None:
    past = moment(wall, boot).is_past(NOW.after(SPAN))
    assert past is (wall >= 60 or boot >= 60)


@given(SHIFTS, SHIFTS)
def test_after_a_reboot_only_the_wall_clock_counts(wall: int, boot: int) -> None:
    past = moment(wall, boot, "b").is_past(NOW.after(SPAN))
    assert past is (wall >= 60)
