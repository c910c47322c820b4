"""A model adds prose to a postmortem: to its summary and its follow-ups, nothing else.

The document's figures, times and names are not its own to write; `bot/postmortem.py`
takes two sections of the answer, makes them inert and marks them.
"""

from dataclasses import replace
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.diagnosis import prompt
from bot.diagnosis.account import Account, Work
from bot.diagnosis.provider import Allowance, Conversation, Provider, Reply, Said
from bot.model_section import Budget
from bot.ports import DiagnosisUnavailable, ModelUnavailable

VERSION: Final = "postmortem.v1"
PURPOSE: Final = "postmortem"

_MOST: Final = 8
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
    """Asks once, within the same budget as a diagnosis; incident 0 in the account."""

    def __init__(self, provider: Provider, *, budget: Budget, account: Account) -> None:
        self._provider = provider
        self._budget = budget
        self._account = account

    def __call__(self, document: str) -> str:
        """Return the two sections in Markdown; raise `DiagnosisUnavailable`."""
        work = self._account.begin(0, PURPOSE, self._provider.model, self._budget)
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
        talk = Conversation(
            instructions=prompt.instructions(VERSION),
            turns=(Said(text=prompt.reading("document", document)),),
        )

        def turn(most: Allowance) -> Reply:
            may = replace(most, may_read=False)
            return self._provider.turn(talk, (), _SCHEMA, may)

        return work.meter.ask(talk.characters, turn).text
