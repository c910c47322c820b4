"""Diagnosis by a language model: a question, a few readings, one checked answer.

The model reads through tools and writes prose. It never sees a way to act, and what it
says ends in a `Diagnosis`, which no button and no fact is made from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.diagnosis import prompt
from bot.diagnosis.account import Account, Work
from bot.diagnosis.answer import Expected, Unusable, schema, understood
from bot.diagnosis.prompt import Candidate
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
from bot.model import Diagnosis, EvidenceItem, Incident
from bot.model_section import Budget
from bot.ports import CannotRead, DiagnosisUnavailable, ModelUnavailable, Tool

_LAST: Final = (
    "There is no budget for more reading. Answer now, with what is known so far; "
    "say in the summary what could not be looked at."
)
_CUT_SHORT: Final = "the model's budget left no room for more reading"
_HEARD: Final = 4000
"""Characters up to which an unusable answer is worth sending back."""


class ModelDiagnoser:
    """A `Diagnoser` that asks a model, within a budget, and enters what it cost."""

    def __init__(
        self,
        provider: Provider,
        *,
        tools: Sequence[Tool],
        budget: Budget,
        account: Account,
    ) -> None:
        self._provider = provider
        self._tools = {tool.name: tool for tool in tools}
        self._budget = budget
        self._account = account

    def diagnose(
        self,
        incident: Incident,
        *,
        candidates: Sequence[Candidate] = (),
        context: Sequence[EvidenceItem] = (),
    ) -> Diagnosis:
        """Return the model's opinion; raise `DiagnosisUnavailable`.

        candidates: the proposals' letters and actions in words. context: more
        evidence with ids of its own (past incidents, runbooks).
        """
        model = self._provider.model
        work = self._account.begin(incident.number, "diagnosis", model, self._budget)
        inquiry = _Inquiry(
            provider=self._provider,
            tools=self._tools,
            work=work,
            letters=tuple(letter for letter, _ in candidates),
            shown={i.id: i.id for i in (*incident.evidence, *context) if i.id},
        )
        outcome = "unavailable"
        try:
            opinion = inquiry.run(prompt.question(incident, candidates, context))
            outcome = "answered"
        except ModelUnavailable as missing:
            raise DiagnosisUnavailable(str(missing)) from missing
        finally:
            self._account.enter(work, outcome)
        return opinion


@dataclass(slots=True, kw_only=True)
class _Inquiry:
    """One diagnosis under way. shown: evidence ids, and how people are shown them."""

    provider: Provider
    tools: dict[str, Tool]
    work: Work
    letters: tuple[str, ...]
    shown: dict[str, str]
    missing: str = ""

    def run(self, asked: str) -> Diagnosis:
        talk = Conversation(
            instructions=prompt.instructions(prompt.VERSION), turns=(Said(text=asked),)
        )
        while not self.work.meter.is_last(talk.characters):
            reply = self._turn(talk, may_read=True)
            if not reply.calls:
                return self._opinion(talk, reply)
            talk = talk.then(reply, self._read(reply.calls))
        if len(talk.turns) > 1:
            talk = talk.then(Said(text=_LAST))
            self.missing = _CUT_SHORT
        return self._opinion(talk, self._turn(talk, may_read=False))

    def _turn(self, talk: Conversation, *, may_read: bool) -> Reply:
        tools, asked = tuple(self.tools.values()), schema(self.letters)

        def turn(most: Allowance) -> Reply:
            may = replace(most, may_read=may_read)
            with self.work.trace.step(f"ask {self.provider.model}") as step:
                reply = self.provider.turn(talk, tools, asked, may)
                step.tokens = reply.usage.tokens
            return reply

        return self.work.meter.ask(talk.characters, turn)

    def _opinion(self, talk: Conversation, reply: Reply) -> Diagnosis:
        """Return what the reply says; ask once again where it is unusable."""
        try:
            return self._understood(reply)
        except Unusable as wrong:
            heard = (reply,) if 0 < len(reply.text) < _HEARD and not reply.calls else ()
            talk = talk.then(*heard, Said(text=_again(wrong)))
        try:
            return self._understood(self._turn(talk, may_read=False))
        except Unusable as wrong:
            reason = "the model's answer could not be used"
            raise ModelUnavailable(reason, may_retry=False) from wrong

    def _understood(self, reply: Reply) -> Diagnosis:
        expected = Expected(
            evidence=self.shown, letters=self.letters, author=self.provider.model
        )
        opinion = understood(reply.text, expected)
        said = "; ".join(part for part in (opinion.missing, self.missing) if part)
        return replace(opinion, missing=said)

    def _read(self, calls: Sequence[ToolCall]) -> Read:
        return Read(results=tuple(self._result(call) for call in calls))

    def _result(self, call: ToolCall) -> ToolResult:
        tool = self.tools.get(call.name)
        if tool is None:
            return ToolResult(call=call, text="There is no such tool.")
        with self.work.trace.step(f"read {tool.name}"):
            try:
                text = read(tool, call.arguments, self.work.meter)
            except CannotRead as why:
                return ToolResult(call=call, text=f"Not readable: {why}")
        id_ = f"T{1 + sum(known.startswith('T') for known in self.shown)}"
        self.shown[id_] = f"{id_} {tool.name}"
        return ToolResult(call=call, text=prompt.reading(id_, text))


def _again(wrong: Unusable) -> str:
    return (
        f"That answer could not be used: {wrong}. "
        "Answer again with one JSON object of the schema and nothing else."
    )
