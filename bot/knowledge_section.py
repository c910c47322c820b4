"""Where knowledge comes from: the `memory:` and `runbooks:` sections of the file."""

from typing import Annotated, Literal

from pydantic import Field

from bot.section import Section

EmbedderName = Literal["minilm", "gemini", "none"]


class MemorySection(Section):
    """How past incidents are found again.

    embedder: minilm runs on this machine without a network; gemini needs its key;
    none searches by words alone. Changing it recomputes every vector.
    """

    embedder: EmbedderName = "minilm"


class RunbooksSection(Section):
    """folders: where runbooks lie, relative to the configuration file.

    Without the key: `runbooks` beside the file if there is one, else those that came
    with Countersign.
    """

    folders: Annotated[tuple[str, ...], Field(max_length=20)] = ()
