"""When a rule holds: by the wall clock, also where that jumps."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.rules.calendar import DAYS, Freeze, Window

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",  # half an hour off
    "Australia/Lord_Howe",  # jumps by half an hour
    "Africa/Cairo",  # jumps at midnight
    "Asia/Beirut",  # jumps at midnight
    "Pacific/Apia",  # nearly a day ahead
    "Asia/Kathmandu",  # a quarter of an hour off
)
MINUTE = timedelta(minutes=1)


def clock(text: str) -> timedelta:
    hours, minutes = map(int, text.split(":"))
    return timedelta(hours=hours, minutes=minutes)


def window(days: str, start: str, end: str, zone: ZoneInfo = BERLIN) -> Window:
    named = frozenset(DAYS.index(day) for day in days.split())
    return Window(zone=zone, days=named, start=clock(start), end=clock(end))


def shown(text: str) -> datetime:
    """What a wall clock shows."""
    return datetime.fromisoformat(text)


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)


@pytest.mark.parametrize(
    ("days", "start", "end", "at", "inside"),
    [
        # 2026-11-20 is a Friday.
        ("fri", "15:00", "24:00", "2026-11-20 14:59", False),
        ("fri", "15:00", "24:00", "2026-11-20 15:00", True),
        ("fri", "15:00", "24:00", "2026-11-20 23:59", True),
        ("fri", "15:00", "24:00", "2026-11-21 00:00", False),
        ("fri", "15:00", "24:00", "2026-11-19 16:00", False),
        ("fri", "22:00", "06:00", "2026-11-20 05:00", False),  # Thursday's is none
        ("fri", "22:00", "06:00", "2026-11-20 22:00", True),
        ("fri", "22:00", "06:00", "2026-11-21 05:59", True),
        ("fri", "22:00", "06:00", "2026-11-21 06:00", False),
        ("sat sun", "00:00", "24:00", "2026-11-22 12:00", True),
        ("sat sun", "00:00", "24:00", "2026-11-23 00:00", False),
        # 2026-03-29: the clock goes from 02:00 to 03:00.
        ("sun", "01:00", "04:00", "2026-03-29 03:00", True),
        ("sun", "02:30", "06:00", "2026-03-29 03:00", True),
        ("sun", "00:00", "02:30", "2026-03-29 01:59", True),
        ("sun", "00:00", "02:30", "2026-03-29 03:00", False),
        ("sun", "02:15", "02:45", "2026-03-29 01:59", False),
        ("sun", "02:15", "02:45", "2026-03-29 03:00", False),
    ],
)
def test_a_window_goes_by_the_wall_clock(
    days: str, start: str, end: str, at: str, *, inside: bool
) -> None:
    assert window(days, start, end).covers(berlin(at)) is inside


@pytest.mark.parametrize(
    ("start", "end"),
    [("02:30", "04:00"), ("00:00", "02:30"), ("02:15", "02:45"), ("02:00", "03:00")],
)
def test_an_hour_that_comes_twice_is_inside_without_a_gap(start: str, end: str) -> None:
    # 2026-10-25: the clock goes from 03:00 back to 02:00.
    found = window("sun", start, end)
    first = berlin(f"2026-10-25 {start}").astimezone(UTC)
    last = berlin(f"2026-10-25 {end}", fold=1).astimezone(UTC)
    minutes = int((last - first) / MINUTE)
    assert all(found.covers(first + n * MINUTE) for n in range(minutes))
    assert not found.covers(first - MINUTE)
    assert not found.covers(last)


def test_the_same_instant_is_another_day_elsewhere() -> None:
    at = berlin("2026-11-20 23:30")
    friday = frozenset({4})
    assert Window(zone=BERLIN, days=friday).covers(at)
    assert not Window(zone=ZoneInfo("Asia/Tokyo"), days=friday).covers(at)


@pytest.mark.parametrize(
    ("at", "inside", "over"),
    [
        ("2026-12-23 11:59", False, False),
        ("2026-12-23 12:00", True, False),
        ("2027-01-01 23:59", True, False),
        ("2027-01-02 00:00", False, True),
    ],
)
def test_a_freeze_holds_once(at: str, *, inside: bool, over: bool) -> None:
    start, end = shown("2026-12-23 12:00"), shown("2027-01-02")
    freeze = Freeze(zone=BERLIN, start=start, end=end)
    assert (freeze.covers(berlin(at)), freeze.is_over(berlin(at))) == (inside, over)


def test_a_freeze_ends_with_the_second_showing_of_its_end() -> None:
    end = shown("2026-10-25 02:30")
    freeze = Freeze(zone=BERLIN, start=shown("2026-10-24"), end=end)
    assert freeze.covers(berlin("2026-10-25 02:45"))
    assert not freeze.is_over(berlin("2026-10-25 02:45"))
    assert freeze.is_over(berlin("2026-10-25 02:30", fold=1))


def test_times_are_said_as_they_were_written() -> None:
    start, end = shown("2026-12-23 12:00"), shown("2027-01-02")
    freeze = Freeze(zone=BERLIN, start=start, end=end)
    assert freeze.in_words() == "2026-12-23 12:00 to 2027-01-02 00:00 Europe/Berlin"
    assert window("fri sat", "15:00", "24:00").in_words() == (
        "fri, sat 15:00-24:00 Europe/Berlin"
    )
    assert Window(zone=BERLIN).in_words() == "every day 00:00-24:00 Europe/Berlin"


# --- for all zones, days and times ---------------------------------------------------

INSTANTS = st.datetimes(
    shown("2020-01-01"), shown("2035-01-01"), timezones=st.just(UTC)
)
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda n: n * MINUTE)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start, end = draw(st.tuples(MINUTES, MINUTES).filter(lambda two: two[0] != two[1]))
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    return Window(zone=zone, days=days, start=start, end=end or timedelta(hours=24))


def jumps(zone: ZoneInfo, year: int) -> Iterator[datetime]:
    """The hours of a year at whose end the zone's clock stands differently."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    hours = (first + timedelta(hours=n) for n in range(366 * 24))
    for before, after in pairwise(hours):
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            yield before


JUMPS = [(name, jump) for name in ZONES for jump in jumps(ZoneInfo(name), 2026)]
NEAR_A_JUMP = st.builds(
    lambda jump, minutes: jump[1] + minutes * MINUTE,
    st.sampled_from(JUMPS),
    st.integers(-180, 180),
)


@given(windows(), INSTANTS | NEAR_A_JUMP)
def test_a_wall_clock_inside_the_window_is_inside(found: Window, at: datetime) -> None:
    here = at.astimezone(found.zone)
    since = timedelta(hours=here.hour, minutes=here.minute)
    yesterday = (here.weekday() - 1) % 7
    if found.end > found.start:
        inside = here.weekday() in found.days and found.start <= since < found.end
    else:
        inside = (here.weekday() in found.days and since >= found.start) or (
            yesterday in found.days and since < found.end
        )
    assert found.covers(at) or not inside


QUARTERS = st.integers(0, 95) | st.integers(-8, 8)


@given(st.sampled_from(JUMPS), st.integers(-1, 1), QUARTERS, QUARTERS)
def test_a_jump_of_the_clock_tears_no_hole(
    jump: tuple[str, datetime], day: int, start: int, end: int
) -> None:
    zone = ZoneInfo(jump[0])
    here = jump[1].astimezone(zone)
    # Times around the one that the clock shows at the jump are the interesting ones.
    quarter = here.hour * 4 + here.minute // 15
    found = Window(
        zone=zone,
        days=frozenset({(here.weekday() + day) % 7}),
        start=(quarter + start) % 96 * 15 * MINUTE,
        end=(quarter + end) % 96 * 15 * MINUTE,
    )
    around = (jump[1] + n * 15 * MINUTE for n in range(-60 * 4, 60 * 4))
    inside = [found.covers(at) for at in around]
    begun = sum(after and not before for before, after in pairwise([False, *inside]))
    assert begun <= 1
