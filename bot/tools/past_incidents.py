"""What happened before that was alike, as the incident memory tells it."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from bot.llm.arguments import Arguments
from bot.ports import CannotRead
from bot.text.redact import redact
from bot.tools import Sources


class Wanted(Arguments):
    """words: the symptoms to look for."""

    words: Annotated[str, Field(min_length=2, max_length=300)]


class PastIncidents:
    """Searches the memory of closed incidents."""

    name = "past_incidents"
    description = (
        "Closed incidents with similar symptoms: what was done and whether it helped. "
        "Similar is not the same: never conclude from likeness alone."
    )
    parameters: Mapping[str, object] = Wanted.model_json_schema()

    def __init__(self, sources: Sources) -> None:
        self._search = sources.past_incidents

    def read(self, arguments: Mapping[str, object]) -> str:
        """Return what was found; raise `CannotRead` where there is no memory."""
        wanted = Wanted.of(arguments)
        if self._search is None:
            raise CannotRead("there is no memory of past incidents")
        return redact(self._search(wanted.words)) or "Nothing similar is known."


TOOL = PastIncidents
