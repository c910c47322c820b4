"""`countersign init`: a first configuration and the app's manifest, from a few questions.

What was given as an option is not asked. Nothing that exists is overwritten.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.config.environment import Environment
from bot.config.hosts import HostName
from bot.config.policy import SlackGroup, SlackUser
from bot.config.settings import Settings
from bot.config.slack import SlackChannel
from bot.config.wrong_value import should_be

_BOT: Final = Path(__file__).parents[1]
_MANIFESTS: Final = (
    _BOT / "shipped" / "slack-manifest.yaml",
    _BOT.parent / "deploy" / "slack-manifest.yaml",
)
"""In an installed package, and in a checkout."""

_FILE: Final = """\
# Written by `countersign init`. README lists every key; `countersign doctor` checks it.
host: {host}
mode: {mode}  # observe: tells everything, does nothing; act: offers buttons
slack:
  channel: {channel}
  approvers:
    users: [{users}]
    groups: [{groups}]
  notify:
    critical: [{critical}]  # whom a critical incident wakes
policy:
  services:
    allow: []  # units that may be restarted, such as nginx.service
"""

_NEXT: Final = """
Next:
  1. api.slack.com/apps, "Create New App", "From a manifest": paste {manifest},
     install it, and make an app-level token with connections:write.
  2. export SLACK_BOT_TOKEN=xoxb-…  SLACK_APP_TOKEN=xapp-…
  3. Invite the bot into the channel: /invite @countersign
  4. countersign doctor     says what is still missing
     countersign run
"""


Read = TypeVar("Read")


class _Wrong(Exception):
    """An answer that cannot be meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was given as options; None is asked."""

    channel: str | None
    approvers: str | None
    critical: str | None
    host: str | None
    mode: str | None


def run(given: Answers) -> int:
    """Ask, write both files, say what comes next; 2 where nothing could be written."""
    place = Environment.read(os.environ).config
    manifest = place.parent / "slack-manifest.yaml"
    try:
        _must_be_new(place, manifest)
        shipped, text = _manifest(), _configuration(given)
        _write(place, text)
        _write(manifest, shipped)
    except (_Wrong, OSError) as error:
        sys.stderr.write(f"countersign init: {error}\n")
        return 2
    except (EOFError, KeyboardInterrupt):
        sys.stderr.write(
            "\ncountersign init: ended before the last answer; nothing was "
        )
        sys.stderr.write("written. Each question has an option: see --help\n")
        return 2
    print(f"\nWritten: {place}, {manifest}{_NEXT.format(manifest=manifest)}", end="")
    return 0


def _must_be_new(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise _Wrong(
                f"{path} is there already, and nothing was written. Move it away, "
                "or name another place with COUNTERSIGN_CONFIG"
            )


def _configuration(given: Answers) -> str:
    channel = _answered(
        given.channel,
        "Channel for incidents, its id (C…; at the end of the channel's details)",
        TypeAdapter(SlackChannel).validate_python,
    )
    approvers = _answered(
        given.approvers,
        "Who may approve: ids of people (U…) or groups (S…), separated by commas",
        lambda text: _people(text, least=1),
    )
    critical = _answered(
        given.critical,
        "Whom a critical incident wakes: likewise; empty is nobody",
        lambda text: _people(text, least=0),
        default="",
    )
    host = _answered(
        given.host,
        "This host, as people call it",
        TypeAdapter(HostName).validate_python,
        default=Settings().host,
    )
    mode = _answered(
        given.mode,
        "Begin with `observe` (tells, does nothing) or `act` (offers buttons)",
        _mode,
        default="observe",
    )
    return _FILE.format(
        # Quoted: a name of digits alone is no number.
        host=json.dumps(host),
        mode=mode,
        channel=channel,
        users=", ".join(each for each in approvers if not each.startswith("S")),
        groups=", ".join(each for each in approvers if each.startswith("S")),
        critical=", ".join(critical),
    )


def _answered(
    given: str | None,
    question: str,
    read: Callable[[str], Read],
    default: str | None = None,
) -> Read:
    """Return what was given, or ask until the answer can be meant."""
    if given is not None:
        try:
            return read(given.strip())
        except (ValidationError, _Wrong) as error:
            raise _Wrong(
                f"{question}: {given!r} does not fit: {_why(error)}"
            ) from error
    shown = f"{question} [{default}]" if default else question
    while True:
        said = input(f"{shown}: ").strip() or default or ""
        try:
            return read(said)
        except (ValidationError, _Wrong) as error:
            print(f"  {said!r} does not fit: {_why(error)}. Once more, or Ctrl-C.")


def _why(error: ValidationError | _Wrong) -> str:
    if isinstance(error, _Wrong):
        return str(error)
    first = error.errors()[0]
    return should_be(first["type"], first.get("ctx", {}), first["input"], first["msg"])


def _people(text: str, *, least: int) -> tuple[str, ...]:
    ids = tuple(part.strip() for part in text.split(",") if part.strip())
    if len(ids) < least:
        raise _Wrong("nobody could approve anything")
    for each in ids:
        TypeAdapter(SlackUser | SlackGroup).validate_python(each)
    return ids


def _mode(text: str) -> str:
    if text not in ("observe", "act"):
        raise _Wrong("it should be observe or act")
    return text


def _manifest() -> str:
    for path in _MANIFESTS:
        if path.exists():
            return path.read_text()
    raise _Wrong("this installation has no slack-manifest.yaml; install it again")


def _write(path: Path, text: str) -> None:
    with path.open("x") as file:
        file.write(text)
