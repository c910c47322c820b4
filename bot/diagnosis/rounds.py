"""A model's turns about one question, within the budgets: it reads, then it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.diagnosis import prompt
from bot.diagnosis.account import Work
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
from bot.ports import CannotRead, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How it ended. talk: all before the reply. was_cut: whether it had to stop reading."""

    talk: Conversation
    reply: Reply
    was_cut: bool = False


@dataclass(slots=True, kw_only=True)
class Rounds:
    """Who is asked and what it may read.

    schema: of the answer. shown: ids that may be cited, and how people are shown them;
    what is read gets its own. verb: what a turn is called in the trace.
    """

    provider: Provider
    work: Work
    schema: Mapping[str, object]
    tools: Sequence[Tool] = ()
    shown: dict[str, str] = field(default_factory=dict)
    verb: str = "ask"

    def run(self, talk: Conversation, *, last: str) -> Heard:
        """Let it read until it answers; raise `ModelUnavailable`.

        last: what it is told where the budgets leave no room for more reading.
        """
        start = talk
        while not self.work.meter.is_last(talk.characters):
            reply = self.ask(talk)
            if not reply.calls:
                return Heard(talk=talk, reply=reply)
            results = tuple(self._result(call) for call in reply.calls)
            talk = talk.then(reply, Read(results=results))
        was_cut = talk is not start
        if was_cut:
            talk = talk.then(Said(text=last))
        return Heard(talk=talk, reply=self.answer(talk), was_cut=was_cut)

    def answer(self, talk: Conversation) -> Reply:
        """Take a turn that must be text; raise `ModelUnavailable`."""
        return self.ask(talk, may_read=False)

    def ask(self, talk: Conversation, *, may_read: bool = True) -> Reply:
        """Take one turn, counted and traced; raise `ModelUnavailable`."""

        def turn(most: Allowance) -> Reply:
            may = replace(most, may_read=may_read)
            with self.work.trace.step(f"{self.verb} {self.provider.model}") as step:
                reply = self.provider.turn(talk, self.tools, self.schema, may)
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
        id_ = f"T{1 + sum(known.startswith('T') for known in self.shown)}"
        self.shown[id_] = f"{id_} {tool.name}"
        return ToolResult(call=call, text=prompt.reading(id_, text))
