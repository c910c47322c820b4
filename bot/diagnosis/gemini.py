"""Conversations with Gemini."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bot.config.model import Thinking
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
from bot.llm.genai import Genai
from bot.ports import ModelUnavailable, Tool

if TYPE_CHECKING:
    from google.genai import types

_DECLINED: Final = frozenset(
    ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"]
)


class GeminiProvider:
    """A `Provider` by google-genai. No temperature is sent: Gemini 3 wants its own."""

    def __init__(self, genai: Genai, *, model: str, thinking: Thinking) -> None:
        self._genai = genai
        self._thinking = thinking
        self.model = model

    def turn(
        self,
        conversation: Conversation,
        tools: Sequence[Tool],
        schema: Mapping[str, object],
        allowance: Allowance,
    ) -> Reply:
        """Return Gemini's next turn; raise `ModelUnavailable`."""
        contents = [_content(turn) for turn in conversation.turns]
        config = self._config(conversation, tools, schema, allowance)
        answer = self._genai.generate(
            self.model, contents, config, seconds=allowance.seconds
        )
        return _reply(answer)

    def _config(
        self,
        conversation: Conversation,
        tools: Sequence[Tool],
        schema: Mapping[str, object],
        allowance: Allowance,
    ) -> "types.GenerateContentConfig":
        from google.genai import types

        return types.GenerateContentConfig(
            system_instruction=conversation.instructions,
            tools=[_declared(tools)] if tools else None,
            tool_config=None if allowance.may_read or not tools else _silent(),
            response_mime_type="application/json",
            response_json_schema=dict(schema),
            max_output_tokens=allowance.tokens_out,
            thinking_config=types.ThinkingConfig(
                thinking_level=types.ThinkingLevel(self._thinking.upper())
            ),
            automatic_function_calling=types.AutomaticFunctionCallingConfig(
                disable=True
            ),
        )


def _declared(tools: Sequence[Tool]) -> "types.Tool":
    from google.genai import types

    functions = [
        types.FunctionDeclaration(
            name=tool.name,
            description=tool.description,
            parameters_json_schema=dict(tool.parameters),
        )
        for tool in tools
    ]
    return types.Tool(function_declarations=functions)


def _silent() -> "types.ToolConfig":
    from google.genai import types

    mode = types.FunctionCallingConfigMode.NONE
    return types.ToolConfig(
        function_calling_config=types.FunctionCallingConfig(mode=mode)
    )


def _content(turn: Turn) -> "types.Content":
    from google.genai import types

    match turn:
        case Said(text=text):
            return types.Content(role="user", parts=[types.Part(text=text)])
        case Read(results=results):
            parts = [
                types.Part(
                    function_response=types.FunctionResponse(
                        id=result.call.id or None,
                        name=result.call.name,
                        response={"result": result.text},
                    )
                )
                for result in results
            ]
            return types.Content(role="user", parts=parts)
        case Reply(raw=raw):
            return types.Content.model_validate(raw)


def _reply(answer: "types.GenerateContentResponse") -> Reply:
    used = answer.usage_metadata
    usage = Usage(
        tokens_in=counted(used.prompt_token_count if used else 0),
        tokens_out=counted(used.candidates_token_count if used else 0),
        tokens_thinking=counted(used.thoughts_token_count if used else 0),
    )
    candidate = answer.candidates[0] if answer.candidates else None
    if candidate is None or candidate.finish_reason in _DECLINED:
        declined = ModelUnavailable("the model declined to answer", may_retry=False)
        raise AskedInVain(declined, usage)
    parts = (candidate.content and candidate.content.parts) or []
    text = "".join(part.text or "" for part in parts if not part.thought)
    calls = [part.function_call for part in parts if part.function_call]
    told = (
        ToolCall(id=call.id or "", name=call.name or "", arguments=call.args or {})
        for call in calls
    )
    return reply(text, tuple(told), usage=usage, raw=candidate.content)
