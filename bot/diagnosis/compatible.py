"""Conversations with any server that speaks OpenAI's chat completions.

OpenAI, Groq, Ollama, vLLM and others; through the optional package `openai`
(`pip install 'countersign[openai]'`), imported at the first turn.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bot.diagnosis.provider import (
    Allowance,
    Conversation,
    Read,
    Reply,
    Said,
    ToolCall,
    Turn,
    counted,
    reply,
)
from bot.llm.costs import AskedInVain, Usage
from bot.llm.unavailable import (
    SHAPELESS,
    not_reached,
    refused,
    senseless,
    too_large,
    too_slow,
)
from bot.ports import ModelUnavailable, Tool

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletion, ChatCompletionMessageToolCallUnion

    from bot.http.bounded import BoundedTransport

Message = dict[str, Any]


class CompatibleProvider:
    """A `Provider` by the package openai. key: None for a server that wants none."""

    def __init__(self, *, model: str, key: str | None, base_url: str | None) -> None:
        self._key = key
        self._base_url = base_url
        self._lock = threading.Lock()
        self._made: tuple[OpenAI, BoundedTransport] | None = None
        self.model = model

    def turn(
        self,
        conversation: Conversation,
        tools: Sequence[Tool],
        schema: Mapping[str, object],
        allowance: Allowance,
    ) -> Reply:
        """Return the model's next turn; raise `ModelUnavailable`."""
        asked: Message = {
            "model": self.model,
            "messages": _messages(conversation, schema),
            "max_completion_tokens": allowance.tokens_out,
        }
        if tools:
            asked["tools"] = [_declared(tool) for tool in tools]
            asked["tool_choice"] = "auto" if allowance.may_read else "none"
        else:
            # Several servers refuse this together with tools.
            asked["response_format"] = {"type": "json_object"}
        with self._asking(allowance.seconds) as client:
            return _reply(client.chat.completions.create(**asked))

    @contextmanager
    def _asking(self, seconds: float) -> "Iterator[OpenAI]":
        client, transport = self._client()
        from httpx2 import ConnectError
        from openai import APIConnectionError, APIStatusError, OpenAIError

        from bot.http.bounded import TooLarge, TooSlow

        try:
            with transport.within(seconds):
                yield client
        except APIStatusError as error:
            raise refused(error.status_code) from error
        except APIConnectionError as error:
            if isinstance(error.__cause__, ConnectError):
                raise not_reached() from error
            raise AskedInVain(not_reached()) from error
        except TooSlow as error:
            raise AskedInVain(too_slow(seconds)) from error
        except TooLarge as error:
            raise AskedInVain(too_large()) from error
        # A body of another shape reaches us as whatever attribute it lacks.
        except (OpenAIError, *SHAPELESS) as error:
            raise AskedInVain(senseless()) from error

    def _client(self) -> "tuple[OpenAI, BoundedTransport]":
        with self._lock:
            if self._made is None:
                self._made = _make(self._key, self._base_url)
            return self._made


def _make(key: str | None, base_url: str | None) -> "tuple[OpenAI, BoundedTransport]":
    try:
        import httpx2
        from openai import OpenAI
    except ImportError as error:
        raise ModelUnavailable(
            "the package openai is not installed: pip install 'countersign[openai]'",
            may_retry=False,
        ) from error
    from bot.http.bounded import BoundedTransport

    transport = BoundedTransport()
    client = OpenAI(
        api_key=key or "none",
        base_url=base_url,
        max_retries=1,
        http_client=httpx2.Client(transport=transport),
    )
    return client, transport


def _declared(tool: Tool) -> Message:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters),
        },
    }


def _messages(
    conversation: Conversation, schema: Mapping[str, object]
) -> list[Message]:
    wanted = f"Answer with one JSON object of this schema: {json.dumps(dict(schema))}"
    first = {"role": "system", "content": f"{conversation.instructions}\n\n{wanted}"}
    return [first, *(m for turn in conversation.turns for m in _of(turn))]


def _of(turn: Turn) -> list[Message]:
    match turn:
        case Said(text=text):
            return [{"role": "user", "content": text}]
        case Read(results=results):
            return [
                {"role": "tool", "tool_call_id": r.call.id, "content": r.text}
                for r in results
            ]
        case Reply(raw=raw):
            return [dict(raw) if isinstance(raw, Mapping) else {}]


def _reply(answer: "ChatCompletion") -> Reply:
    used = answer.usage
    usage = Usage(
        tokens_in=counted(used.prompt_tokens if used else 0),
        tokens_out=counted(used.completion_tokens if used else 0),
    )
    try:
        return _understood(answer, usage)
    except SHAPELESS as error:
        raise AskedInVain(senseless(), usage) from error


def _understood(answer: "ChatCompletion", usage: Usage) -> Reply:
    message = answer.choices[0].message
    if not isinstance(message.content, str | None):
        raise TypeError("the content is no text")
    calls = [_call(call) for call in message.tool_calls or []]
    kept = message.model_dump(include={"role", "content", "tool_calls"})
    raw = {name: value for name, value in kept.items() if value is not None}
    return reply(message.content or "", calls, usage=usage, raw=raw)


def _call(call: "ChatCompletionMessageToolCallUnion") -> ToolCall:
    if call.type != "function":
        raise TypeError("only functions were declared")
    arguments = json.loads(call.function.arguments or "{}")
    if not isinstance(arguments, dict):
        raise TypeError("arguments are no object")
    return ToolCall(id=call.id, name=call.function.name, arguments=arguments)
