"""`countersign maintenance` and `countersign mark`: what scripts tell, beside a running bot.

They write a row and its event; the bot's next sweep, within a second, brings the cards
after it.
"""

import os
import sys
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.actions.target import service_of
from bot.cli.command import who
from bot.config.durations import parse_duration
from bot.config.environment import Environment
from bot.config.settings import Settings
from bot.config.yamlfile import BadConfiguration
from bot.quiet import maintenance
from bot.quiet.maintenance import begin, check, row_name, target_of
from bot.runtime.clock import SystemClock
from bot.storage import marks, quiet
from bot.storage.database import BadDatabase
from bot.storage.quiet import Quiet
from bot.text.redact import fit_to_keep
from bot.text.words import seconds
from bot.wiring.parts import configured, database_of, fleet_of, manager_of
from remediation.ledger.audit import happened
from remediation.ledger.decision import NotDecided
from remediation.moment import Moment
from remediation.target.unit import UnitFacts

_REASON = 300

Use = Callable[[Settings, Connection, Moment], None]


def start(named: str | None, *, lasts: str, why: str) -> int:
    """Begin or prolong the maintenance of this host or a service; 0 well, 2 bad input."""

    def use(settings: Settings, tx: Connection, now: Moment) -> None:
        span, reason = _span(lasts), fit_to_keep(why, limit=_REASON)
        check(span, reason)
        until = now.wall + span
        target = _target(settings, named)
        begun = Quiet(target=target, until=until, by=who(), why=reason)
        begin(tx, begun, now, None)
        print(f"{target} is in maintenance for {seconds(span)}: {reason}")

    return _told("maintenance", use)


def end(named: str | None) -> int:
    """End it, also where there is none: a script's clean-up may run twice."""

    def use(settings: Settings, tx: Connection, now: Moment) -> None:
        target = settings.host if named is None else row_name(named, _hosts(settings))
        ended = maintenance.end(tx, target, now, by=who())
        print(f"the maintenance of {target} {'has' if ended else 'had'} ended")
        for one in _works(tx, now):
            if one.target == target:
                print(f"{one.by} keeps it until {_clock(one)}: {one.why}")

    return _told("maintenance", use)


def show() -> int:
    """Print what is in maintenance."""

    def use(_settings: Settings, tx: Connection, now: Moment) -> None:
        rows = _works(tx, now)
        for one in rows:
            print(f"{one.target}  until {_clock(one)}  {one.why}  ({one.by})")
        if not rows:
            print("nothing is in maintenance")

    return _told("maintenance", use, looks=True)


def mark(text: str, *, host: str | None, service: str | None) -> int:
    """Keep a change, to be told with the next incident; 0 well, 2 bad input."""

    def use(settings: Settings, tx: Connection, now: Moment) -> None:
        where = settings.host if host is None else host
        kept = marks.made(
            text, now=now.wall, host=where, service=service or "", by=who()
        )
        marks.keep(tx, kept)
        words = f"{kept.by} told a change: {kept.text}"
        happened(tx, "change.told", words, now)
        print(f"noted: {kept.text}")

    return _told("mark", use)


def _told(verb: str, use: Use, *, looks: bool = False) -> int:
    """Do it in a transaction; `looks`: in one that writes nothing. Return the exit code."""
    environment = Environment.read(os.environ)
    try:
        settings = configured(environment).settings
        database = database_of(environment)
        try:
            with database.read() if looks else database.write() as tx:
                use(settings, tx, SystemClock().now())
        finally:
            database.close()
    except (BadConfiguration, BadDatabase, marks.BadMark, NotDecided) as error:
        return _bad(verb, str(error))
    except (SQLAlchemyError, OSError) as error:
        return _bad(
            verb, f"the database cannot be written: {str(error).splitlines()[0]}"
        )
    return 0


def _target(settings: Settings, named: str | None) -> str:
    if named is None:
        return settings.host
    fleet = fleet_of(settings, Environment.read(os.environ), manager_of(settings))

    def service(name: str, host: str) -> UnitFacts | None:
        return service_of(fleet.of(host), name)

    return target_of(named, _hosts(settings), service)


def _hosts(settings: Settings) -> tuple[str, ...]:
    return (settings.host, *settings.hosts)


def _works(tx: Connection, now: Moment) -> list[Quiet]:
    return [one for one in quiet.kept(tx, now) if one.is_maintenance]


def _clock(one: Quiet) -> str:
    return f"{one.until:%Y-%m-%d %H:%M} UTC"


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise NotDecided(str(error)) from error


def _bad(verb: str, words: str) -> int:
    sys.stderr.write(f"countersign {verb}: {words}\n")
    return 2
