"""How a server of the team's is reached over HTTP: what all their sections have in common."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from bot.config.durations import Duration
from bot.config.section import Section

Address = Annotated[
    str, Field(pattern=r"^https?://[^\s@?#/]+[^\s@?#]*$", max_length=500)
]


class ServerSection(Section):
    """One server.

    url: without `/api`. timeout: for a whole answer. user: for basic authentication; its
    password, or a bearer token where no user is named, is in the environment. ca_file:
    whom to trust instead of the machine's list.
    """

    url: Address
    timeout: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(minutes=1))] = (
        timedelta(seconds=5)
    )
    user: Annotated[str, Field(pattern=r"^[^\s:]{1,100}$")] | None = None
    ca_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _without_end(cls, url: str) -> str:
        return url.rstrip("/")
