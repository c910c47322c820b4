"""A conversation with a language model, the same for every provider.

A provider turns a `Conversation` into its own wire format and answers with a `Reply`.
It keeps no state between turns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bot.llm.costs import AskedInVain, Usage
from bot.llm.unavailable import too_large
from bot.ports import Tool

_ANSWER_LIMIT: Final = 100_000
_MOST_CALLS: Final = 8
_OVERHEAD: Final = 3000
_MOST_TOLD: Final = 10_000_000
"""More than any model reads or writes in a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """What a model wants to read. id: the provider's own, to be given back."""

    id: str
    name: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What was read for a call."""

    call: ToolCall
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One turn of the model: text, or calls to be answered first.

    raw: the provider's own form of the turn, given back unchanged (Gemini's thought
    signatures are in it).
    """

    text: str
    calls: tuple[ToolCall, ...]
    usage: Usage
    raw: object


def reply(text: str, calls: Sequence[ToolCall], *, usage: Usage, raw: object) -> Reply:
    """Return a turn; raise `AskedInVain` for one that is too large to be answered.

    Every call must be answered, so a turn with too many of them is no turn.
    """
    if len(text) > _ANSWER_LIMIT or len(calls) > _MOST_CALLS:
        raise AskedInVain(too_large(), usage)
    return Reply(text=text, calls=tuple(calls), usage=usage, raw=raw)


def counted(tokens: object) -> int:
    """Return a number of tokens as a server told it; what cannot be one is none."""
    if isinstance(tokens, bool) or not isinstance(tokens, int):
        return 0
    return tokens if 0 <= tokens <= _MOST_TOLD else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A turn of ours in words."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A turn of ours that answers all calls of the turn before."""

    results: tuple[ToolResult, ...]


Turn = Said | Read | Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Instructions and everything said so far, the oldest first."""

    instructions: str
    turns: tuple[Turn, ...]

    @property
    def characters(self) -> int:
        """Its size, roughly, with what a provider adds for tools and schema."""
        return _OVERHEAD + len(self.instructions) + sum(map(_size, self.turns))

    def then(self, *turns: Turn) -> "Conversation":
        """Return it with more turns at its end."""
        return Conversation(instructions=self.instructions, turns=(*self.turns, *turns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one turn may take.

    tokens_out: of the answer, thinking included. may_read: whether it may call tools;
    if not, it must answer in text.
    """

    seconds: float
    tokens_out: int
    may_read: bool = True


def _size(turn: Turn) -> int:
    match turn:
        case Said(text=text) | Reply(text=text):
            return len(text)
        case Read(results=results):
            return sum(len(result.text) for result in results)


class Provider(Protocol):
    """A language model somewhere. model: its name, for the card and the bill."""

    model: str

    def turn(
        self,
        conversation: Conversation,
        tools: Sequence[Tool],
        schema: Mapping[str, object],
        allowance: Allowance,
    ) -> Reply:
        """Return the model's next turn; raise `ModelUnavailable`.

        tools: what it may call, the same in all turns. schema: of an answer in text.
        """
