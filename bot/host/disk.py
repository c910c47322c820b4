"""What could be deleted on a file system, of all that the team lists for cleaning.

On which mount an area lies is read from the list of mounts, not asked of the file
system: one that hangs would take whoever asks with it. What lies inside is asked in
threads (`looks.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shlex import quote

from bot.host.looks import SPAN, Looks
from bot.host.mounts import Mount, parse
from bot.kernel.roots import PROC
from remediation.action import CleanFiles
from remediation.acts.clutter import Clutter, clutter_of
from remediation.acts.sweep import standing
from remediation.rules.verdict import Refusal
from remediation.target.area import Area


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A file system and what lies in its areas, the one that frees most first.

    has_gate: whether the gate may be asked for what the bot's own user may not delete.
    """

    mount: str
    clutters: tuple[Clutter, ...]
    has_gate: bool = False

    @property
    def areas(self) -> str:
        """Name the areas."""
        return ", ".join(clutter.area.name for clutter in self.clutters)

    def refusal(self, action: CleanFiles) -> Refusal | None:
        """Say why nobody here may delete the action's files, if that is so."""
        closed = [
            c for c in self.clutters if c.area.name == action.area and c.is_closed
        ]
        if self.has_gate or not closed:
            return None
        days = action.older_than.days
        return Refusal(
            rule="cleaning.privilege",
            reason=f"the bot's own user may not delete in {action.folder}, and no gate "
            "is set (deploy/README.md)",
            by_hand=f"find {quote(action.folder)} -xdev -type f -mtime +{days} -ls"
            "  (as root; lists what is old)",
        )


class Disks:
    """Looks into the areas that may be cleaned."""

    def __init__(
        self, areas: Sequence[Area], proc: Path = PROC, *, has_gate: bool = False
    ) -> None:
        self._areas = areas
        self._has_gate = has_gate
        self._proc = proc
        self._looks = Looks()

    def of(self, mount: str) -> Disk:
        """Look into every area that lies on this file system."""
        looks = {area: partial(clutter_of, area, SPAN) for area in self._on(mount)}
        found = self._looks.into(looks)
        found.sort(key=lambda clutter: -clutter.size)
        return Disk(mount=mount, clutters=tuple(found), has_gate=self._has_gate)

    def to_clean(self, action: CleanFiles) -> Disk:
        """Look at the very files of an action; those that changed count as spared."""
        known = (area for area in self._areas if area.name == action.area)
        area = next(known, None)
        if area is None:
            return Disk(mount=action.folder, clutters=())
        found = self._looks.into({area: partial(_as_approved, area, action)})
        return Disk(mount=action.folder, clutters=tuple(found), has_gate=self._has_gate)

    def _on(self, name: str) -> Iterator[Area]:
        mounts = parse((self._proc / "self/mountinfo").read_bytes())
        device = next((m.device for m in mounts if m.name == name), None)
        for area in self._areas:
            place = _mount_of(area.folder, mounts)
            if place is not None and place.device == device:
                yield area


def _as_approved(area: Area, action: CleanFiles) -> Clutter:
    try:
        found = standing(action.folder, action.files)
    except OSError as error:
        why = f"{action.folder} cannot be looked at ({error.strerror})"
        return Clutter(area=area, trouble=why)
    left = [str(reason) for reason in found.values() if reason is not None]
    spared = tuple((reason, left.count(reason)) for reason in sorted(set(left)))
    files = tuple(file for file, reason in found.items() if reason is None)
    now = clutter_of(area, SPAN)
    listed = set(action.files)
    others = [file for file in now.files if file not in listed]
    return replace(
        now,
        files=files,
        spared=spared + now.spared,
        beyond=len(others) + now.beyond,
        beyond_bytes=sum(file.size for file in others) + now.beyond_bytes,
    )


def _mount_of(folder: str, mounts: Sequence[Mount]) -> Mount | None:
    """Return the mount with the longest point that the path lies below."""
    path = f"{folder}/".encode()
    above = [m for m in mounts if path.startswith(m.point.rstrip(b"/") + b"/")]
    return max(above, key=lambda mount: len(mount.point), default=None)
