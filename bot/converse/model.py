"""A language model words the answer to an open question: it reads, and writes prose only.

What the rules found goes with the question. Commands, links, tables and charts of an
answer stay the rules' own; the model can add or change none of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.converse.question import Answer, Question
from bot.diagnosis import prompt
from bot.diagnosis.account import Account, Work
from bot.diagnosis.provider import (
    Allowance,
    Conversation,
    Provider,
    Read,
    Reply,
    Said,
    ToolCall,
    ToolResult,
)
from bot.diagnosis.reading import read
from bot.explain import context_of
from bot.model import EvidenceItem, Incident
from bot.model_section import Budget
from bot.ports import CannotRead, ModelUnavailable, Tool
from bot.redact import redact

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
        turn = _Turn(provider=self._provider, tools=self._tools, work=work)
        outcome = "unavailable"
        try:
            answer = turn.run(question, found, incident)
            outcome = "answered"
        finally:
            self._account.enter(work, outcome)
        return answer


@dataclass(slots=True, kw_only=True)
class _Turn:
    """One question being answered. known: ids that may be cited, and how they are shown."""

    provider: Provider
    tools: tuple[Tool, ...]
    work: Work
    known: dict[str, str] = field(default_factory=dict)

    def run(
        self, question: Question, found: Answer | None, incident: Incident | None
    ) -> Answer:
        asked = self._told(question, found, incident)
        folder = files("bot.converse").joinpath("prompts")
        instructions = folder.joinpath(f"{VERSION}.md").read_text(encoding="utf-8")
        talk = Conversation(instructions=instructions, turns=(Said(text=asked),))
        while not self.work.meter.is_last(talk.characters):
            reply = self._ask(talk, may_read=True)
            if not reply.calls:
                return self._understood(reply.text, found)
            results = tuple(self._result(call) for call in reply.calls)
            talk = talk.then(reply, Read(results=results))
        if len(talk.turns) > 1:
            talk = talk.then(Said(text=_LAST))
        return self._understood(self._ask(talk, may_read=False).text, found)

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
            self.known[_FOUND] = ""
            parts.append(prompt.reading(_FOUND, found.text))
        text = redact(question.text, limit=_QUESTION_LIMIT)
        return "\n".join((*parts, prompt.reading("question", text)))

    def _know(self, items: Sequence[EvidenceItem]) -> None:
        self.known |= {item.id: item.id for item in items if item.id}

    def _ask(self, talk: Conversation, *, may_read: bool) -> Reply:
        def turn(most: Allowance) -> Reply:
            may = replace(most, may_read=may_read)
            with self.work.trace.step(f"ask {self.provider.model}") as step:
                reply = self.provider.turn(talk, self.tools, _SCHEMA, may)
                step.tokens = reply.usage.tokens
            return reply

        return self.work.meter.ask(talk.characters, turn)

    def _result(self, call: ToolCall) -> ToolResult:
        tool = next((tool for tool in self.tools if tool.name == call.name), None)
        if tool is None:
            return ToolResult(call=call, text="There is no such tool.")
        with self.work.trace.step(f"read {tool.name}"):
            try:
                text = read(tool, call.arguments, self.work.meter)
            except CannotRead as why:
                return ToolResult(call=call, text=f"Not readable: {why}")
        id_ = f"T{1 + sum(known.startswith('T') for known in self.known)}"
        self.known[id_] = f"{id_} {tool.name}"
        return ToolResult(call=call, text=prompt.reading(id_, text))

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
        cited = [id_ for id_ in dict.fromkeys(said.evidence) if id_ in self.known]
        behind = found.evidence if found and _FOUND in cited else ()
        shown = [self.known[id_] for id_ in cited if self.known[id_]]
        return replace(
            found or Answer(text=""),
            text=plain.strip(),
            author=self.provider.model,
            evidence=tuple(dict.fromkeys((*shown, *behind))),
            missing="" if cited else _CITED_NOTHING,
        )


def _unusable() -> ModelUnavailable:
    reason = "the model's answer could not be used"
    return ModelUnavailable(reason, may_retry=False)
