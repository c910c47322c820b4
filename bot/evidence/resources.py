"""What the culprit holds and does: open files, connections, bytes read and written."""

from collections import Counter

import psutil

from bot.blame.suspects import same_process
from bot.host.host import HostContext
from bot.model import EvidenceItem, Incident
from bot.text.words import amount
from remediation.target.identity import Gone


class ResourcesEvidence:
    """Asks psutil about the culprit; figures only, never names of files or peers."""

    name = "resources"
    is_local = True

    def __init__(self, host: HostContext) -> None:
        self._host = host

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return one item; none where there is no culprit or it may not be looked at."""
        culprit = incident.culprit
        if culprit is None:
            return []
        pid = culprit.identity.pid
        try:
            lines = _lines(psutil.Process(pid))
            # Read by pid, so it counts only if it still is the same process.
            same = same_process(self._host.facts, (pid, culprit.identity.start_ticks))
        except (psutil.Error, Gone):
            return []
        if same is None:
            return []
        return [EvidenceItem(id="", title=f"What pid {pid} holds", text=lines)]


def _lines(process: psutil.Process) -> str:
    moved = process.io_counters()
    switches = process.num_ctx_switches()
    states = Counter(c.status for c in process.net_connections(kind="inet"))
    sockets = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return "\n".join(
        (
            f"Open files: {process.num_fds()}",
            f"Connections: {sockets or 'none'}",
            f"Read from disk: {amount(moved.read_bytes, 'B')}",
            f"Written to disk: {amount(moved.write_bytes, 'B')}",
            f"Switched away: {switches.voluntary} by itself, {switches.involuntary} forced",
        )
    )


EVIDENCE = ResourcesEvidence
