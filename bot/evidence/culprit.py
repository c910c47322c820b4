"""What the culprit is: where it belongs, who started it, what would go with it."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Final

from bot.blame.suspects import same_process, who
from bot.host.host import HostContext
from bot.model import EvidenceItem, Incident
from bot.text.words import amount, seconds
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Gone, Unobservable

_LISTED: Final = 8
"""Parents, children and ports that are named; more are counted."""


class CulpritEvidence:
    """Reads the incident's culprit, its parents and its children as they are now."""

    name = "culprit"
    is_local = True

    def __init__(self, host: HostContext) -> None:
        self._host = host

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return one item; none where there is no culprit or it has ended."""
        culprit = incident.culprit
        if culprit is None:
            return []
        identity = culprit.identity
        try:
            process = same_process(
                self._host.facts, (identity.pid, identity.start_ticks)
            )
        except Gone:
            return []
        if process is None:
            return []
        title = f"The process {who(process)}"
        return [EvidenceItem(id="", title=title, text="\n".join(self._lines(process)))]

    def _lines(self, process: ProcessFacts) -> list[str]:
        age = self._host.clock.now().wall - process.started_at.astimezone(UTC)
        parents = [self._label(pid) for pid in process.ancestors[:_LISTED]]
        children = [who(child) for child in self._children(process)]
        return [
            f"Command: {process.label}",
            f"Runs in: {process.home}",
            f"Running for: {seconds(max(age, timedelta(0)))}",
            f"State: {process.state}, {process.threads} threads, nice {process.nice}",
            f"Resident memory: {amount(process.rss_bytes, 'B')}",
            f"Started by: {_some(parents, len(process.ancestors), ' < ')}",
            f"Children: {_some(children, len(children), ', ')}",
            f"Listens on: {_some([str(p) for p in process.ports], len(process.ports), ', ')}",
            f"Would be started again by: {process.respawner or 'nobody known'}",
        ]

    def _label(self, pid: int) -> str:
        try:
            return who(self._host.facts.read(pid))
        except (Gone, Unobservable):
            return f"pid {pid}"

    def _children(self, process: ProcessFacts) -> Sequence[ProcessFacts]:
        try:
            return self._host.facts.descendants(process.identity.pid)
        except Unobservable:
            return ()


def _some(names: Sequence[str], count: int, between: str) -> str:
    if not names:
        return "none"
    more = count - min(len(names), _LISTED)
    return between.join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


EVIDENCE = CulpritEvidence
