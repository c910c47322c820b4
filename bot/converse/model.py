"""A language model words the answer to an open question: it reads, and writes prose only.

What the rules found goes with the question. Commands, links, tables and charts of an
answer stay the rules' own; the model can add or change none of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.config.model import Budget
from bot.converse.question import Answer, Question
from bot.diagnosis import prompt
from bot.diagnosis.account import Account
from bot.diagnosis.context import context_of
from bot.diagnosis.provider import Conversation, Provider, Said
from bot.diagnosis.rounds import Rounds
from bot.model import EvidenceItem, Incident
from bot.ports import ModelUnavailable, Tool
from bot.text.redact import redact

VERSION: Final = "converse.v1"
PURPOSE: Final = "conversation"

_FOUND: Final = "B1"
_ANSWER_LIMIT: Final = 1500
_QUESTION_LIMIT: Final = 1000
_LAST: Final = "There is no budget for more reading. Answer now, with what is known."
_CITED_NOTHING: Final = "the model cited no evidence for what it says"
_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "answer": {"type": "string"},
        "evidence": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["answer", "evidence"],
}


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    answer: Annotated[str, Field(min_length=1)]
    evidence: Annotated[list[str], Field(max_length=20)] = []


class ModelTalk:
    """Asks a model within a budget, and enters what it cost."""

    def __init__(
        self,
        provider: Provider,
        *,
        tools: Sequence[Tool],
        budget: Budget,
        account: Account,
    ) -> None:
        self._provider = provider
        self._tools = tuple(tools)
        self._budget = budget
        self._account = account

    def worded(
        self, question: Question, found: Answer | None, incident: Incident | None
    ) -> Answer:
        """Return the model's answer; raise `ModelUnavailable`.

        found: what the rules say, None where they have no answer.
        """
        number = incident.number if incident else 0
        model = self._provider.model
        work = self._account.begin(number, PURPOSE, model, self._budget)
        rounds = Rounds(
            provider=self._provider, work=work, schema=_SCHEMA, tools=self._tools
        )
        outcome = "unavailable"
        try:
            answer = _Turn(rounds).run(question, found, incident)
            outcome = "answered"
        finally:
            self._account.enter(work, outcome)
        return answer


@dataclass(frozen=True, slots=True)
class _Turn:
    """One question being answered."""

    rounds: Rounds

    def run(
        self, question: Question, found: Answer | None, incident: Incident | None
    ) -> Answer:
        folder = files("bot.converse").joinpath("prompts")
        talk = Conversation(
            instructions=folder.joinpath(f"{VERSION}.md").read_text(encoding="utf-8"),
            turns=(Said(text=self._told(question, found, incident)),),
        )
        heard = self.rounds.run(talk, last=_LAST)
        return self._understood(heard.reply.text, found)

    def _told(
        self, question: Question, found: Answer | None, incident: Incident | None
    ) -> str:
        parts = []
        if incident is not None:
            context = context_of(incident.knowledge)
            parts.append(prompt.question(incident, (), context))
            self._know((*incident.evidence, *context))
        for said in question.thread:
            turn = f"Asked: {said.asked}\nAnswered: {said.answered}"
            parts.append(prompt.reading("thread", turn))
        if found is not None:
            self.rounds.shown[_FOUND] = ""
            parts.append(prompt.reading(_FOUND, found.text))
        text = redact(question.text, limit=_QUESTION_LIMIT)
        return "\n".join((*parts, prompt.reading("question", text)))

    def _know(self, items: Sequence[EvidenceItem]) -> None:
        self.rounds.shown.update({item.id: item.id for item in items if item.id})

    def _understood(self, text: str, found: Answer | None) -> Answer:
        bare = text.strip().removeprefix("```json").removesuffix("```")
        try:
            said = _Answer.model_validate_json(bare)
        except ValidationError as wrong:
            raise _unusable() from wrong
        answer = redact(said.answer, limit=_ANSWER_LIMIT)
        plain = "\n".join(" ".join(line.split()) for line in answer.splitlines())
        if not plain.strip():
            raise _unusable()
        known = self.rounds.shown
        cited = [id_ for id_ in dict.fromkeys(said.evidence) if id_ in known]
        behind = found.evidence if found and _FOUND in cited else ()
        shown = [known[id_] for id_ in cited if known[id_]]
        return replace(
            found or Answer(text=""),
            text=plain.strip(),
            author=self.rounds.provider.model,
            evidence=tuple(dict.fromkeys((*shown, *behind))),
            missing="" if cited else _CITED_NOTHING,
        )


def _unusable() -> ModelUnavailable:
    reason = "the model's answer could not be used"
    return ModelUnavailable(reason, may_retry=False)
