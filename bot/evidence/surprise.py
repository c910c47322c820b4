"""What else is unusual on the host: figures that hardly ever were so at this time of day.

A lone surprise calls nobody; on a card that stands for another reason it says where else
to look.
"""

from typing import Final

from bot.host.host import HostContext
from bot.host.unusual import named, odds
from bot.model import EvidenceItem, Incident, Table

_ROWS: Final = 10


class SurpriseEvidence:
    """Lists what is odd besides the incident's own figures."""

    name = "surprise"
    is_local = True

    def __init__(self, host: HostContext) -> None:
        self._host = host

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return the list, the rarest first; nothing where all else is as usual."""
        own = {finding.series for finding in incident.findings}
        others = [odd for odd in self._host.unusual().odd if odd.series not in own]
        if not others:
            return []
        rows = tuple(
            (named(odd.series), odd.figure, odd.usually, odds(odd.tail))
            for odd in others[:_ROWS]
        )
        columns = ("FIGURE", "NOW", "USUALLY AT THIS TIME", "ONE MINUTE OF SO MANY")
        table = Table(columns=columns, rows=rows)
        return [EvidenceItem(id="", title="What else is unusual", table=table)]


EVIDENCE = SurpriseEvidence
