"""How a new incident is looked into: evidence from every source, then an opinion on it.

Part of a detector's round, so nothing here may keep an incident from people.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.lore import Diagnosis
from bot.model import EvidenceItem, Incident
from bot.ports import Diagnoser, DiagnosisUnavailable, Evidence
from bot.runtime.loop import attempt

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Sources of evidence, and the diagnoser."""

    evidence: Sequence[Evidence]
    diagnoser: Diagnoser

    def of(self, incident: Incident, *, is_here: bool) -> Incident:
        """Return it with evidence and opinion. is_here: whether local sources count."""
        told = [source for source in self.evidence if is_here or not source.is_local]
        items = [item for source in told for item in _read(source, incident)]
        numbered = enumerate(items, start=1)
        evidence = tuple(replace(item, id=f"E{index}") for index, item in numbered)
        known = replace(incident, evidence=evidence)
        return replace(known, diagnosis=self._diagnose(known))

    def _diagnose(self, incident: Incident) -> Diagnosis | None:
        try:
            return attempt(
                lambda: self.diagnoser.diagnose(incident),
                instead=None,
                name="diagnosis",
                passing=(DiagnosisUnavailable,),
            )
        except DiagnosisUnavailable as missing:
            log.info("diagnosis.missing reason=%s", missing)
            return None


def _read(source: Evidence, incident: Incident) -> list[EvidenceItem]:
    return attempt(
        lambda: source.gather(incident),
        instead=[EvidenceItem(id="", title=source.name, text="It could not be read.")],
        name=f"evidence {source.name}",
    )
