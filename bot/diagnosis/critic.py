"""A second reading: the team's written policy against the proposals.

It may add objections to the card and nothing else; whatever goes wrong, there are none.
"""

import logging
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.config.model import Budget
from bot.diagnosis import prompt
from bot.diagnosis.account import Account, Work
from bot.diagnosis.prompt import Candidate
from bot.diagnosis.provider import Conversation, Provider, Said
from bot.diagnosis.rounds import Rounds
from bot.model import Incident
from bot.ports import ModelUnavailable
from bot.text.redact import redact

log = logging.getLogger(__name__)

MOST_OBJECTIONS: Final = 3
_OBJECTION_LIMIT: Final = 200
_SCHEMA: Final = {
    "type": "object",
    "properties": {"objections": {"type": "array", "items": {"type": "string"}}},
    "required": ["objections"],
}


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    objections: Annotated[list[str], Field(max_length=20)]


class Critic:
    """Asks a model once, within the same kind of budget as a diagnosis."""

    def __init__(self, provider: Provider, *, budget: Budget, account: Account) -> None:
        self._provider = provider
        self._budget = budget
        self._account = account

    def review(
        self, incident: Incident, *, candidates: Sequence[Candidate], policy: str
    ) -> tuple[str, ...]:
        """Return at most three objections, in plain words; never raises for a model.

        policy: Markdown as the team wrote it; empty means that there is nothing to ask.
        """
        if not candidates or not policy.strip():
            return ()
        model = self._provider.model
        work = self._account.begin(incident.number, "critic", model, self._budget)
        outcome = "unavailable"
        objections: tuple[str, ...] = ()
        try:
            text = self._ask(prompt.review(incident, candidates, policy), work)
            objections = _understood(text)
            outcome = "answered"
        except ModelUnavailable as missing:
            log.info("critic.missing reason=%s", missing)
        except ValidationError:
            log.info("critic.missing reason=unusable")
        finally:
            self._account.enter(work, outcome)
        return objections

    def _ask(self, asked: str, work: Work) -> str:
        talk = Conversation(
            instructions=prompt.instructions(prompt.CRITIC_VERSION),
            turns=(Said(text=asked),),
        )
        rounds = Rounds(
            provider=self._provider, work=work, schema=_SCHEMA, verb="review"
        )
        return rounds.answer(talk).text


def _understood(text: str) -> tuple[str, ...]:
    said = _Answer.model_validate_json(text).objections
    plain = (" ".join(redact(one, limit=_OBJECTION_LIMIT).split()) for one in said)
    return tuple(dict.fromkeys(one for one in plain if one))[:MOST_OBJECTIONS]
