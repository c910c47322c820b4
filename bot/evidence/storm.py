"""What began together: every condition of a storm, as it was when the incident opened."""

from typing import Final

from bot.host.host import HostContext
from bot.model import EvidenceItem, Incident, Table
from bot.text.words import level_word

_ROWS: Final = 100


class StormEvidence:
    """Lists the incident's own findings; it reads nothing."""

    name = "storm"
    is_local = False

    def __init__(self, host: HostContext) -> None:
        del host

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return the list; nothing for an incident of one cause."""
        if not incident.is_storm:
            return []
        rows = tuple(
            (f.host, f.label, level_word(f.level), f.summary)
            for f in incident.findings[:_ROWS]
        )
        left = len(incident.findings) - len(rows)
        more = f", {left} more" if left else ""
        columns = ("HOST", "CONDITION", "LEVEL", "WHAT")
        table = Table(columns=columns, rows=rows)
        title = f"What began together ({len(rows)} conditions{more})"
        return [EvidenceItem(id="", title=title, table=table)]


EVIDENCE = StormEvidence
