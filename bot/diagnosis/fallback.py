"""The rules speak where the model does not, and the card says why."""

from collections.abc import Sequence
from dataclasses import replace

from bot.diagnosis.model import ModelDiagnoser
from bot.diagnosis.prompt import Candidate
from bot.diagnosis.rules import RuleDiagnoser
from bot.lore import Diagnosis
from bot.model import EvidenceItem, Incident
from bot.ports import DiagnosisUnavailable


class ModelOrRules:
    """A `Diagnoser` that always has an answer."""

    def __init__(self, model: ModelDiagnoser, rules: RuleDiagnoser) -> None:
        self._model = model
        self._rules = rules

    def diagnose(
        self,
        incident: Incident,
        *,
        candidates: Sequence[Candidate] = (),
        context: Sequence[EvidenceItem] = (),
    ) -> Diagnosis:
        """Return the model's opinion, or the rules' with what is missing."""
        try:
            return self._model.diagnose(
                incident, candidates=candidates, context=context
            )
        except DiagnosisUnavailable as missing:
            return replace(self._rules.diagnose(incident), missing=str(missing))
