"""How long what is over is kept: the `retention:` section of the file."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.config.durations import Duration
from bot.config.section import Section


class RetentionSection(Section):
    """incidents: how long after its end an incident is kept, with all that belongs to it.

    Not given: for ever. A week at least.
    """

    incidents: Annotated[Duration, Field(ge=timedelta(days=7))] | None = None
