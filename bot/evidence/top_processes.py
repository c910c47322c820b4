"""The five largest users of the CPU and of the memory, as `top` would list them.

CPU: percent of one core since the scan that a detector made before (a round ago);
no figure where there was none. RSS: resident memory, shared pages included.
"""

from collections.abc import Sequence
from typing import Final

from bot.blame.suspects import cpu_percents, same_process
from bot.host.host import HostContext, ProcessScan
from bot.host.procfs import Key, ProcessRow
from bot.model import EvidenceItem, Incident, Table
from bot.text.words import amount
from remediation.target.identity import Gone

_TOP: Final = 5
_COLUMNS: Final = ("PID", "USER", "CPU %", "RSS", "STATE", "UNIT/CGROUP", "COMMAND")


class TopProcesses:
    """Lists processes; reads the details of at most ten."""

    name = "top_processes"
    is_local = True

    def __init__(self, host: HostContext) -> None:
        self._host = host

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return what `now` does; the incident does not matter."""
        del incident
        return self.now()

    def now(self) -> list[EvidenceItem]:
        """Return two tables, or one where no CPU figures are known; none without /proc."""
        try:
            before, now = self._host.sampler.two_scans()
        except (OSError, ValueError):
            return []
        used = cpu_percents(before, now) if before else None
        items = [self._item("Top processes by memory", _by_memory(now), used)]
        if used:
            largest = sorted(used, key=lambda key: used[key], reverse=True)[:_TOP]
            rows = [now.rows[key] for key in largest]
            items.insert(0, self._item("Top processes by CPU", rows, used))
        return items

    def _item(
        self, title: str, rows: Sequence[ProcessRow], used: dict[Key, float] | None
    ) -> EvidenceItem:
        table = Table(
            columns=_COLUMNS,
            rows=tuple(line for row in rows if (line := self._line(row, used))),
        )
        return EvidenceItem(id="", title=title, table=table)

    def _line(
        self, row: ProcessRow, used: dict[Key, float] | None
    ) -> tuple[str, ...] | None:
        try:
            process = same_process(self._host.facts, row.key)
        except Gone:
            return None
        cpu = "-" if used is None else f"{used.get(row.key, 0.0):.0f}"
        place = process.home if process else "(hidden)"
        return (
            str(row.pid),
            process.user if process else "(hidden)",
            cpu,
            amount(row.rss_bytes, "B"),
            row.state.decode("ascii", "replace"),
            place,
            process.label if process else f"[{row.name}]",
        )


def _by_memory(now: ProcessScan) -> list[ProcessRow]:
    rows = sorted(now.rows.values(), key=lambda row: row.rss_pages, reverse=True)
    return [row for row in rows[:_TOP] if row.rss_pages]


EVIDENCE = TopProcesses
