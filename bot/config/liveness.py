"""Where others see that the bot lives: the sections `http:` and `heartbeat:`."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, field_validator

from bot.config.durations import Duration
from bot.config.section import Section


class Http(Section):
    """listen: address and port of /healthz, /readyz, /metrics; port 0 picks one."""

    listen: Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$")] = "127.0.0.1:8080"

    @field_validator("listen")
    @classmethod
    def _port_exists(cls, value: str) -> str:
        if int(value.rpartition(":")[2]) > 65535:
            raise ValueError("a port is at most 65535")
        return value

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.listen.rpartition(":")
        return host, int(port)


class Heartbeat(Section):
    """url: called with GET after completed rounds, at most once per `every`."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    every: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(minutes=1)
