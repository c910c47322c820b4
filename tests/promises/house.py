"""The deciding half of the bot on a real database, with a turned clock and a counting executor.

Everything between the database and the executor is the product's own: Ledger, Decide,
CarryOut, Ask, Own, Candidates. Only the clock, the processes and the hands are ours.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, insert, select

from bot import migrations
from bot.actions.ask import Ask
from bot.actions.candidates import Candidates
from bot.actions.carry_out import CarryOut
from bot.actions.target import Targets
from bot.config.policy import Policy
from bot.decide import Decide
from bot.host.disk import Disks
from bot.model import Culprit, Fact, Finding, Incident, Level, Limits, Phase
from bot.oncall.own import Own
from bot.origin import Origin
from bot.person import Person
from bot.storage import store
from bot.storage.database import Database, connect
from bot.storage.record import Record
from remediation.action import Terminate
from remediation.acts.observe import Observer
from remediation.ledger.leases import Caps
from remediation.ledger.ledger import Approval, Ledger
from remediation.ledger.lock import locked
from remediation.ledger.proposal import Proposal, State
from remediation.ledger.tables import events, proposals, votes
from remediation.moment import Moment
from remediation.outcome import Outcome, Result, Seen
from remediation.policy import Rules
from remediation.rules.protect import OwnTree, ProtectSettings
from remediation.rules.rulebook import RuleBook
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Gone, ProcessIdentity
from tests.fakes import things
from tests.fakes.services import fleet

HOST = "web-1"
INSTANCE = f"{HOST}~abc123"
CHANNEL = "C07OPSALRT1"
NOBODY = 4_194_305
"""Above the kernel's largest pid, so nothing can ever be there."""

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PEOPLE = tuple(Person(id=f"U0PERSON{n}", is_approver=True) for n in range(4))
BYSTANDER = Person(id="U0NOBODY9", is_approver=False)

_SESSION = "/user.slice/user-1000.slice/session-3.scope"
_FACTS = things.process(
    NOBODY, name="stress", user="ada", cgroup=_SESSION, unit="session-3.scope"
)


def process(number: int, *, boot_id: str = "boot-0") -> ProcessFacts:
    """Facts of an ordinary program that exists nowhere, another one in each boot."""
    identity = replace(
        _FACTS.identity,
        pid=NOBODY + number,
        start_ticks=1000 * int(boot_id[5:]) + number,
        boot_id=boot_id,
    )
    return replace(_FACTS, identity=identity, label=f"stress-{number}")


@dataclass
class TurnedClock:
    """Both clocks, moved by hand."""

    wall: datetime = START
    boot: float = 1000.0
    boot_id: str = "boot-0"

    def now(self) -> Moment:
        return Moment(wall=self.wall, boot=self.boot, boot_id=self.boot_id)

    def passes(self, seconds: float) -> None:
        """Real time goes by: both clocks move."""
        self.wall += timedelta(seconds=seconds)
        self.boot += seconds


class Quiet:
    """A wakeable that sleeps on; tests take each step themselves."""

    def wake(self) -> None:
        pass


@dataclass
class Processes:
    """Reads the processes that the test lets exist."""

    clock: TurnedClock

    def read(self, pid: int) -> ProcessFacts:
        if pid < NOBODY:
            raise Gone(pid)
        return process(pid - NOBODY, boot_id=self.clock.boot_id)

    def descendants(self, pid: int) -> tuple[ProcessFacts, ...]:
        del pid
        return ()


class Died(Exception):
    """The bot was killed here: nothing after this reaches the disk."""


class MortalDatabase(Database):
    """A database whose process can die: from then on no transaction ends."""

    dead = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self.dead:
            raise Died
        with super().write() as tx:
            yield tx


@dataclass
class Hands:
    """Counts what is carried out, and looks at that instant whether it may be.

    dies: "" or where the bot is killed, "before" or "after" the signal.
    """

    signals: Counter[str] = field(default_factory=Counter)
    unapproved: list[str] = field(default_factory=list)
    dies: str = ""
    database: MortalDatabase | None = None

    def execute(
        self, approval: Approval, *, progress: Callable[[str], None]
    ) -> Outcome:
        del progress
        assert self.database is not None
        proposal = approval.proposal
        if self.dies == "before":
            self._die()
        if not _is_approved(self.database, proposal):
            self.unapproved.append(proposal.id)
        self.signals[proposal.id] += 1
        if self.dies == "after":
            self._die()
        return Outcome(result=Result.DONE, seen=Seen.EXITED, summary="it exited")

    def _die(self) -> None:
        assert self.database is not None
        self.dies = ""
        self.database.dead = True
        raise Died


def _is_approved(database: Database, proposal: Proposal) -> bool:
    """Look in the rows alone, not through the ledger."""
    with database.read() as tx:
        row = tx.execute(select(proposals).where(proposals.c.id == proposal.id)).one()
        people = tx.execute(
            select(votes.c.person).where(votes.c.proposal == proposal.id)
        ).scalars()
        voted = set(people)
        told = select(func.count()).select_from(events)
        told = told.where(events.c.proposal == proposal.id)
        told = told.where(events.c.action_hash == row.digest)
        approved = tx.execute(told.where(events.c.kind == "proposal.approved"))
        started = tx.execute(told.where(events.c.kind == "action.started"))
        return (
            row.state == State.EXECUTING
            and len(voted) >= row.needed
            and row.requested_by not in voted
            and approved.scalar_one() == row.needed
            and started.scalar_one() == 1
            and locked(tx) is None
        )


def rules(
    *,
    needed: int = 1,
    ttl: timedelta = timedelta(minutes=15),
    cooldown: timedelta = timedelta(0),
    per_hour: int = 1000,
    book: RuleBook | None = None,
) -> Rules:
    return Rules(
        ttl=ttl,
        needed=needed,
        caps=Caps(cooldown=cooldown, per_hour=per_hour),
        protect=ProtectSettings(users=frozenset({"ada"})),
        book=book or RuleBook(),
    )


class House:
    """One running bot without Slack; `restart` is what `kill -9` and a start do."""

    def __init__(
        self,
        url: str,
        *,
        wanted: Rules | None = None,
        me: ProcessIdentity | None = None,
    ) -> None:
        self.url = url
        self._me = me
        self.rules = wanted or rules()
        self.clock = TurnedClock()
        self.hands = Hands()
        self._starts = 0
        self._open()
        migrations.migrate(self.database)

    @classmethod
    def in_folder(cls, folder: Path, **kwargs: object) -> "House":
        return cls(f"sqlite:///{folder / 'countersign.db'}", **kwargs)  # type: ignore[arg-type]

    def restart(self) -> None:
        self.database.close()
        self._open()
        self.carry_out.recover()

    def close(self) -> None:
        self.database.close()

    def open_incident(self, number: int = 0, *, at: Moment | None = None) -> int:
        """Write an incident whose culprit is process `number`, with its card posted."""
        boot_id = at.boot_id if at else "boot-0"
        found = process(number, boot_id=boot_id)
        culprit = Culprit(process=found, share=0.9, amount=97.0)
        with self.database.write() as tx:
            made = store.create(tx, lambda n: incident(n, culprit))
            tx.execute(
                insert(store.postings).values(
                    incident=made.number, channel=CHANNEL, ts=card_ts(made.number)
                )
            )
        return made.number

    def propose(self, incident_number: int) -> list[Proposal]:
        """Offer what the policy allows, as the detector's own proposals."""
        return self.ask.again(incident_number, PEOPLE[0])

    def _open(self) -> None:
        self._starts += 1
        engine = connect(self.url).engine
        self.database = MortalDatabase(engine)
        self.hands.database = self.database
        self.hands.dies = ""
        ledger = Ledger(instance=INSTANCE, caps=self.rules.caps, book=self.rules.book)
        record = Record(database=self.database, ledger=ledger, clock=self.clock)
        quiet = Quiet()
        own = OwnTree(pid=900, ancestors=frozenset({800, 1}), service=None)
        candidates = Candidates(
            host=HOST,
            targets=Targets(
                reader=Processes(self.clock),
                fleet=fleet(here=HOST),
                allowed=(),
                disks=Disks(()),
            ),
            policy=Policy(candidates=("terminate", "lower_priority")),
            rules=self.rules,
            own=own,
        )
        me = self._me or replace(
            _FACTS.identity,
            boot_id=self.clock.boot_id,
            pid=NOBODY + 100_000,
            start_ticks=self._starts,
        )
        self.ledger = ledger
        self.decide = Decide(record=record, poster=quiet, worker=quiet)
        self.carry_out = CarryOut(
            record=record,
            executor=self.hands,  # type: ignore[arg-type]
            observer=Observer(me, fleet=fleet(here="elsewhere")),
            window=lambda _incident: timedelta(seconds=30),
            poster=quiet,
        )
        self.ask = Ask(host=HOST, record=record, candidates=candidates, poster=quiet)
        self.own = Own(record=record, poster=quiet)


def card_ts(number: int) -> str:
    return f"1700000000.{number:06d}"


def on_card(number: int) -> Origin:
    return Origin(channel=CHANNEL, ts=card_ts(number))


def incident(number: int, culprit: Culprit) -> Incident:
    """An incident about a runaway process, as triage would open it."""
    finding = Finding(
        detector="runaway_process",
        host=HOST,
        subject=f"process:{culprit.identity.pid}:{culprit.identity.start_ticks}:{number}",
        label="CPU",
        unit="% of one core",
        value=97.0,
        limits=Limits(warning=80, critical=95, clear_warning=72, clear_critical=85),
        level=Level.CRITICAL,
        summary=f"{culprit.process.label} burns 97 % of one core",
        at=START,
        series="",
        facts=(Fact(label="CPU", value="97 %"),),
        culprits=(culprit,),
    )
    return Incident(
        number=number,
        host=HOST,
        fingerprint=finding.key,
        phase=Phase.OPEN,
        level=Level.CRITICAL,
        title="A runaway process",
        since=START,
        opened_at=START,
        findings=(finding,),
        culprit=culprit,
    )


def terminate(number: int) -> Terminate:
    """The action that is proposed for process `number`."""
    found = process(number)
    return Terminate(host=HOST, process=found.identity, label=found.label)
