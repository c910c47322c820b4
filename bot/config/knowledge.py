"""Where knowledge comes from: the `memory:` and `runbooks:` sections of the file."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from bot.config.durations import Duration
from bot.config.section import Section

EmbedderName = Literal["minilm", "gemini", "none"]


class MemorySection(Section):
    """How past incidents are found again.

    embedder: minilm runs on this machine without a network; gemini needs its key;
    none searches by words alone. Changing it recomputes every vector. compact_after:
    how old a case is when it is folded with its like into one record with counts.
    """

    embedder: EmbedderName = "minilm"
    compact_after: Annotated[Duration, Field(ge=timedelta(days=1))] = timedelta(
        days=180
    )


class RunbooksSection(Section):
    """folders: where runbooks lie, relative to the configuration file.

    Without the key: `runbooks` beside the file if there is one, else those that came
    with Countersign.
    """

    folders: Annotated[tuple[str, ...], Field(max_length=20)] = ()
