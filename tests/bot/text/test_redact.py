"""No secret gets through, whatever it stands in; what explains an incident stays."""

import math
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.redact import redact, visible

WORD = "Zx9Kq3vT7mB1pL5wR8nD2sF6"
SHAPES = (
    "psql --password={}", "app --db-pass={}", "agent --api-key {}", "x --passwd '{}'",
    "celery -b amqp://svc:{}@rabbit:5672/", "PGPASSWORD={} psql", "mysql -p{} -h db",
    "curl -u admin:{} https://x", "curl -H 'Authorization: Basic {}'",
    "Authorization: Bearer {}", "env AWS_SECRET_ACCESS_KEY={} s3sync",
    "java -Djavax.net.ssl.keyStorePassword={} -jar a.jar", "sshpass -p {} ssh root@h",
    "ldapsearch -w {} -D cn=x", "openssl enc -pass pass:{}", "redis-cli -a {}",
    "wget https://b.example/k?X-Amz-Signature={}", "git clone https://{}@github.example/a",
    'tool --config={{"password":"{}"}}', "mongodb+srv://u:{}@c.example/db",
    "the db password is {}", "conn string postgres://u:{}@db/x", "token: {}",
    'secret = "{}"', "client_secret => {}", "-----BEGIN RSA PRIVATE KEY-----\n{}\n",
    "Cookie: theme=dark; sid={}", "root:{}@tcp(db:3306)/app", "root:{}@db/x",
    "IDENTIFIED BY '{}'", "<password>{}</password>", "PASSWORD: |\n  {}\n",
    "password {}", "pwd {}", "PASS {}", "password for user app is {}", "pw={}",
    "PIN={}", "STRIPE_KEY={}", "GOOGLE_KEY={}", "password: correct horse {}",
    "passwd=a&{}", "xoxb-{}", "ghp_{}", "pass\u200bword={}", "Cookie: session={}",
)  # fmt: skip
KEPT = (
    "FATAL: password authentication failed for user app",
    "the token expired",
    "Started nginx.service on web-1 pid 4242 at 2026-11-21T12:00:00Z",
    "/usr/lib/python3.11/site-packages/chromadb/telemetry/product/events.py line 42",
    "systemd-networkd-wait-online.service: Main process exited, status=1/FAILURE",
    "Out of memory: Killed process 4242 (python3) total-vm:5012340kB",
    "ssh -p 2222 host",
    "kube-state-metrics-controller-manager",
)

TOLD = (
    "password hunter", "the passphrase horse", "use password Sunshine for it",
    "password 'hunter two'", "Password hunter, please", "secret: several words hunter",
    "token: multi hunter", "client_secret = two hunter", "token := a b hunter",
    '{"log": "secret: several hunter", "pid": 7}', "password = correct horse hunter",
    "token abc123hunter", "API key: a b hunter", "secret: don't say hunter",
    'secret: ab"cd hunter', "credentials: admin hunter", "aws_secret_access_key = a hunter",
)  # fmt: skip
SAID = (
    "the password file changed",
    "token bucket limit",
    "secret rotation failed",
    "password reset for deploy came twice",
    "the password expires tomorrow",
    "wrong password entered three times",
    "cat /etc/passwd root",
    "no password set, token required",
    "the token of the session is 4 h old",
    "passed all checks, password policy ok",
    "token 42 of the list",
    "the vault's secret store is sealed",
)


@pytest.mark.parametrize("text", TOLD)
def test_a_secret_told_in_words_is_hidden_to_its_end(text: str) -> None:
    shown = redact(text)
    assert not {"hunter", "horse", "Sunshine", "several", "multi"} & set(
        "".join(c if c.isalnum() else " " for c in shown).split()
    )
    assert "abc123" not in shown


def test_what_stands_behind_a_quoted_secret_stays() -> None:
    shown = redact('{"log": "secret: several words", "pid": 7}')
    assert shown == '{"log": "secret: [redacted]", "pid": 7}'


@pytest.mark.parametrize("text", SAID)
def test_a_sentence_about_secrets_stays(text: str) -> None:
    assert redact(text) == text


def test_one_line_cannot_hide_all_that_follows() -> None:
    text = (
        "GET /?q=-----BEGIN x-----\n1 ERROR disk failed: no space left\n2 ERROR again"
    )
    assert "disk failed: no space left\n2 ERROR again" in redact(text)


def test_hexadecimal_digits_that_hardly_alternate_are_hidden() -> None:
    for word in ("39220186608944cc551577ab", "392201866089444455157a77"):
        assert word not in redact(f"job {word} end")
    assert redact("id 392201866089444455157577") == "id 392201866089444455157577"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("word", ["hunter2hunter2", WORD, "S3cr3t!x"])
def test_a_secret_in_a_known_place_is_hidden(shape: str, word: str) -> None:
    assert word not in redact(shape.format(word))


@pytest.mark.parametrize("text", KEPT)
def test_what_explains_an_incident_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "random",
    [
        "9f86d081884c7d659a2feaa0",
        "wqJLTKsohbRt9TXjjDRfO6pbHBo-Ltsle1968oDVct8q-UY7yRKUyQ",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AKIAIOSFODNN7EXAMPLE",
        "AIzaSyA-1234567890abcdefghijklmnopqrstu",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_def-ghi",
        WORD,
    ],
)
def test_what_looks_like_a_key_is_hidden_wherever_it_stands(random: str) -> None:
    assert random not in redact(f"something {random} happened")


def test_a_secret_that_the_limit_cuts_in_two_is_not_shown_in_part() -> None:
    for length in range(3900, 4100):
        text = "x " * (length // 2) + f"password={WORD}"
        assert "Zx9K" not in redact(text, limit=length // 4)


@given(st.text(max_size=500))
def test_nothing_invisible_is_left(text: str) -> None:
    shown = visible(text)
    assert all(c == "\n" or c.isprintable() or c.isspace() for c in shown)
    shown.encode()


@given(st.text(max_size=2000), st.integers(20, 500))
def test_the_limit_is_kept(text: str, limit: int) -> None:
    assert len(redact(text, limit=limit)) <= limit


@given(st.text(string.printable, max_size=300))
def test_redacting_twice_changes_little(text: str) -> None:
    once = redact(text)
    assert len(redact(once)) <= len(once) + 40 * once.count("[redacted]")


def test_time_grows_with_length_and_not_faster() -> None:
    evil = (
        "pass", "://", "--pass ", "-----BEGIN ", "aA1", '"', "password='", "eyJ",
        "identified by ", "pass is ", "password: |", "_key=", "authorization: ", "sk-", "-u a", "://a?", "basic ", "token is ", "a.",
        "password for a ", "password set ", "set password ", "password set from a ", "mysql ",
        "mysql -p ", "echo a|", "echo ", "htpasswd -b ", "ldapsearch ", "-p a1", "key=a",
        'password=\\"a', "password=&quot;a", "password: |\n ", "password:\n ", "token-",
        "<a token", "recovery code ", "Password=a ", "pass word ", "secret_", "\\\\", "%25",
        "password (", "rabbitmqctl ", "set a password to ", "password a to ", "auth-service-",
        "password a", "secret: ", 'secret: "a', "token a", "passwd '",
    )  # fmt: skip
    worst = max(map(_growth, evil))
    print(f"four times the text takes at most {worst:.1f} times as long")
    assert worst < 12


def _growth(piece: str) -> float:
    """How many times as long four times the text takes; what looks bad gets two more tries."""
    growth = math.inf
    for _ in range(3):
        took = [_seconds(piece * (size // len(piece))) for size in (8_000, 32_000)]
        growth = min(growth, took[1] / max(took[0], 0.002))
        if growth < 8:
            break
    return growth


def _seconds(text: str) -> float:
    start = time.thread_time()
    redact(text, limit=100_000)
    return time.thread_time() - start
