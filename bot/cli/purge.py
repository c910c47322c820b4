"""`countersign purge`: delete what ended long ago, beside a running bot."""

import os
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.cli.command import BadRequest, bot_runs, check_user, opened, telling, who
from bot.config.durations import parse_duration
from bot.config.environment import Environment
from bot.keeping.bygone import Bygone, Counts
from bot.runtime.clock import SystemClock
from bot.text.words import seconds
from bot.wiring.knowledge import index_folder
from memory.index import discard
from remediation.ledger.purge import ChainBroken

_SHORTEST = timedelta(days=1)


def run(older_than: str, *, is_dry: bool, is_agreed: bool) -> int:
    """Say what would go, ask, and delete it; 0 well, 1 not agreed, 2 bad input."""
    environment = Environment.read(os.environ)
    with telling("purge") as told:
        check_user(environment)
        span, now = _span(older_than), SystemClock().now().wall
        with opened(environment) as database:
            bygone = Bygone(database, environment.state_dir)
            due = bygone.count(now - span)
            print(f"Ended more than {seconds(span)} ago: {_said(due)}.")
            if is_dry or due == Counts():
                print("Nothing was deleted.")
            elif is_agreed or _agrees():
                _purge(bygone, now - span, due)
                _let_go_of_index(environment)
            else:
                told.bad("nothing was deleted", 1)
    return told.code


def _purge(bygone: Bygone, before: datetime, due: Counts) -> None:
    gone = Counts()
    try:
        for some in _batches(bygone, before):
            gone += some
            print(f"{gone.incidents} of {due.incidents}", flush=True)
    except ChainBroken as why:
        raise BadRequest(
            f"{why}, and a purge must not hide that. Look with `countersign audit "
            "verify`; nothing more is purged until the ledger is whole"
        ) from why
    except OSError as error:
        raise BadRequest(
            f"{error.filename} cannot be deleted ({error.strerror}), so its incident "
            "stays. Run this as the user that Countersign runs as"
        ) from error
    finally:
        bygone.finish()
        print(f"Deleted: {_said(gone)}.")


def _batches(bygone: Bygone, before: datetime) -> Iterator[Counts]:
    """Take out what is due; what is yielded is gone, whatever happens after it."""
    more = True
    while more:
        now = SystemClock().now().wall
        some = bygone.take(before, why=f"by {who()}", now=now)
        more = bool(some.incidents)
        yield some


def _let_go_of_index(environment: Environment) -> None:
    if bot_runs(environment):
        print("The bot that runs here follows at its next use of memory.")
    else:
        discard(index_folder(environment))


def _agrees() -> bool:
    if not sys.stdin.isatty():
        raise BadRequest("nobody can be asked here. Add --yes to delete for good")
    answer = input("Delete this for good? It cannot be brought back. [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def _said(counts: Counts) -> str:
    parts = (
        (counts.incidents, "incident"),
        (counts.events, "event"),
        (counts.proposals, "proposal"),
        (counts.cases, "case"),
        (counts.documents, "postmortem"),
        (counts.alerts, "alert"),
    )
    return ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in parts)


def _span(text: str) -> timedelta:
    try:
        span = parse_duration(text)
    except ValueError as error:
        raise BadRequest(f"--older-than {text!r}: {error}") from error
    if span < _SHORTEST:
        raise BadRequest("--older-than is a day at least: 1d")
    return span
