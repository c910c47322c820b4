"""Secrets as people and programs write them every day, and what only looks like one."""

from pathlib import Path

import pytest

from bot.text.redact import redact, redact_lines

WORDS = ("Summer2026!", "hunter", "sesame")
EVERYDAY = (
    r'docker[812]: {"log":"login {\"user\":\"bob\",\"password\":\"%s\"}"}',
    r'{\"api_key\":\"%s\"}',
    r'{\\\"password\\\": \\\"a %s b\\\"}',
    "Password for user bob: %s", "new password for bob set to %s",
    "password changed from Winter2025! to %s", "password changed from %s to Winter2025!",
    "reset the root password to %s", "the password is now %s",
    "CONFIG SET requirepass %s", "bindpw %s", "rootpw %s", "olcRootPW: %s", "rootpw: %s",
    "masterauth %s", "olcRootPW:: %s",
    "ALTER USER 'bob' IDENTIFIED WITH caching_sha2_password BY '%s'",
    "SET PASSWORD FOR 'bob'@'%%' = '%s'", "CREATE ROLE bob LOGIN PASSWORD '%s'",
    "username%%3Dbob%%26password%%3D%s", "password%%253D%s",
    "%%22password%%22%%3A%%22a %s%%22",
    "&quot;password&quot;:&quot;%s&quot;", "&#34;password&#34;: &#34;a %s&#34;",
    '<add key="Password" value="%s"/>', "<password>\n  %s\n</password>",
    "- name: DB_PASSWORD\n  value: %s", '{"name":"DB_PASSWORD","value":"%s"}',
    "echo 'bob:%s' | chpasswd", "echo %s | passwd --stdin bob", "echo %s | sudo -S ls",
    "chpasswd <<< 'bob:%s'", "htpasswd -b f bob %s", "htpasswd -nb bob %s > f",
    "rabbitmqctl change_password bob %s", "rabbitmqctl -n x add_user bob %s",
    "smbclient -U bob%%%s //h/s", "net user bob %s /add",
    "kubectl create secret generic x --from-literal=foo=%s",
    "key=%s", "jwt=%s", "recovery code: %s", "recovery codes: first %s",
    "PASSWORD\uff1d%s", "\uff30assword: %s", "pa\u017fsword: %s",
    '{"password": "hun\\"%s"}', "Password=correct horse %s", 'password="a %s', "secret_id=%s",
    "db_password_2=%s", "MYSQLPASS=%s", "userpwd=%s", "authToken: %s", "smtp_auth=%s",
    "password: |\n  first\n  %s\nuser: bob", "password:\n  %s", "`mysql --password %s -h db`",
    "mysql -u root -p%s -h db", "mysql -P 3306 -p %s", "sshpass -p %s ssh h",
    "ldapsearch '(&(a=b)(c=d))' -D cn=x -w %s", "unzip -P %s f.zip", "redis-cli -h h -a %s",
    "docker login -u bob -p %s r.example", "password: %s is it", "token: not %s",
)  # fmt: skip
EXPLAINS = (
    "auth-service: OOM killed", "token-service is down", "the secret was not found",
    "tokens: 1234 in, 56 out", "total_tokens=1234", "max_tokens: 4096", "bypass: enabled",
    "author: Bob", "authority: root", "authentication: failed", "primary_key=12",
    "sudo: bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/usr/bin/apt",
    "OLDPWD=/home/bob", "mkdir -p /var/lib/foo", "docker run -p 8080:80 nginx",
    "docker run -p 127.0.0.1:8080:80/tcp -u 1000:1000 nginx", "auth_service is failing",
    "auth-service-7d9f: restarted", "password-store: sealed", "secrets-manager: sealed",
    "token_count: 12", "secretName: web-tls", "password_file=/run/x", "secretary: Bob",
    "tokenizer: bpe", "token.py:42: TypeError", "the token is expired", "auth is down",
    "the password was rejected by the server", "password: not set", "token: expired",
    "Access denied for user 'root'@'db' (using password: YES)", "12 passed: all well",
    "Failed password for root from 10.0.0.1 port 22 ssh2", "password changed for bob",
    "Failed password for invalid user bob from ::1 port 22 ssh2",
    "[sudo] password for bob:\nNov 21 12:00:00 web-1 cron: done",
    "no password for user bob: connection refused", "passenger: Bob", "passive: true",
    "pam_unix(passwd:chauthtok): password changed for bob", "auth.failures=3",
    "systemctl show a.service -p NRestarts -p ActiveState", "ps -o pid -p PID",
    "journalctl -p warning -u nginx", "find / -xdev -print | head", "ping -W 2 host",
    "reset your password to continue", "access token refreshed", "if (token->id == 0)",
    "lock wait on foreign_key: orders_id", "psql --no-password -h db", "compass: north",
    "kubectl patch -p '{\"spec\":1}'", "requirepass is not set", "copied in 12:30:45",
    "smartctl -A /dev/sda1", "sysctl -w net.netfilter.nf_conntrack_max=524288",
    "curl -w '%{http_code} %{time_total}' http://db-1/healthz", "ssh -p 2222 host",
    "cache key=session:42", "the secret is missing in the vault",
    "private_key: /etc/ssl/x.pem", "error loading private key: file not found",
    "oauth2: token expired", "no user was provided for basic authentication", "tokens=12",
    "ERR AUTH <password> called without any", "token-bucket-filter: full", "auth-api: slow",
    "passwd: password updated successfully", "tests pass: 12, fail: 3", "cookie: missing",
    "token-refresher: exited", "password-reset: queue is long", "auth is slow", "pin=17",
    "password_encryption = scram-sha-256", "token was issued at 12:00", "token_type: bearer", "auth: ok, 12 ms",
)  # fmt: skip
RUNBOOKS = sorted((Path(__file__).parents[3] / "runbooks").glob("*.md"))


@pytest.mark.parametrize("shape", EVERYDAY)
@pytest.mark.parametrize("word", WORDS)
def test_an_everyday_password_is_hidden(shape: str, word: str) -> None:
    shown = redact(shape % word)
    assert word not in shown
    assert word[:6] not in shown
    assert "Winter" not in shown
    assert "[redacted]" in shown


@pytest.mark.parametrize("text", EXPLAINS)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_our_own_runbooks_hold_no_secret(path: Path) -> None:
    assert redact_lines(path.read_text()) == (path.read_text(), ())


def test_what_stands_behind_a_password_without_quotes_stays() -> None:
    said = "PGPASSWORD=hunter psql; password=hunter x"
    assert redact(said) == "PGPASSWORD=[redacted] psql; password=[redacted] x"
    assert redact("Password=correct horse battery; Server=x") == (
        "Password=[redacted]; Server=x"
    )


def test_a_document_keeps_its_lines_and_names_where_secrets_begin() -> None:
    key = "-----BEGIN X-----\nabc\ndef\n-----END X-----"
    text = f"one\ntoken: hunter\n{key}\nsix\tlast"
    shown, changed = redact_lines(text)
    assert changed == (1, 2)
    assert shown == "one\ntoken: [redacted]\n[redacted]\n\n\n\nsix last"


def test_a_document_without_a_secret_is_left_as_it_is() -> None:
    text = "過負荷\uff1a\uff58\tx" + " word" * 100_000
    assert redact_lines(text) == (text, ())
