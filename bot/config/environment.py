"""What comes from outside the configuration file: places, and every secret."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class BadEnvironment(Exception):
    """A file of secrets cannot be read; the text says which, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What comes from outside the file. Secrets never show in `repr`."""

    config: Path
    state_dir: Path
    slack_api_url: str | None = None
    bot_token: str | None = field(default=None, repr=False)
    app_token: str | None = field(default=None, repr=False)
    signing_secret: str | None = field(default=None, repr=False)
    database_url: str | None = field(default=None, repr=False)
    gemini_key: str | None = field(default=None, repr=False)
    gemini_base_url: str | None = None
    openai_key: str | None = field(default=None, repr=False)
    openai_base_url: str | None = None
    otlp_endpoint: str | None = None
    pagerduty_key: str | None = field(default=None, repr=False)
    escalation_webhook: str | None = field(default=None, repr=False)
    webhook_token: str | None = field(default=None, repr=False)
    alertmanager_secret: str | None = field(default=None, repr=False)
    ssh_key: str | None = field(default=None, repr=False)
    prometheus_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    loki_secret: str | None = field(default=None, repr=False)
    container: str | None = None

    @classmethod
    def read(cls, env: Mapping[str, str]) -> "Environment":
        """Read the variables; a credentials file (systemd LoadCredential) wins.

        Raises `BadEnvironment` where there is one that this user may not read.
        """
        return cls(
            config=Path(env.get("COUNTERSIGN_CONFIG") or "countersign.yaml"),
            state_dir=_state_dir(env),
            slack_api_url=env.get("SLACK_API_URL") or None,
            bot_token=_secret(env, "SLACK_BOT_TOKEN"),
            app_token=_secret(env, "SLACK_APP_TOKEN"),
            signing_secret=_secret(env, "SLACK_SIGNING_SECRET"),
            database_url=_secret(env, "DATABASE_URL"),
            gemini_key=_secret(env, "GEMINI_API_KEY") or _secret(env, "GOOGLE_API_KEY"),
            gemini_base_url=env.get("GOOGLE_GEMINI_BASE_URL") or None,
            openai_key=_secret(env, "OPENAI_API_KEY"),
            openai_base_url=env.get("OPENAI_BASE_URL") or None,
            otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
            pagerduty_key=_secret(env, "PAGERDUTY_ROUTING_KEY"),
            escalation_webhook=_secret(env, "COUNTERSIGN_ESCALATION_WEBHOOK"),
            webhook_token=_secret(env, "COUNTERSIGN_WEBHOOK_TOKEN"),
            alertmanager_secret=_secret(env, "COUNTERSIGN_ALERTMANAGER_SECRET"),
            ssh_key=_key(_secret(env, "COUNTERSIGN_SSH_KEY")),
            prometheus_secrets=_by_name(_secret(env, "COUNTERSIGN_PROMETHEUS_SECRETS")),
            loki_secret=_secret(env, "COUNTERSIGN_LOKI_SECRET"),
            container=env.get("container") or None,
        )


def _state_dir(env: Mapping[str, str]) -> Path:
    named = env.get("COUNTERSIGN_STATE_DIR") or env.get("STATE_DIRECTORY")
    if named:
        return Path(named.split(":")[0])
    home = env.get("XDG_STATE_HOME") or f"{env.get('HOME', '.')}/.local/state"
    return Path(home) / "countersign"


def _by_name(text: str | None) -> dict[str, str]:
    """Read `NAME=SECRET` words; raise `BadEnvironment` without repeating a secret."""
    words = (text or "").split()
    if not all("=" in word for word in words):
        raise BadEnvironment(
            "COUNTERSIGN_PROMETHEUS_SECRETS has a word without =. Write one NAME=SECRET "
            "for each server, with blanks or new lines between them"
        )
    return {name: secret for name, _, secret in (w.partition("=") for w in words)}


def _key(said: str | None) -> str | None:
    """Return a private key: itself, or what the file holds whose path is given."""
    if said is None or said.startswith("-----BEGIN "):
        return f"{said.rstrip()}\n" if said else None
    try:
        return Path(said).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadEnvironment(
            f"COUNTERSIGN_SSH_KEY names a file that uid {os.geteuid()} cannot read as "
            "text. Give the path of a private key, or the key itself"
        ) from error


def _secret(env: Mapping[str, str], name: str) -> str | None:
    folder = env.get("CREDENTIALS_DIRECTORY")
    file = Path(folder) / name.lower() if folder else None
    if file is None or not file.is_file():
        return env.get(name) or None
    try:
        return file.read_text().strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise BadEnvironment(
            f"{file} cannot be read by uid {os.geteuid()}. Nothing starts without what "
            "it holds: give the file to that user, readable for nobody else"
        ) from error
