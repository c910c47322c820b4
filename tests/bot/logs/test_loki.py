"""Loki's door, held against answers worded after its documentation, over real HTTP.

No Loki runs here. That what comes from labels stays text is tried on a real Prometheus,
whose selectors have the same strings.
"""

import json
import re
import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.config.logs import LokiLabels, LokiSection
from bot.config.prometheus import PrometheusServer
from bot.logs.lines import ERRORS, Lines, NoLogs, Wanted
from bot.logs.loki import Loki, named, quoted, selector
from bot.prometheus.server import Server
from tests.fakes.lying import Liar, liar
from tests.real.prometheus import prometheus

AT = datetime(2026, 11, 21, 22, 1, 7, tzinfo=UTC)
HOSTILE = [
    'nginx"} or {job="all',
    "nginx\\",
    'nginx\\"',
    "nginx\n} |= `x`",
    "${HOME}",
    "nginx`",
    "ngïnx — 日本",
    "a\tb",
]


@pytest.fixture
def lies() -> Iterator[Liar]:
    with liar() as running:
        yield running


def ask(url: str, secret: str | None = None, **more: object) -> Lines:
    raw = {"url": url, "timeout": "2s", **more}
    loki = Loki(section=LokiSection.model_validate(raw), secret=secret)
    return loki.around(wanted())


def wanted(service: str = "nginx") -> Wanted:
    since = AT - timedelta(minutes=10)
    return Wanted(host="web-7", service=service, since=since, until=AT)


def stream(*lines: tuple[int, str]) -> dict[str, object]:
    """One stream as Loki words it, the newest first. Lines: seconds before, text."""
    values = [[str(int((AT.timestamp() - s) * 1e9)), text] for s, text in lines]
    return {"stream": {"host": "web-7", "service_name": "nginx"}, "values": values}


def says(lies: Liar, *streams: object, kind: str = "streams") -> None:
    data = {"resultType": kind, "result": streams, "stats": {"summary": {}}}
    lies.body = json.dumps({"status": "success", "data": data}).encode()


# --- what is asked ---------------------------------------------------------------------


def test_two_questions_about_one_service_in_a_window(lies: Liar) -> None:
    says(lies)
    ask(lies.url)
    errors, last = (parse_qs(urlsplit(path).query) for path, _ in lies.heard)
    assert urlsplit(lies.heard[0][0]).path == "/loki/api/v1/query_range"
    streams = r'{host="web-7",service_name=~"nginx(\\.service)?"}'
    assert errors["query"][0].startswith(f'{streams} |~ "(?i)(error|')
    assert last["query"] == [streams]
    assert errors["direction"] == ["backward"]
    assert int(errors["end"][0]) - int(errors["start"][0]) == 600 * 10**9
    assert int(errors["limit"][0]) <= 500


def test_labels_are_the_teams(lies: Liar) -> None:
    says(lies)
    ask(lies.url, labels={"host": None, "service": "app"})
    (_, last) = (parse_qs(urlsplit(path).query) for path, _ in lies.heard)
    assert last["query"] == [r'{app=~"nginx(\\.service)?"}']


def test_a_token_and_a_tenant_are_borne(lies: Liar) -> None:
    says(lies)
    ask(lies.url, secret="a-token", tenant="team-1")
    headers = lies.heard[0][1]
    assert headers["Authorization"] == "Bearer a-token"
    assert headers["X-Scope-OrgID"] == "team-1"


def test_a_user_has_a_password(lies: Liar) -> None:
    says(lies)
    ask(lies.url, secret="pass", user="bot")
    assert lies.heard[0][1]["Authorization"] == "Basic Ym90OnBhc3M="


def test_a_secret_shows_nowhere() -> None:
    section = LokiSection.model_validate({"url": "http://127.0.0.1:9"})
    assert "a-token" not in repr(Loki(section=section, secret="a-token"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_ends_no_string_of_the_question(name: str) -> None:
    asked = selector(LokiLabels(), wanted(name))
    head = '{host="web-7",service_name=~"'
    assert asked.startswith(head) and asked.endswith('"}')
    inside = asked.removeprefix(head).removesuffix('"}')
    # Every quote is escaped, every backslash begins an escape, and no line ends.
    rest = inside.replace("\\\\", "").replace('\\"', "")
    assert '"' not in rest and "\n" not in asked
    assert rest.replace("\\x", "").count("\\") == 0


def test_a_real_server_takes_any_name_for_what_it_is(tmp_path: Path) -> None:
    def scraped(name: str) -> str:
        told = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'hostile{{service="{told}"}}'

    with prometheus(tmp_path) as real:
        real.target.lines.update({scraped(name): 1.0 for name in HOSTILE})
        real.wait_for(f"count(hostile) == {len(HOSTILE)}")
        server = Server(
            name="main", section=PrometheusServer.model_validate({"url": real.url})
        )
        for name in HOSTILE:
            for asked in (f"={quoted(name)}", f"=~{named(name)}"):
                (found,) = server.now(f"hostile{{service{asked}}}")
                assert found.labels["service"] == name
        # The words of an error are RE2's too, which knows less than Python's.
        real.target.lines[scraped("Connection REFUSED")] = 1.0
        real.wait_for(f"count(hostile) == {len(HOSTILE) + 1}")
        asked = quoted(f".*({ERRORS}).*")
        (found,) = server.now(f"hostile{{service=~{asked}}}")
        assert found.labels["service"] == "Connection REFUSED"
    assert quoted("\ud800\0") == '"\ufffd\\x00"'


@pytest.mark.parametrize("name", ["nginx", "nginx.service"])
def test_a_unit_and_its_plain_name_are_one(name: str) -> None:
    pattern = json.loads(named(name))
    for kept in ("nginx", "nginx.service"):
        assert re.fullmatch(pattern, kept)
    assert not re.fullmatch(pattern, "nginx-2")


# --- what is answered ------------------------------------------------------------------


def test_streams_are_one_log_in_the_order_of_time(lies: Liar) -> None:
    says(
        lies,
        stream((1, "third"), (30, "first")),
        stream((2, "second: token=abcdefabcdef")),
    )
    told = ask(lies.url)
    texts = [line.text for line in told.last]
    assert texts == ["first", "second: token=[redacted]", "third"]
    assert told.last[-1].at == AT - timedelta(seconds=1)


def test_structured_metadata_is_passed_over(lies: Liar) -> None:
    made = stream((1, "a line"))
    values = made["values"]
    assert isinstance(values, list)
    values[0].append({"structuredMetadata": {"trace": "1"}})
    says(lies, made)
    assert [line.text for line in ask(lies.url).last] == ["a line"]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>",
        b"",
        b"NaN",
        b"[" * 200_000,
        b"\xff\xfe",
        b'{"status":"success"}',
        b'{"status":"error","errorType":"x","error":"token=abcdef"}',
        b'{"status":"success","data":{"resultType":"matrix","result":[]}}',
        b'{"status":"success","data":{"resultType":"streams","result":[{"values":[["NaN","x"]]}]}}',
        b'{"status":"success","data":{"resultType":"streams","result":[{"values":[["9999999999999999999","x"]]}]}}',
        b'{"status":"success","data":{"resultType":"streams","result":[{"values":[[1,2]]}]}}',
    ],
)
def test_what_is_no_answer_of_loki_is_said_in_a_line(lies: Liar, body: bytes) -> None:
    lies.body = body
    with pytest.raises(NoLogs, match="is not Loki's JSON") as told:
        ask(lies.url)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (302, "not followed"),
        (401, "refuses the bot"),
        (404, "status 404"),
        (500, "status 500"),
    ],
)
def test_an_error_is_said_and_not_asked_again(
    lies: Liar, status: int, words: str
) -> None:
    lies.status, lies.body = status, b"secret-words-of-a-proxy"
    lies.headers = {"Location": f"{lies.url}/elsewhere"}
    with pytest.raises(NoLogs, match=words) as told:
        ask(lies.url, secret="a-token")
    assert "secret-words" not in str(told.value)
    assert len(lies.heard) == 1


def test_fifty_megabytes_are_not_read(lies: Liar) -> None:
    lies.body = b'{"status":"success","data":"' + b"x" * 50_000_000 + b'"}'
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(NoLogs, match="larger than 2 MB"):
        ask(lies.url, timeout="20s")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"an answer of 50 MB: {grown} kB more at the most")
    assert grown < 40_000


def test_one_that_hangs_ends_with_its_timeout(lies: Liar) -> None:
    lies.hangs = True
    with pytest.raises(NoLogs, match=r"no answer within 0\.3 s"):
        ask(lies.url, timeout="0.3s")
    assert len(lies.heard) == 1


def test_nobody_there() -> None:
    with pytest.raises(NoLogs, match="cannot be reached"):
        ask("http://127.0.0.1:9")


def test_a_missing_authority_is_said(lies: Liar, tmp_path: Path) -> None:
    with pytest.raises(NoLogs, match="ca_file"):
        ask(lies.url, ca_file=tmp_path / "none.pem")
