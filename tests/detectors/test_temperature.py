"""Temperatures: each sensor against its own limit; hosts without sensors do not tell."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.detectors.temperature import MOST, Temperature, TemperatureSection
from bot.host.host import HostSampler
from bot.kernel import sensors
from bot.kernel.roots import Roots
from bot.model import Level
from bot.ports import NotTold
from tests.detectors.pieces import HandClock, PaperFacts, PaperProc, context, this_host


@pytest.fixture
def sys(tmp_path: Path) -> PaperProc:
    return PaperProc(tmp_path, HandClock())


@pytest.fixture
def temperature(sys: PaperProc) -> Temperature:
    sampler = HostSampler(sys.clock, proc=sys.root, sys=sys.root)
    host = context(sys.root, sys.clock, PaperFacts(sys.root), sampler=sampler)
    return Temperature(TemperatureSection(), host)


def sensor(
    sys: PaperProc, chip: int, name: str, celsius: float, **limits: float
) -> None:
    folder = f"class/hwmon/hwmon{chip}"
    sys.file(f"{folder}/name", f"{name}\n")
    sys.file(f"{folder}/temp1_input", f"{celsius * 1000:.0f}\n")
    for kind, limit in limits.items():
        sys.file(f"{folder}/temp1_{kind}", f"{limit * 1000:.0f}\n")
    sys.clock.forward(15)


@pytest.mark.parametrize(
    ("celsius", "level"),
    [
        (60, Level.OK),
        (96, Level.WARNING),
        (99.5, Level.CRITICAL),
        (105, Level.CRITICAL),
    ],
)
def test_a_sensor_is_judged_by_its_own_limit(
    temperature: Temperature, sys: PaperProc, celsius: float, level: Level
) -> None:
    sensor(sys, 0, "coretemp", celsius, crit=100, max=80)

    (found,) = temperature.check(())

    assert (found.subject, found.level) == ("coretemp temp1", level)
    assert found.value == pytest.approx(100 - celsius)
    assert (found.no_action is None) == (level is Level.OK)


def test_it_cools_down_before_it_is_over(
    temperature: Temperature, sys: PaperProc
) -> None:
    levels = []
    for celsius in (96, 94, 91):
        sensor(sys, 0, "nvme", celsius, crit=100)
        levels += [f.level for f in temperature.check(())]

    assert levels == [Level.WARNING, Level.WARNING, Level.OK]


def test_a_watched_sensor_that_is_gone_is_unknown(
    temperature: Temperature, sys: PaperProc
) -> None:
    sensor(sys, 0, "nvme", 40, crit=80)

    found = {f.subject: f.level for f in temperature.check(("fan temp1",))}

    assert found == {"fan temp1": Level.UNKNOWN, "nvme temp1": Level.OK}


def test_of_a_thousand_hot_sensors_the_hottest_are_told(
    temperature: Temperature, sys: PaperProc
) -> None:
    for chip in range(300):
        sensor(sys, chip, f"disk\n{chip}", 96 + chip / 100, crit=100)

    found = temperature.check(())

    assert len(found) == MOST
    assert min(f.value or 0 for f in found) == pytest.approx(100 - 98.99)
    assert all(f.subject.isprintable() for f in found)


def test_sensors_that_are_not_wired_are_left_out(sys: PaperProc) -> None:
    sensor(sys, 0, "acpi", -128, crit=100)
    sensor(sys, 1, "nvme", 40, crit=65261.85, max=82)

    (found,) = sensors.read(Roots(sys=sys.root))

    assert (found.name, found.limit) == ("nvme temp1", 82)


def test_a_thermal_zone_serves_where_there_is_nothing_else(sys: PaperProc) -> None:
    zone = "class/thermal/thermal_zone0"
    for name, text in (
        ("type", "x86_pkg_temp"),
        ("temp", "45000"),
        ("trip_point_0_type", "passive"),
        ("trip_point_1_type", "critical"),
        ("trip_point_1_temp", "105000"),
    ):
        sys.file(f"{zone}/{name}", f"{text}\n")

    (found,) = sensors.read(Roots(sys=sys.root))

    assert (found.name, found.celsius, found.limit) == ("x86_pkg_temp", 45, 105)


def test_no_sensors_and_none_with_a_limit_are_not_well(
    temperature: Temperature, sys: PaperProc
) -> None:
    with pytest.raises(NotTold, match="no sensors"):
        temperature.check(())
    sensor(sys, 0, "battery", 30)
    with pytest.raises(NotTold, match="own limit"):
        temperature.check(())


def test_this_host_tells_or_says_why_not() -> None:
    try:
        found = sensors.read(Roots())
    except NotTold:
        return
    assert all(-50 <= one.celsius <= 200 for one in found)
    Temperature(TemperatureSection(), this_host())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(texts=st.tuples(*[st.binary(max_size=12)] * 3))
def test_whatever_a_driver_says_a_temperature_is_sane(
    sys: PaperProc, texts: tuple[bytes, bytes, bytes]
) -> None:
    folder = sys.root / "class" / "hwmon" / "hwmon0"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in zip(("temp1_input", "temp1_crit", "name"), texts, strict=True):
        (folder / name).write_bytes(text)

    try:
        found = sensors.read(Roots(sys=sys.root))
    except NotTold:
        return
    assert all(-50 <= one.celsius <= 200 for one in found)
    assert all(one.limit is None or 30 <= one.limit <= 150 for one in found)
