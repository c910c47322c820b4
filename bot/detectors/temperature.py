"""A part of the hardware is hotter than it may be.

Unit: °C that are left until the sensor's own limit (its `crit`, else its `max`, else the
critical trip point of its thermal zone); low is bad. Window: none, it is an amount.
Limits: at the limit the hardware slows down, a little above it switches off; within 5 °C
somebody should look (node_exporter's rules fire at the limit itself, which is too late to
move work away), at 1 °C at once. Two minutes, since cores under a short load reach it and
cool down in seconds. One subject for each sensor, the hottest twenty; sensors without a
limit of their own are left out. Culprits: none, it is the cooling that mends it.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from bot.config.durations import Duration
from bot.config.settings import DetectorSection
from bot.host.host import HostContext
from bot.kernel import sensors
from bot.kernel.sensors import Sensor
from bot.measuring.gauge import Gauge
from bot.model import Fact, Finding, Level, NoAction
from bot.ports import NotTold
from bot.text.words import amount

MOST: Final = 20
_COOLING: Final = NoAction(
    rule="hardware",
    reason="cooling mends it, and no process is at fault for that",
    by_hand="sensors; ipmitool sdr type Fan; journalctl -k | grep -i thermal | tail",
)


class TemperatureSection(DetectorSection):
    """Limits in °C below the limit of each sensor."""

    interval: Annotated[Duration, Field(ge=timedelta(seconds=0.2))] = timedelta(
        seconds=15
    )
    for_: Duration = Field(default=timedelta(minutes=2), alias="for")
    warning: float = 5
    critical: float = 1
    clear_warning: float | None = 8
    clear_critical: float | None = 3


class Temperature:
    """Measures what is left until each sensor's limit."""

    name = "temperature"
    Section = TemperatureSection

    def __init__(self, section: TemperatureSection, host: HostContext) -> None:
        self.section = section
        self._host = host
        self._gauge = Gauge(
            detector=self.name,
            host=host.name,
            label="Left until too hot",
            unit="°C",
            limits=section.limits(above=False),
        )

    def check(self, watched: Collection[str]) -> list[Finding]:
        """Measure once: what is hot, what is watched, and always the hottest."""
        now = self._host.sampler.look(sensors.read)
        known = {s.name: s for s in now.value if s.limit is not None}
        if not known:
            raise NotTold("no sensor of temperature tells its own limit")
        ranked = sorted(known.values(), key=_left)
        wanted = {sensor.name for sensor in ranked[:MOST]} | set(watched)
        self._gauge.keep(wanted)
        found = [
            self._finding(known.get(name), name, now.at.wall) for name in sorted(wanted)
        ]
        shown = {ranked[0].name, *watched}
        return [f for f in found if f.level is not Level.OK or f.subject in shown]

    def _finding(self, sensor: Sensor | None, name: str, at: datetime) -> Finding:
        if sensor is None or sensor.limit is None:
            return replace(self._gauge.unknown(at, name), is_passing=True)
        left = _left(sensor)
        has = f"has {amount(sensor.celsius, '°C')}; its limit is {amount(sensor.limit, '°C')}"
        summary = f"{name} of {self._host.name} {has}."
        found = self._gauge.finding(left, summary, at, name)
        found = replace(found, label=f"Left until {name} is too hot", is_passing=True)
        if found.level is Level.OK:
            return found
        facts = (
            Fact(label="Temperature", value=amount(sensor.celsius, "°C")),
            Fact(label="Its limit", value=amount(sensor.limit, "°C")),
            Fact(label="Left", value=self._gauge.said(left, found.level)),
        )
        return replace(found, facts=facts, no_action=_COOLING)


def _left(sensor: Sensor) -> float:
    return (sensor.limit or 0.0) - sensor.celsius


DETECTOR = Temperature
