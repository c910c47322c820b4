"""A model adds prose to a postmortem: to its summary and its follow-ups, nothing else.

The document's figures, times and names are not its own to write; `bot/learning/postmortem.py`
takes two sections of the answer, makes them inert and marks them.
"""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.config.model import Budget
from bot.diagnosis import prompt
from bot.diagnosis.account import Account, Work
from bot.diagnosis.meter import CHARACTERS_PER_TOKEN
from bot.diagnosis.provider import Conversation, Provider, Said
from bot.diagnosis.rounds import Rounds
from bot.ports import DiagnosisUnavailable, ModelUnavailable

VERSION: Final = "postmortem.v2"
PURPOSE: Final = "postmortem"

_MOST: Final = 8
_DOCUMENT: Final = 40_000
"""Characters of a document that are sent at most: some 13,000 tokens."""
_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "follow_ups": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["summary", "follow_ups"],
}


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    summary: Annotated[str, Field(max_length=4000)]
    follow_ups: Annotated[list[str], Field(max_length=20)]


class Improve:
    """Asks once, within the same budget as a diagnosis, at the incident's expense."""

    def __init__(self, provider: Provider, *, budget: Budget, account: Account) -> None:
        self._provider = provider
        self._budget = budget
        self._account = account

    def __call__(self, incident: int, document: str) -> str:
        """Return the two sections in Markdown; raise `DiagnosisUnavailable`.

        incident: the number of the one that the document is about.
        """
        model = self._provider.model
        work = self._account.begin(incident, PURPOSE, model, self._budget)
        outcome = "unavailable"
        try:
            said = _Answer.model_validate_json(self._ask(document, work))
            outcome = "answered"
        except ModelUnavailable as missing:
            raise DiagnosisUnavailable(str(missing)) from missing
        except ValidationError as wrong:
            reason = "the model's answer could not be used"
            raise DiagnosisUnavailable(reason) from wrong
        finally:
            self._account.enter(work, outcome)
        asked = "\n".join(f"* {one}" for one in said.follow_ups[:_MOST])
        return f"## Summary\n\n{said.summary}\n\n## Follow-ups\n\n{asked}\n"

    def _ask(self, document: str, work: Work) -> str:
        # Half of the tokens: the other half is for the answer, and for a bad guess.
        most = min(_DOCUMENT, self._budget.tokens // 2 * CHARACTERS_PER_TOKEN)
        talk = Conversation(
            instructions=prompt.instructions(VERSION),
            turns=(Said(text=prompt.document(document, most)),),
        )
        rounds = Rounds(
            provider=self._provider, work=work, schema=_SCHEMA, verb="write"
        )
        return rounds.answer(talk).text
