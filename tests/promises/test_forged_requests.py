"""Promise 4: in HTTP mode nothing that Slack did not sign reaches a listener, or fails."""

import asyncio
import hashlib
import hmac
import http.client
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult

from handlers.http import router
from handlers.workspace.workspace import Workspace
from tests.scenarios.stage import Bot, until

pytestmark = [pytest.mark.promise(4), pytest.mark.timeout(600)]

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
HEADERS = (
    b"x-slack-signature",
    b"X-Slack-Signature",
    b"x-slack-request-timestamp",
    b"content-type",
    b"content-length",
    b"x-slack-retry-num",
    b"cookie",
)
CLICK = urlencode(
    {
        "payload": json.dumps(
            {"type": "block_actions", "actions": [{"action_id": "approve"}]}
        )
    }
).encode()


class Door:
    """The real route in front of a Bolt app that counts whatever reaches it."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        app = App(
            signing_secret=SECRET,
            token_verification_enabled=False,
            request_verification_enabled=False,
            authorize=self._authorize,
        )
        app.use(self._count)
        self.web = FastAPI()
        self.web.include_router(router(app, SECRET))

    def send(self, headers: list[tuple[bytes, bytes]], body: list[bytes]) -> int:
        return asyncio.run(self._send(headers, body))

    async def _send(self, headers: list[tuple[bytes, bytes]], body: list[bytes]) -> int:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/slack/events",
            "raw_path": b"/slack/events",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in headers],
            "client": ("192.0.2.1", 1),
            "server": ("192.0.2.2", 80),
        }
        chunks = iter([*body, b""])
        left = len(body)
        answers: list[int] = []

        async def receive() -> dict[str, object]:
            nonlocal left
            left -= 1
            return {
                "type": "http.request",
                "body": next(chunks, b""),
                "more_body": left > 0,
            }

        async def answer(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                answers.append(int(str(message["status"])))

        call: Callable[..., Awaitable[None]] = self.web
        try:
            await call(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 - a server would make it a 500
            print(f"failed: {error!r} for {headers} {body[:1]}")
            return 500
        return answers[0]

    @staticmethod
    def _authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id="T1", bot_user_id="U1", bot_token=SECRET
        )

    def _count(self, body: dict[str, object], next: Callable[[], None]) -> None:  # noqa: A002 - Bolt's name
        self.reached.append(str(body)[:80])
        next()


def sign(body: bytes, at: float, secret: str = SECRET) -> tuple[bytes, bytes]:
    stamp = str(int(at)).encode()
    digest = hmac.new(secret.encode(), b"v0:" + stamp + b":" + body, hashlib.sha256)
    return stamp, b"v0=" + digest.hexdigest().encode()


bodies = st.one_of(st.binary(max_size=200), st.just(CLICK), st.text().map(str.encode))
raw = st.one_of(
    st.binary(max_size=80),
    st.just("v0=é".encode()),
    st.just("v0=é".encode("latin-1")),
    st.just(b"v0=" + b"a" * 64),
    st.just(b"v1=" + b"a" * 64),
    st.integers().map(lambda n: str(n).encode()),
    st.sampled_from(
        [b"", b"NaN", b"1e10", b"-1", b"\xd9\xa1", b"9" * 400, b"+1", b" 1", b"1_0"]
    ),
)


@st.composite
def forged(draw: st.DrawFn) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """A request that Slack did not send: unsigned, signed falsely, stale or early."""
    body = draw(bodies)
    now = time.time()
    match draw(st.integers(0, 6)):
        case 0:  # garbage in the headers that matter
            stamp, seal = draw(raw), draw(raw)
        case 1:  # another secret
            stamp, seal = sign(body, now, draw(st.text(min_size=1, max_size=9)))
        case 2:  # stale or from the future
            stamp, seal = sign(
                body, now + draw(st.sampled_from([-301, -9999, 302, 1e6, -now]))
            )
        case 3:  # the body was changed
            stamp, seal = sign(body, now)
            body += draw(st.binary(min_size=1, max_size=5))
        case 4:  # the time was changed
            stamp, seal = sign(body, now)
            stamp = str(int(stamp) + 1).encode()
        case 5:  # the signature was cut
            stamp, seal = sign(body, now)
            seal = seal[: draw(st.integers(0, 66))]
        case _:  # only one of both
            stamp, seal = sign(body, now)
            return [draw(st.sampled_from([(HEADERS[0], seal), (HEADERS[2], stamp)]))], [
                body
            ]
    more = draw(st.lists(st.tuples(st.sampled_from(HEADERS[3:]), raw), max_size=3))
    parts = [body[:3], body[3:]] if draw(st.booleans()) else [body]
    return [(HEADERS[0], seal), (HEADERS[2], stamp), *more], parts


def test_unsigned_stale_and_garbage_requests_are_answered_401_and_reach_nobody(
    *,
    full_counts: bool,
) -> None:
    door, codes = Door(), Counter[int]()

    @settings(
        max_examples=10_000 if full_counts else 1000,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(forged())
    def knock(request: tuple[list[tuple[bytes, bytes]], list[bytes]]) -> None:
        code = door.send(*request)
        codes[code] += 1
        assert code == 401

    knock()
    assert door.reached == []
    huge = door.send([(HEADERS[0], b"v0=x")], [b"x" * 400_000] * 5)
    stamp, seal = sign(CLICK, time.time())
    form = (b"content-type", b"application/x-www-form-urlencoded")
    honest = door.send([(HEADERS[0], seal), (HEADERS[2], stamp), form], [CLICK])
    fails = sum(n for code, n in codes.items() if code >= 500)
    print(
        f"promise 4: {sum(codes.values())} forged requests, answers {dict(codes)}, "
        f"2 MB {huge}, listener calls 0, 5xx {fails} (an honest one: {honest}, reached "
        f"{len(door.reached)})"
    )
    assert huge == 401
    assert honest != 401
    assert len(door.reached) == 1


def test_over_the_wire_garbage_is_refused_by_the_bot_itself(
    workspace: Workspace, bot: Bot
) -> None:
    environment = workspace.environment
    bot.workspace = _Unconnected(workspace)  # type: ignore[assignment]
    bot.extra["SLACK_SIGNING_SECRET"] = SECRET
    bot.start(connected=False)
    assert environment is not None
    address = until(lambda: _address(bot.log))
    until(lambda: _listens(address))
    codes: Counter[int] = Counter()
    stamp, seal = sign(CLICK, time.time() - 400)
    for number in range(60):
        line = http.client.HTTPConnection(address, timeout=5)
        odd = ["v0=\xe9", "v0=" + "a" * 64, seal.decode(), "", "v0"][number % 5]
        headers = {
            "X-Slack-Signature": odd,
            "X-Slack-Request-Timestamp": ["nan", stamp.decode(), "1" * 99, ""][
                number % 4
            ],
        }
        line.request(
            "POST", "/slack/events", CLICK if number % 2 else b"\xff\xfe", headers
        )
        codes[line.getresponse().status] += 1
        line.close()
    print(f"promise 4: over the wire {dict(codes)}")
    assert set(codes) == {401}
    assert "Traceback" not in bot.log


class _Unconnected:
    """The workspace without an app token, so that the bot serves HTTP mode."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def environment(self) -> dict[str, str]:
        known = self._workspace.environment()
        return {
            name: value for name, value in known.items() if name != "SLACK_APP_TOKEN"
        }


def _listens(address: str) -> bool:
    line = http.client.HTTPConnection(address, timeout=5)
    try:
        line.connect()
    except OSError:
        return False
    else:
        return True
    finally:
        line.close()


def _address(log: str) -> str:
    _, found, rest = log.partition("http.listening address=")
    return rest.split()[0] if found else ""
