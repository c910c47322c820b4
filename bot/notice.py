"""`countersign maintenance` and `countersign mark`: what scripts tell, beside a running bot.

They write a row and its event; the bot's next sweep, within a second, brings the cards
after it.
"""

import getpass
import os
import sys
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot import marks, quiet
from bot.clock import SystemClock
from bot.database import BadDatabase
from bot.durations import parse_duration
from bot.environment import Environment
from bot.quiet import Quiet
from bot.redact import fit_to_keep
from bot.settings import Settings
from bot.silence import begin, check, target_of
from bot.target import service_of
from bot.wiring.parts import configured, database_of, manager_of
from bot.words import seconds
from bot.yamlfile import BadConfiguration
from remediation.audit import Event, append
from remediation.decision import NotDecided
from remediation.moment import Moment

_REASON = 300

Use = Callable[[Settings, Connection, Moment], None]


def start(named: str | None, *, lasts: str, why: str) -> int:
    """Begin or prolong the maintenance of this host or a service; 0 well, 2 bad input."""

    def use(settings: Settings, tx: Connection, now: Moment) -> None:
        span, reason = _span(lasts), fit_to_keep(why, limit=_REASON)
        check(span, reason)
        until = now.wall + span
        target = _target(settings, named)
        begin(tx, Quiet(target=target, until=until, by=_who(), why=reason), now, None)
        print(f"{target} is in maintenance for {seconds(span)}: {reason}")

    return _told("maintenance", use)


def end(named: str | None) -> int:
    """End it, also where there is none: a script's clean-up may run twice."""

    def use(settings: Settings, tx: Connection, now: Moment) -> None:
        target = _target(settings, named)
        over = quiet.kept(tx, now.wall).get(target)
        if over is None or not over.is_maintenance:
            print(f"{target} is not in maintenance")
            return
        # Its time is over from now on: the bot measures anew and says so in the threads.
        quiet.keep(tx, Quiet(target=target, until=now.wall, by=over.by, why=over.why))
        print(f"the maintenance of {target} has ended")

    return _told("maintenance", use)


def show() -> int:
    """Print what is in maintenance."""

    def use(_settings: Settings, tx: Connection, now: Moment) -> None:
        rows = [one for one in quiet.kept(tx, now.wall).values() if one.is_maintenance]
        for one in rows:
            print(f"{one.target}  until {one.until:%Y-%m-%d %H:%M} UTC  {one.why}")
        if not rows:
            print("nothing is in maintenance")

    return _told("maintenance", use)


def mark(text: str, *, host: str | None, service: str | None) -> int:
    """Keep a change, to be told with the next incident; 0 well, 2 bad input."""

    def use(settings: Settings, tx: Connection, now: Moment) -> None:
        where = settings.host if host is None else host
        kept = marks.made(
            text, now=now.wall, host=where, service=service or "", by=_who()
        )
        marks.keep(tx, kept)
        words = f"{kept.by} told a change: {kept.text}"
        append(tx, Event(kind="change.told", text=words, at=now.wall))
        print(f"noted: {kept.text}")

    return _told("mark", use)


def _told(verb: str, use: Use) -> int:
    environment = Environment.read(os.environ)
    try:
        settings = configured(environment).settings
        database = database_of(environment)
        try:
            with database.write() as tx:
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
    services = manager_of(settings)
    return target_of(named, settings.host, lambda name: service_of(services, name))


def _span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise NotDecided(str(error)) from error


def _who() -> str:
    return f"{getpass.getuser()} on this host"[:40]


def _bad(verb: str, words: str) -> int:
    sys.stderr.write(f"countersign {verb}: {words}\n")
    return 2
