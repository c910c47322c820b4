"""Where the gate listens, which acts where the bot's own user may not."""

from typing import Annotated

from pydantic import Field

from bot.config.section import Section

SocketPath = Annotated[str, Field(pattern=r"^/\S+$", max_length=107)]


class GateSection(Section):
    """socket: the gate's Unix socket, an absolute path; without it there is no gate."""

    socket: SocketPath | None = None
