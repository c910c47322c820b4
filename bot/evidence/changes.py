"""What changed shortly before: what people told, packages, the unit's files and settings."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bot.host.host import HostContext
from bot.model import EvidenceItem, Incident, Table
from remediation.printable import printable

LATELY: Final = timedelta(hours=24)
"""How long before the onset a change is still told."""
_MOST: Final = 8
_FILES: Final = 500
_LOG_BYTES: Final = 200_000
# dpkg(1): "2026-11-21 02:10:11 upgrade nginx:amd64 1.22.1-9 1.22.1-9+deb12u1"
_DPKG: Final = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (install|upgrade|remove|purge) (\S+) (\S+) (\S+)"
)
# dnf: "2026-11-21T02:10:11+0000 SUBDEBUG Upgrade: nginx-1:1.22.1-9.x86_64"
_DNF: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}) \S+ "
    r"(Installed|Upgrade|Upgraded|Erase|Removed): (\S+)"
)

Change = tuple[datetime, str]
"""When, and what in words."""


class ChangesEvidence:
    """Reads package logs and the times of files; a missing log tells nothing.

    root: where the machine's files are.
    """

    name = "changes"
    is_local = True

    def __init__(self, host: HostContext, *, root: Path = Path("/")) -> None:
        self._host = host
        self._root = root

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return one table of what changed in the day before, the newest first."""
        since = incident.since - LATELY
        told = list(self._told(incident))
        found = {*self._packages(), *self._files(incident)}
        until = incident.last_opened
        lately = sorted((c for c in found if since <= c[0] <= until), reverse=True)
        # An upgrade of a hundred packages must not hide what a person said.
        shown = sorted([*told, *lately][:_MOST], reverse=True)
        if not shown:
            return []
        rows = tuple((f"{at:%Y-%m-%d %H:%M} UTC", what) for at, what in shown)
        more = len(told) + len(lately) - len(shown)
        title = "What changed in the day before" + (f" ({more} more)" if more else "")
        table = Table(columns=("WHEN", "WHAT"), rows=rows)
        return [EvidenceItem(id="", title=title, table=table)]

    def _told(self, incident: Incident) -> Iterator[Change]:
        service, since = incident.unit_name or "", incident.since - LATELY
        host = self._host.name
        for mark in self._host.marks(host, service, since, incident.last_opened):
            of = f" ({mark.service})" if mark.service else ""
            by = f", told by {mark.by}" if mark.by else ""
            yield mark.at, f"{mark.text}{of}{by}"

    def _packages(self) -> Iterator[Change]:
        for line in _tail(self._root / "var/log/dpkg.log"):
            if (found := _DPKG.match(line)) and (at := _instant(found[1])):
                yield at, printable(f"package {found[3]}: {_step(found)}", limit=120)
        for line in _tail(self._root / "var/log/dnf.rpm.log"):
            if (found := _DNF.match(line)) and (at := _instant(found[1])):
                yield (
                    at,
                    printable(f"package {found[3]}: {found[2].lower()}", limit=120),
                )

    def _files(self, incident: Incident) -> Iterator[Change]:
        if incident.service is None:
            return
        service = incident.service
        stem = service.name.removesuffix(".service").partition("@")[0]
        known = [service.file, *service.drop_ins, f"/etc/default/{stem}"]
        inside = (self._root / "etc" / stem).rglob("*")
        named = (self._root / path.lstrip("/") for path in known if path)
        for file in (*named, *_first(inside, _FILES)):
            if at := _changed(file):
                shown = printable(f"/{file.relative_to(self._root)}", limit=120)
                yield at, f"file {shown}"


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None  # a line that something else wrote


def _step(found: re.Match[str]) -> str:
    if found[2] == "upgrade":
        return f"upgraded from {found[4]} to {found[5]}"
    return {"install": f"installed {found[5]}", "remove": "removed"}.get(
        found[2], "purged"
    )


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - _LOG_BYTES, 0))
            return file.read(_LOG_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return []


def _changed(file: Path) -> datetime | None:
    try:
        found = file.lstat()
    except OSError:
        return None
    is_folder = file.is_dir() and not file.is_symlink()
    return None if is_folder else datetime.fromtimestamp(found.st_mtime, UTC)


def _first(files: Iterable[Path], most: int) -> Iterator[Path]:
    try:
        for _, file in zip(range(most), files, strict=False):
            yield file
    except OSError:
        return


EVIDENCE = ChangesEvidence
