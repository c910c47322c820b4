"""Dockerfile and compose files promise no rights, hashes and one place to write to."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config.environment import Environment

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
RIGHTS = ("privileged", "cap_add", "devices", "ports", "network_mode", "user")


def steps(word: str) -> list[str]:
    """What follows an instruction of the Dockerfile, continued lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{word} +(.+)$", joined, re.MULTILINE)


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / name).read_text())
    service: dict[str, Any] = found["services"]["countersign"]
    return service


@pytest.mark.promise(37)
def test_every_package_comes_by_its_hash_from_the_lock() -> None:
    installs = re.findall(r"pip install ([^&\n]+)", DOCKERFILE.replace("\\\n", " "))
    assert len(installs) == 2
    locked, own = installs
    assert "--require-hashes --no-deps -r requirements.lock" in locked
    # The build backend is in the lock; else pip would fetch one without a hash.
    assert "--no-deps --no-build-isolation" in own and own.split()[-1] == "."
    text = (ROOT / "requirements.lock").read_text()
    wanted = re.findall(r"^[\w.-]+==\S+", text, re.MULTILINE)
    hashed = re.findall(r"^[\w.-]+==[^\n]*\\\n +--hash=sha256:", text, re.MULTILINE)
    print(f"promise 37: packages {len(wanted)}, pinned by hash {len(hashed)}")
    assert len(hashed) == len(wanted) > 50


@pytest.mark.promise(36)
def test_the_last_stage_runs_as_a_user_without_rights() -> None:
    assert steps("USER") == ["countersign"]
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "USER countersign" in last and "apt-get" not in last
    print("promise 36: the image runs as countersign, in a stage that installs nothing")


def test_no_registry_is_named() -> None:
    assert steps("ARG") == ["BASE=debian:bookworm-slim"]
    assert {step.split()[0] for step in steps("FROM")} == {"${BASE}", "python"}


def test_what_is_copied_is_let_in_and_nothing_else() -> None:
    copied = {
        source
        for step in steps("COPY")
        if not step.startswith("--from")
        for source in step.split()[:-1]
    }
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored[0] == "*"
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]
    wheel = packages["build"]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"]} <= copied


def test_compose_gives_no_right_and_one_place_to_write_to() -> None:
    bot = service("compose.yaml")
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    assert not {*RIGHTS, "pid", "ipc", "cgroup"} & set(bot)
    writable = [v for v in bot["volumes"] if isinstance(v, str) or not v["read_only"]]
    assert writable == ["state:/var/lib/countersign"]
    assert "COUNTERSIGN_STATE_DIR=/var/lib/countersign" in steps("ENV")[0]


def test_secrets_are_files_that_the_bot_reads() -> None:
    bot = service("compose.yaml")
    assert "CREDENTIALS_DIRECTORY=/run/secrets" in steps("ENV")[0]
    assert "environment" not in bot
    read = {"slack_bot_token": "bot_token", "slack_app_token": "app_token"}
    assert set(bot["secrets"]) == set(read)
    assert set(read.values()) <= {field.name for field in fields(Environment)}


def test_its_health_is_asked_where_it_listens() -> None:
    test = service("compose.yaml")["healthcheck"]["test"][-1]
    example = yaml.safe_load((DEPLOY / "countersign.yaml").read_text())
    assert f"http://{example['http']['listen']}/healthz" in test


def test_the_hosts_processes_are_a_choice_and_bring_no_other_right() -> None:
    bot = service("compose.host.yaml")
    assert bot["pid"] == "host"
    assert not set(RIGHTS) & set(bot)
    assert all(volume.endswith(":ro") for volume in bot["volumes"])


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "compose.host.yaml"])
def test_the_guide_names_it(name: str) -> None:
    assert name in (DEPLOY / "README.md").read_text()
