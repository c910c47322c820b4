"""Maintenance as people and scripts begin and end it: a row, and what the ledger says of it.

What follows on the cards is `silence.py`, in the running bot.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import Connection

from bot.model import Incident
from bot.storage import quiet, store
from bot.storage.quiet import Quiet
from bot.text.words import seconds
from remediation.ledger.audit import happened
from remediation.ledger.decision import NotDecided
from remediation.moment import Moment
from remediation.target.unit import UnitFacts, is_service_name, unit_name

LONGEST = timedelta(days=7)
"""What is quiet for longer is forgotten by everybody."""


def target_of(
    named: str,
    hosts: Sequence[str],
    service: Callable[[str, str], UnitFacts | None],
) -> str:
    """Return the target by a host's or service's name; raise `NotDecided`.

    hosts: this one first, then the others that are acted on. service: reads one by its
    canonical name and its host; None where there is none.
    """
    target = row_name(named, hosts)
    host, slash, name = target.partition("/")
    if slash and service(name, host) is None:
        raise NotDecided(
            f"{host} is not called {named}, and nobody there tells of such a service"
        )
    return target


def row_name(named: str, hosts: Sequence[str]) -> str:
    """Return what a target is called in the rows, whether it is there or not."""
    host, slash, bare = named.rpartition("/")
    here = host if slash else hosts[0]
    if here not in hosts:
        raise NotDecided(f"this Countersign watches {hosts[0]}, not {host}")
    if named in hosts:
        return named
    name = unit_name(bare)
    if not is_service_name(name):
        raise NotDecided(f"{here} is not called {bare}, and no service can be")
    return f"{here}/{name}"


def check(span: timedelta, why: str) -> None:
    """Raise `NotDecided` unless a maintenance may last so long, for this."""
    if not timedelta(0) < span <= LONGEST:
        asked = seconds(span)
        raise NotDecided(f"maintenance lasts at most {seconds(LONGEST)}, not {asked}")
    if not why:
        raise NotDecided("say what is done, in a few words")


def begin(tx: Connection, begun: Quiet, now: Moment, actor: str | None) -> None:
    """Write the row and its event."""
    lasts = begun.until - now.wall
    by = "" if actor else f" ({begun.by})"
    text = f"put {begun.target} in maintenance for {seconds(lasts)}: {begun.why}{by}"
    quiet.begin(tx, begun, now.after(lasts))
    happened(tx, "maintenance.began", text, now, actor=actor)


def end(
    tx: Connection,
    target: str,
    now: Moment,
    *,
    actor: str | None = None,
    by: str | None = None,
) -> bool:
    """Forget what is in maintenance there, with its events; say whether anything was.

    by: only what this author began.
    """
    rows = [q for q in quiet.kept(tx, now) if q.is_maintenance and q.target == target]
    mine = [q for q in rows if by in (None, q.by)]
    for over in mine:
        quiet.forget(tx, over)
        tell_end(tx, over, now, actor=actor, by=by)
    return bool(mine)


def tell_end(
    tx: Connection,
    over: Quiet,
    now: Moment,
    *,
    actor: str | None = None,
    by: str | None = None,
) -> None:
    """Say in the threads of what it kept back that it is over, else in the ledger alone.

    actor: who ended it in Slack. by: which script did.
    """
    by_itself = f"The maintenance of {over.target} has ended"
    text = f"ended the maintenance of {over.target}" if actor else by_itself
    text += f" ({by})" if by else ""
    kept = [i for i in store.opened(tx) if _is_kept_by(i, over)]
    for incident in kept:
        happened(
            tx, "maintenance.ended", text, now, incident=incident.number, actor=actor
        )
    if not kept:
        happened(tx, "maintenance.ended", text, now, actor=actor)


def _is_kept_by(incident: Incident, over: Quiet) -> bool:
    is_its = quiet.maintenance_of([over], incident) is not None
    return quiet.is_kept_back(incident) and is_its
