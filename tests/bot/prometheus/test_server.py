"""Prometheus for real, and servers that lie: an answer, or the reason why there is none."""

import resource
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.config.prometheus import PrometheusServer
from bot.prometheus.answer import QuestionRefused, ServerSilent
from bot.prometheus.server import Server
from tests.fakes.lying import Liar, liar, one
from tests.real.postgres import missing
from tests.real.prometheus import RealPrometheus, prometheus

PASS_HASHED = "$2b$04$l7e5y92JCllcB0conO4w5uClGaQuaWhRZuwMK6D3RT39w1UE7B1gW"
"""bcrypt of the password `pass`, as Prometheus keeps it."""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus(folder, **{'cpu{instance="web-7:9100"}': 97.0}) as running:
        yield running


@pytest.fixture
def lies() -> Iterator[Liar]:
    with liar() as running:
        yield running


def server(url: str, secret: str | None = None, **more: object) -> Server:
    raw = {"url": url, "timeout": "2s", **more}
    section = PrometheusServer.model_validate(raw)
    return Server(name="main", section=section, secret=secret)


# --- the real one ----------------------------------------------------------------------


def test_a_real_server_gives_labels_value_and_time(real: RealPrometheus) -> None:
    real.wait_for("cpu")
    (sample,) = server(real.url).now("cpu")
    assert sample.value == 97
    assert sample.labels["instance"] == "web-7:9100"
    assert abs(sample.at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_range_gives_points_in_their_order(real: RealPrometheus) -> None:
    real.wait_for("cpu")
    until = datetime.now(UTC) + timedelta(seconds=1)
    since, step = until - timedelta(seconds=30), timedelta(seconds=1)
    (found,) = server(real.url).range("cpu", since, until, step)
    assert {value for _, value in found.points} == {97.0}
    assert list(found.points) == sorted(found.points)


def test_an_empty_answer_is_empty(real: RealPrometheus) -> None:
    assert server(real.url).now("no_such_metric") == ()


def test_a_wrong_expression_is_refused_with_the_servers_reason(
    real: RealPrometheus,
) -> None:
    with pytest.raises(QuestionRefused, match=r"refuses the question: .*parse error"):
        server(real.url).now("cpu{")


def test_a_scalar_is_refused(real: RealPrometheus) -> None:
    with pytest.raises(QuestionRefused, match="instant vector"):
        server(real.url).now("42")


def test_too_many_series_are_refused_and_counted(real: RealPrometheus) -> None:
    many = {f'many{{n="{n}"}}': 1.0 for n in range(1200)}
    real.target.lines.update(many)
    real.wait_for("count(many) == 1200")
    with pytest.raises(QuestionRefused, match=r"gives 1,[02]0[01] series"):
        server(real.url).now("many")
    assert len(server(real.url).now("topk(10, many)")) == 10


# --- what else may stand at that address -----------------------------------------------


def test_nobody_there(real: RealPrometheus) -> None:
    del real
    with pytest.raises(ServerSilent, match="cannot be reached"):
        server("http://127.0.0.1:9").now("up")


def test_a_server_that_hangs_ends_with_its_timeout(lies: Liar) -> None:
    lies.hangs = True
    with pytest.raises(ServerSilent, match=r"no answer within 0\.3 s"):
        server(lies.url, timeout="0.3s").now("up")
    assert len(lies.heard) == 1, "it is not asked again"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Sign in</html>",
        b"",
        b"[]",
        b'{"status":"success"}',
        b'{"data":[]}',
        b"[" * 200_000,
        b"\xff\xfe",
        b"1" * 10_000,
    ],
)
def test_what_is_no_answer_of_prometheus_is_silence(lies: Liar, body: bytes) -> None:
    lies.body = body
    with pytest.raises(ServerSilent, match="not Prometheus' JSON"):
        server(lies.url).now("up")


@pytest.mark.parametrize(
    "result",
    [
        {"metric": {}},
        [1],
        [{"metric": {}, "value": [1]}],
        [{"metric": {"a": 1}, "value": [1, "2"]}],
        [{"metric": {}, "value": [1e300, "2"]}],
        [{"metric": {}, "value": [1, "many"]}],
        [{"metric": {}, "histogram": [1, {}]}],
        None,
    ],
)
def test_an_answer_of_another_shape_is_refused(lies: Liar, result: object) -> None:
    lies.says(result)
    with pytest.raises(QuestionRefused, match="no list of series"):
        server(lies.url).now("up")


def test_a_million_series_are_not_read(lies: Liar) -> None:
    piece = b'{"metric":{"instance":"web-7:9100"},"value":[1800000000,"97"]},'
    head = b'{"status":"success","data":{"resultType":"vector","result":['
    lies.body = head + 1_000_000 * piece + piece[:-1] + b"]}}"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(QuestionRefused, match="larger than 4 MB"):
        server(lies.url, timeout="20s").now("up")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"an answer of {len(lies.body):,} bytes: {grown} kB more at the most")
    assert grown < 100_000


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(lies: Liar, status: int) -> None:
    lies.status, lies.headers = status, {"Location": f"{lies.url}/elsewhere"}
    with pytest.raises(ServerSilent, match="not followed"):
        server(lies.url, secret="a-token").now("up")
    assert len(lies.heard) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503])
def test_an_error_is_silence_and_says_its_status(lies: Liar, status: int) -> None:
    lies.status, lies.body = status, b"secret-words-of-a-proxy"
    with pytest.raises(ServerSilent, match=str(status)) as told:
        server(lies.url).now("up")
    assert "secret-words" not in str(told.value)
    assert len(lies.heard) == 1, "it is not asked again"


def test_the_servers_own_timeout_is_a_refusal(lies: Liar) -> None:
    lies.status = 503
    lies.body = b'{"status":"error","errorType":"timeout","error":"query timed out"}'
    with pytest.raises(QuestionRefused, match="query timed out"):
        server(lies.url).now("up")


def test_an_answer_that_is_not_whole_is_refused(lies: Liar) -> None:
    lies.says([one(instance="web-7")], warnings=["a store is down\x1b[31m\n<!here>"])
    with pytest.raises(QuestionRefused, match="not whole: a store is down") as told:
        server(lies.url).now("up")
    assert "\x1b" not in str(told.value) and "\n" not in str(told.value)


def test_numbers_that_are_none_come_through_as_they_are(lies: Liar) -> None:
    lies.says([one("NaN", instance="a"), one("+Inf", instance="b")])
    first, second = server(lies.url).now("up")
    assert first.value != first.value
    assert second.value == float("inf")


# --- who asks --------------------------------------------------------------------------


def test_a_token_is_borne(lies: Liar) -> None:
    lies.says([])
    server(lies.url, secret="a-token").now("up")
    assert lies.heard[0][1]["Authorization"] == "Bearer a-token"


def test_a_user_has_a_password(lies: Liar) -> None:
    lies.says([])
    server(lies.url, secret="pass", user="bot").now("up")
    assert lies.heard[0][1]["Authorization"] == "Basic Ym90OnBhc3M="


def test_nobody_in_particular(
    lies: Liar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    lies.says([])
    server(lies.url).now("up")
    assert "Authorization" not in lies.heard[0][1]


def test_a_real_server_that_wants_to_know_who_asks(tmp_path: Path) -> None:
    key, certificate = certified(tmp_path)
    ours = {"ca_file": certificate, "cert_file": certificate, "key_file": key}
    web = f"""\
tls_server_config:
  cert_file: {certificate}
  key_file: {key}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: {certificate}
basic_auth_users: {{bot: "{PASS_HASHED}"}}
"""
    with prometheus(tmp_path, web=web) as real:
        known = server(real.url, secret="pass", user="bot", **ours)
        assert known.now("vector(1)")[0].value == 1
        with pytest.raises(ServerSilent, match="status 401"):
            server(real.url, secret="other", user="bot", **ours).now("vector(1)")
        unknown = server(real.url, secret="pass", user="bot", ca_file=certificate)
        with pytest.raises(ServerSilent, match="cannot be reached"):
            unknown.now("vector(1)")
        with pytest.raises(ServerSilent, match="certificate is not trusted"):
            server(real.url, secret="pass", user="bot").now("vector(1)")


def certified(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for 127.0.0.1 that nobody else signed."""
    openssl = shutil.which("openssl")
    if openssl is None:
        missing("openssl")
    key, made = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *(openssl or "", "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
            *("-days", "2", "-keyout", str(key), "-out", str(made)),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return key, made


def test_a_secret_shows_nowhere() -> None:
    assert "a-token" not in repr(server("http://127.0.0.1:9", secret="a-token"))


def test_a_missing_authority_is_said(lies: Liar, tmp_path: Path) -> None:
    with pytest.raises(ServerSilent, match="ca_file"):
        server(lies.url, ca_file=tmp_path / "none.pem").now("up")


def test_victoriametrics_answers_the_same_question(lies: Liar) -> None:
    # Worded after its documentation.
    lies.body = (
        b'{"status":"success","isPartial":false,"data":{"resultType":"vector","result":'
        b'[{"metric":{"__name__":"up","instance":"web-7:9100","job":"node"},'
        b'"value":[1800000000,"1"]}]},"stats":{"seriesFetched":"1","executionTimeMsec":2}}'
    )
    (found,) = server(f"{lies.url}/select/0/prometheus").now("up")
    assert (found.labels["instance"], found.value) == ("web-7:9100", 1.0)
    assert lies.heard[0][0].startswith("/select/0/prometheus/api/v1/query?query=up")


def test_a_part_of_victoriametrics_answer_is_not_whole(lies: Liar) -> None:
    lies.says([one(instance="web-7")], isPartial=True)
    with pytest.raises(QuestionRefused, match="not whole"):
        server(lies.url).now("up")
