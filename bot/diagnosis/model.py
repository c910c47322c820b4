"""Diagnosis by a language model: a question, a few readings, one checked answer.

The model reads through tools and writes prose. It never sees a way to act, and what it
says ends in a `Diagnosis`, which no button and no fact is made from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.config.model import Budget
from bot.diagnosis import prompt
from bot.diagnosis.account import Account, Work
from bot.diagnosis.answer import Expected, Unusable, schema, understood
from bot.diagnosis.prompt import Candidate
from bot.diagnosis.provider import Conversation, Provider, Reply, Said
from bot.diagnosis.rounds import Heard, Rounds
from bot.lore import Diagnosis
from bot.model import EvidenceItem, Incident
from bot.ports import DiagnosisUnavailable, ModelUnavailable, Tool

_LAST: Final = (
    "There is no budget for more reading. Answer now, with what is known so far; "
    "say in the summary what could not be looked at."
)
_CUT_SHORT: Final = "the model's budget left no room for more reading"
_HEARD: Final = 4000
"""Characters up to which an unusable answer is worth sending back."""


class ModelDiagnoser:
    """A `Diagnoser` that asks a model, within a budget, and enters what it cost.

    host: that `tools` read from. elsewhere: those that may be used for another host's
    incident; nobody reads this host's processes to explain another.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        tools: Sequence[Tool],
        budget: Budget,
        account: Account,
        host: str | None = None,
        elsewhere: Sequence[Tool] = (),
    ) -> None:
        self._provider = provider
        self._tools = tuple(tools)
        self._host = host
        self._elsewhere = tuple(elsewhere)
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
        letters = tuple(letter for letter, _ in candidates)
        shown = (*incident.evidence, *context)
        rounds = self._rounds(work, letters, shown, self._tools_for(incident))
        inquiry = _Inquiry(rounds=rounds, letters=letters)
        outcome = "unavailable"
        try:
            opinion = inquiry.run(prompt.question(incident, candidates, context))
            outcome = "answered"
        except ModelUnavailable as missing:
            raise DiagnosisUnavailable(str(missing)) from missing
        finally:
            self._account.enter(work, outcome)
        return opinion

    def _tools_for(self, incident: Incident) -> tuple[Tool, ...]:
        is_here = self._host is None or incident.host == self._host
        return self._tools if is_here else self._elsewhere

    def _rounds(
        self,
        work: Work,
        letters: Sequence[str],
        items: Sequence[EvidenceItem],
        tools: tuple[Tool, ...],
    ) -> Rounds:
        return Rounds(
            provider=self._provider,
            work=work,
            schema=schema(letters),
            tools=tools,
            shown={item.id: item.id for item in items if item.id},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inquiry:
    """One diagnosis under way. letters: of the proposals that it may prefer."""

    rounds: Rounds
    letters: tuple[str, ...]

    def run(self, asked: str) -> Diagnosis:
        talk = Conversation(
            instructions=prompt.instructions(prompt.VERSION), turns=(Said(text=asked),)
        )
        heard = self.rounds.run(talk, last=_LAST)
        opinion = self._opinion(heard)
        said = (opinion.missing, _CUT_SHORT if heard.was_cut else "")
        return replace(opinion, missing="; ".join(filter(None, said)))

    def _opinion(self, heard: Heard) -> Diagnosis:
        """Return what the reply says; ask once again where it is unusable."""
        reply = heard.reply
        try:
            return self._understood(reply)
        except Unusable as wrong:
            worth = 0 < len(reply.text) < _HEARD and not reply.calls
            sent_back = (reply,) if worth else ()
            talk = heard.talk.then(*sent_back, Said(text=_again(wrong)))
        try:
            return self._understood(self.rounds.answer(talk))
        except Unusable as wrong:
            reason = "the model's answer could not be used"
            raise ModelUnavailable(reason, may_retry=False) from wrong

    def _understood(self, reply: Reply) -> Diagnosis:
        rounds = self.rounds
        expected = Expected(
            evidence=rounds.shown, letters=self.letters, author=rounds.provider.model
        )
        return understood(reply.text, expected)


def _again(wrong: Unusable) -> str:
    return (
        f"That answer could not be used: {wrong}. "
        "Answer again with one JSON object of the schema and nothing else."
    )
