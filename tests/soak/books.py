"""All that stands when the soak is over: in the database, in Slack, with the processes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from bot.model import Incident
from bot.storage import store
from bot.storage.database import connect
from handlers.workspace.workspace import Workspace
from remediation.ledger import audit, docket
from remediation.ledger.proposal import Proposal
from remediation.ledger.tables import proposals, votes
from tests.soak.crowd import Click
from tests.soak.lives import Life
from tests.soak.soak import Soak
from tests.soak.storms import Told
from tests.soak.villains import Villain


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the database says. chain: what verification found."""

    events: Sequence[audit.Sealed]
    proposals: Mapping[str, Proposal]
    votes: frozenset[tuple[str, str]]
    incidents: Mapping[int, Incident]
    postings: Mapping[int, store.Posting]
    chain: audit.Report

    def of_kind(self, kind: str) -> list[audit.Sealed]:
        """The events of this kind, in order."""
        return [sealed for sealed in self.events if sealed.event.kind == kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The record, and what everybody else saw.

    left_stopped: pids. gone, kept: files that are, and that must not be. settled: seconds
    until all was at rest. outages: of Slack, full: the bot's disk, both by the monotonic
    clock. hung: what gave no answer. code: of the bot's stop. proof: exit code and words of `countersign audit
    verify`.
    """

    record: Record
    workspace: Workspace
    clicks: Sequence[Click]
    alerts: Mapping[str, Told]
    villains: Sequence[Villain]
    bystanders: Sequence[Villain]
    left_stopped: Sequence[int]
    gone: frozenset[str]
    kept: Sequence[Path]
    lives: Sequence[Life]
    kills: Sequence[float]
    outages: Sequence[tuple[float, float]]
    full: Sequence[tuple[float, float]]
    settled: float | None
    hung: Sequence[str]
    code: int | None
    proof: tuple[int, str]
    log: str


def books_of(soak: Soak) -> Books:
    """Read it all, once the bot has stopped."""
    verified = soak.ground.bot.run("audit", "verify")
    return Books(
        record=record_of(soak.ground.url),
        workspace=soak.ground.workspace,
        clicks=soak.crowd.clicks,
        alerts=soak.storms.taken(),
        villains=soak.villains.all,
        bystanders=soak.villains.bystanders,
        left_stopped=soak.villains.left_stopped,
        gone=frozenset(soak.litter.gone()),
        kept=soak.litter.kept,
        lives=soak.lives.all,
        kills=soak.lives.kills,
        outages=soak.weather.outages,
        full=soak.filler.spans,
        settled=soak.settled,
        hung=soak.hung,
        code=soak.code,
        proof=(verified.returncode, verified.stdout + verified.stderr),
        log=soak.ground.bot.log,
    )


def record_of(url: str) -> Record:
    """Read the whole database."""
    database = connect(url)
    with database.read() as tx:
        cast = tx.execute(select(votes.c.proposal, votes.c.person)).all()
        found = Record(
            events=list(audit.export(tx)),
            proposals=_proposals(tx),
            votes=frozenset((vote.proposal, vote.person) for vote in cast),
            incidents=_incidents(tx),
            postings=_postings(tx),
            chain=audit.verify(tx),
        )
    database.close()
    return found


def _proposals(tx: Connection) -> dict[str, Proposal]:
    ids = tx.execute(select(proposals.c.id)).scalars().all()
    return {each: docket.one(tx, each) for each in ids}


def _incidents(tx: Connection) -> dict[int, Incident]:
    numbers = tx.execute(select(store.incidents.c.number)).scalars().all()
    return {number: store.get(tx, number) for number in numbers}


def _postings(tx: Connection) -> dict[int, store.Posting]:
    numbers = tx.execute(select(store.incidents.c.number)).scalars().all()
    found = {number: store.posting(tx, number) for number in numbers}
    return {number: each for number, each in found.items() if each is not None}
