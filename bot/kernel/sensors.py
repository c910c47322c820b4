"""Temperatures of the hardware: Documentation/hwmon/sysfs-interface.rst, thermal/sysfs-api.rst."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

from bot.kernel.roots import Roots, read_file
from bot.ports import NotTold
from remediation.printable import printable

_MOST: Final = 500
_INPUT: Final = re.compile(r"temp\d+_input")
_SANE: Final = (-50.0, 200.0)
"""°C that hardware may have; a sensor that is not wired tells -128 or 65,000."""
_SANE_LIMIT: Final = (30.0, 150.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """One sensor. name: printable, one of its kind. limit: its own, None without."""

    name: str
    celsius: float
    limit: float | None


def read(roots: Roots) -> Sequence[Sensor]:
    """Return all that answer, 500 at most; raise `NotTold` where there are none."""
    found = [*islice(_hwmon(roots.sys), _MOST)]
    if not any(sensor.limit for sensor in found):
        found += islice(_zones(roots.sys), _MOST - len(found))
    if not found:
        raise NotTold("this host has no sensors of temperature")
    seen: Counter[str] = Counter()
    named = []
    for sensor in found:
        seen[sensor.name] += 1
        times = seen[sensor.name]
        named.append(
            sensor if times == 1 else replace(sensor, name=f"{sensor.name} ({times})")
        )
    return named


def _hwmon(sys: Path) -> Iterator[Sensor]:
    for folder in _sorted(sys / "class" / "hwmon"):
        for file in _sorted(folder):
            if not _INPUT.fullmatch(file.name):
                continue
            celsius = _degrees(file, _SANE)
            if celsius is None:
                continue
            own = file.name.removesuffix("_input")
            limits = (
                _degrees(folder / f"{own}_{kind}", _SANE_LIMIT)
                for kind in ("crit", "max")
            )
            chip = _text(folder / "name") or folder.name
            label = _text(folder / f"{own}_label") or own
            yield Sensor(
                name=printable(f"{chip} {label}", limit=60),
                celsius=celsius,
                limit=next((limit for limit in limits if limit is not None), None),
            )


def _zones(sys: Path) -> Iterator[Sensor]:
    for folder in _sorted(sys / "class" / "thermal"):
        celsius = _degrees(folder / "temp", _SANE)
        if celsius is None or not folder.name.startswith("thermal_zone"):
            continue
        kind = _text(folder / "type") or folder.name
        name = printable(kind, limit=60)
        yield Sensor(name=name, celsius=celsius, limit=_critical_trip(folder))


def _critical_trip(zone: Path) -> float | None:
    for point in range(12):
        if _text(zone / f"trip_point_{point}_type") == "critical":
            return _degrees(zone / f"trip_point_{point}_temp", _SANE_LIMIT)
    return None


def _sorted(folder: Path) -> Sequence[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda path: (len(path.name), path.name))
    except OSError:
        return ()


def _text(path: Path) -> str:
    try:
        return read_file(path).decode(errors="replace").strip()
    except OSError:
        return ""


def _degrees(path: Path, sane: tuple[float, float]) -> float | None:
    """Return °C; None where the sensor gives no answer, or one that cannot be."""
    text = _text(path)
    if not re.fullmatch(r"-?\d{1,9}", text):
        return None
    celsius = int(text) / 1000
    return celsius if sane[0] <= celsius <= sane[1] else None
