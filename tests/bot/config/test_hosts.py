"""The section of other hosts, the bot's key for them, and what the doctor says of each."""

import re
from pathlib import Path

import pytest

from bot.config.environment import BadEnvironment, Environment
from bot.config.settings import Settings
from bot.doctor import hosts
from bot.runtime.checkup import Grade
from tests.bot.config.test_settings import loaded, problems

SERVER = "prometheus:\n  servers: {main: {url: http://x}}\n"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBQFt5HMbfR1IVSP5dHd2L8Ki0jGpmb4lqgd4C3qYJfB"


def test_a_host_needs_its_address_only() -> None:
    settings = loaded("hosts: {web-7: {address: 10.0.0.7}}").settings
    found = settings.hosts["web-7"]
    assert (found.address, found.port, found.user) == ("10.0.0.7", 22, "root")
    assert (found.gate, found.host_key) == ("ssh", None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hosts:\n  web-7: {}", "line 2: hosts.web-7.address: missing"),
        ("hosts:\n  web-7: {address: a, port: 0}", "line 2: hosts.web-7.port"),
        ("hosts:\n  web-7: {address: -oProxy}", "line 2: hosts.web-7.address"),
        ("hosts:\n  web-7: {address: a, user: Root!}", "line 2: hosts.web-7.user"),
        ("hosts:\n  web-7: {address: a, gate: telnet}", "line 2: hosts.web-7.gate"),
        ("hosts:\n  web-7: {address: a, host_key: x}", "line 2: hosts.web-7.host_key"),
        ("hosts:\n  web 7: {address: a}", "hosts.web 7"),
        (
            "host: web-1\nhosts:\n  web-1: {address: a}",
            "line 2: hosts: .* web-1 is this very host",
        ),
        (
            f"{SERVER}  rules:\n    - {{name: a, expr: b, warning: 1, actions: [stop]}}",
            "line 4: .*actions need service",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, words: str) -> None:
    (problem,) = problems(text)
    assert re.search(words, problem), problem


def test_a_key_is_itself_or_the_path_of_its_file(tmp_path: Path) -> None:
    text = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n"
    file = tmp_path / "key"
    file.write_text(text)
    for said in (text, str(file)):
        made = Environment.read({"COUNTERSIGN_SSH_KEY": said})
        assert made.ssh_key == text
        assert "PRIVATE" not in repr(made)
    assert Environment.read({}).ssh_key is None
    with pytest.raises(BadEnvironment, match="COUNTERSIGN_SSH_KEY names a file"):
        Environment.read({"COUNTERSIGN_SSH_KEY": str(tmp_path / "none")})


def told(folder: Path, **sections: object) -> list[tuple[Grade, str]]:
    settings = Settings.model_validate(sections)
    environment = Environment(config=folder, state_dir=folder, ssh_key="no key at all")
    return [(f.grade, f.text) for f in hosts.checks(settings, environment)]


def test_the_doctor_says_nothing_where_there_is_no_host(tmp_path: Path) -> None:
    assert told(tmp_path) == []


def test_the_doctor_says_why_a_host_is_not_asked(tmp_path: Path) -> None:
    there = {"address": "127.0.0.1", "port": 1, "host_key": KEY}
    allow = {"services": {"allow": ["nginx"]}}
    ((grade, text),) = told(tmp_path, hosts={"web-7": there}, policy=allow)
    assert grade is Grade.WARN
    assert "web-7 is not asked: COUNTERSIGN_SSH_KEY holds no private key" in text


def test_the_doctor_says_that_no_service_is_allowed(tmp_path: Path) -> None:
    found = told(tmp_path, hosts={"web-7": {"address": "127.0.0.1", "port": 1}})
    assert "policy.services.allow names no service" in found[0][1]
