"""Lines of other hosts' services from Loki: two questions, one deadline, one size.

Loki's HTTP API as its documentation has it (`GET /loki/api/v1/query_range`, streams). No
Loki runs in the tests: they hold this door against answers worded after the
documentation, over real HTTP.
"""

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from bot.config.logs import LokiLabels, LokiSection
from bot.http.server_access import bearing, signed_in, trusting
from bot.logs.lines import ERRORS, Lines, LogLine, NoLogs, Wanted, cleaned
from bot.text.gostring import quoted

if TYPE_CHECKING:
    import httpx2

LIMIT_BYTES: Final = 2_000_000
_ERRORS: Final = 300
_LAST: Final = 20
_UNREACHED: Final = (
    "it cannot be reached: nobody answers at its address, its name is not known, or its "
    "certificate is not trusted"
)
_Nanoseconds = Annotated[str, Field(pattern=r"^(\d{1,18}|[1-3]\d{18})$")]
"""Since 1970, until the year 2096."""


class _Stream(BaseModel):
    # Structured metadata may follow as a third value.
    values: list[tuple[_Nanoseconds, str] | tuple[_Nanoseconds, str, dict[str, object]]]


class _Data(BaseModel):
    kind: Literal["streams"] = Field(alias="resultType")
    result: list[_Stream]


class _Answer(BaseModel):
    status: Literal["success"]
    data: _Data


_ANSWER: Final = TypeAdapter(_Answer)


def selector(labels: LokiLabels, wanted: Wanted) -> str:
    """Return the stream selector; what comes from outside is text in it, no more."""
    host = [f"{labels.host}={quoted(wanted.host)}"] if labels.host else []
    return "{" + ",".join([*host, f"{labels.service}=~{named(wanted.service)}"]) + "}"


def named(service: str) -> str:
    """Return a pattern for the name with and without what systemd adds to it."""
    return quoted(rf"{re.escape(service.removesuffix('.service'))}(\.service)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loki:
    """One server. secret: its bearer token, or the password of its section's user."""

    section: LokiSection
    secret: str | None = field(default=None, repr=False)
    name: str = "Logs"

    def around(self, wanted: Wanted) -> Lines:
        """Return the newest error lines and the last lines; raise `NoLogs`."""
        import httpx2

        from bot.http.bounded import BoundedTransport, TooLarge, TooSlow

        seconds = self.section.timeout.total_seconds()
        transport = BoundedTransport(limit_bytes=LIMIT_BYTES, tls=self._tls())
        streams = selector(self.section.labels, wanted)
        # Nothing of the environment, like a .netrc, adds to a request.
        auth = signed_in(self.section, self.secret)
        client = httpx2.Client(transport=transport, trust_env=False, auth=auth)
        try:
            with client, transport.within(seconds):
                matching = f"{streams} |~ {quoted(ERRORS)}"
                errors = self._ask(client, matching, wanted, _ERRORS)
                last = self._ask(client, streams, wanted, _LAST)
        except TooSlow as error:
            raise NoLogs(f"Loki gave no answer within {seconds:g} s") from error
        except TooLarge as error:
            megabytes = LIMIT_BYTES // 1_000_000
            raise NoLogs(
                f"Loki's answer is larger than {megabytes} MB and was not read"
            ) from error
        except httpx2.HTTPError as error:
            raise NoLogs(f"Loki does not answer: {_UNREACHED}") from error
        return Lines(errors=cleaned(errors), last=cleaned(last))

    def _ask(
        self, client: "httpx2.Client", query: str, wanted: Wanted, limit: int
    ) -> list[LogLine]:
        answer = client.get(
            f"{self.section.url}/loki/api/v1/query_range",
            params={
                "query": query,
                "start": _nanoseconds(wanted.since),
                "end": _nanoseconds(wanted.until),
                "limit": str(limit),
                "direction": "backward",
            },
            headers=self._headers(),
        )
        if answer.status_code != 200:
            raise NoLogs(_refusal(answer.status_code))
        return _newest(answer.content, limit)

    def _headers(self) -> dict[str, str]:
        tenant = self.section.tenant
        whose = {"X-Scope-OrgID": tenant} if tenant else {}
        return {**whose, **bearing(self.section, self.secret)}

    def _tls(self) -> ssl.SSLContext | None:
        try:
            return trusting(self.section.ca_file)
        except OSError as error:
            raise NoLogs("Loki's ca_file cannot be read by the bot") from error


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return "Loki's address points to another one, which is not followed"
    if status in (401, 403):
        return (
            f"Loki refuses the bot (status {status}); the token, the password, the "
            "tenant or the rights that go with them are wrong"
        )
    return f"Loki answers with status {status}"


def _newest(content: bytes, limit: int) -> list[LogLine]:
    try:
        streams = _ANSWER.validate_json(content).data.result
    except ValidationError as error:
        raise NoLogs("what Loki's address answers is not Loki's JSON") from error
    values = ((value[0], value[1]) for stream in streams for value in stream.values)
    ordered = sorted(values, key=lambda value: int(value[0]))
    return _lines(ordered[-limit:])


def _lines(values: Sequence[tuple[str, str]]) -> list[LogLine]:
    return [
        LogLine(at=datetime.fromtimestamp(int(at) / 1e9, UTC), text=text)
        for at, text in values
    ]


def _nanoseconds(at: datetime) -> str:
    return str(int(at.timestamp() * 1_000_000) * 1000)
