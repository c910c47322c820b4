"""The bot without Slack, with a clock, processes, evidence and hands of the tests' own."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.actions.ask import Ask
from bot.actions.candidates import Candidates
from bot.actions.carry_out import CarryOut
from bot.actions.simulate import Simulate
from bot.actions.target import Targets
from bot.alerts.alert import Timing
from bot.charts.pictures import Pictures
from bot.charts.plots import Plots
from bot.config.policy import Policy
from bot.config.settings import DetectorSection
from bot.decide import Decide
from bot.drill.drill import Drill
from bot.host.backdrop import Backdrops
from bot.host.disk import Disks
from bot.host.metrics import History
from bot.inquiry import Inquiry
from bot.lore import Diagnosis
from bot.model import EvidenceItem, Finding, Incident, Level
from bot.oncall.own import Own
from bot.origin import Origin
from bot.person import Person
from bot.policy.standing import book_of
from bot.ports import DiagnosisUnavailable
from bot.quiet.silence import Silence
from bot.quiet.unpaged import Unpaged
from bot.respond import Respond
from bot.status import Status
from bot.storage import store
from bot.storage.database import Database
from bot.storage.record import Record
from remediation.acts.fleet import Fleet
from remediation.acts.observe import Observer
from remediation.ledger.audit import read
from remediation.ledger.leases import Caps
from remediation.ledger.ledger import Approval, Ledger
from remediation.ledger.proposal import Proposal
from remediation.outcome import Outcome, Result, Seen
from remediation.policy import Rules
from remediation.rules.drilled import Drilled
from remediation.rules.protect import OwnTree, ProtectSettings
from remediation.rules.rulebook import RuleBook
from remediation.rules.unit_rules import ServiceSettings
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Gone
from tests.fakes.clock import FakeClock
from tests.fakes.services import FakeServices
from tests.fakes.things import culprit, finding, identity, process

ALICE = Person(id="U07ALICE001", is_approver=True)
BOB = Person(id="U07BOB00002", is_approver=True)
CHEN = Person(id="U07CHEN0003", is_approver=False)
CHANNEL = "C07OPSALRT1"
AT_ONCE = Timing(hold_for=timedelta(0), keep_for=timedelta(0))


class Woken:
    """A `Wakeable` that counts."""

    def __init__(self) -> None:
        self.times = 0

    def wake(self) -> None:
        self.times += 1


class FakeReader:
    """A `bot.actions.candidates.Reader`: the processes that live."""

    def __init__(self, *living: ProcessFacts) -> None:
        self.living = {facts.identity.pid: facts for facts in living}
        self.children: dict[int, tuple[ProcessFacts, ...]] = {}
        self.hidden: Exception | None = None

    def read(self, pid: int) -> ProcessFacts:
        if self.hidden is not None:
            raise self.hidden
        if pid not in self.living:
            raise Gone(f"there is no process {pid}")
        return self.living[pid]

    def descendants(self, pid: int) -> tuple[ProcessFacts, ...]:
        return self.children.get(pid, ())


class FakeEvidence:
    """An `Evidence` source with one item, or one that raises."""

    is_local = True

    def __init__(self, name: str, *, broken: bool = False) -> None:
        self.name = name
        self._broken = broken

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        if self._broken:
            raise OSError("the disk is gone")
        return [EvidenceItem(id="", title=self.name, text=incident.host)]


class FakeDiagnoser:
    """A `Diagnoser` with an opinion, or without one."""

    def __init__(self, *, missing: bool = False) -> None:
        self.missing = missing

    def diagnose(self, incident: Incident) -> Diagnosis:
        if self.missing:
            raise DiagnosisUnavailable("there is none")
        cited = ", ".join(item.id for item in incident.evidence)
        return Diagnosis(
            summary=f"from {cited}", hypotheses=(), confidence=0.5, author="fake"
        )


class FakeSection(DetectorSection):
    """A detector's section with everything quick."""

    for_: timedelta = timedelta(0)
    keep_firing_for: timedelta = timedelta(0)
    warning: float = 85
    critical: float = 95


class FakeDetector:
    """A `Detector` that finds what it is told, or raises."""

    def __init__(self, name: str, *findings: Finding) -> None:
        self.name = name
        self.section: DetectorSection = FakeSection()
        self.findings = list(findings)
        self.raises: Exception | None = None
        self.watched: Collection[str] = ()

    def check(self, watched: Collection[str]) -> list[Finding]:
        self.watched = watched
        if self.raises is not None:
            raise self.raises
        return list(self.findings)


class FakeHands:
    """What `CarryOut` calls to act: it remembers and answers with an outcome."""

    def __init__(self) -> None:
        self.done: list[Approval] = []
        self.outcome = Outcome(
            result=Result.DONE, seen=Seen.EXITED, summary="It ended."
        )
        self.failure: Exception | None = None

    def execute(
        self, approval: Approval, *, progress: Callable[[str], None]
    ) -> Outcome:
        del progress
        self.done.append(approval)
        if self.failure is not None:
            raise self.failure
        return self.outcome


@dataclass
class Story:
    """One of everything, wired as `bot/wiring/core.py` does."""

    database: Database
    policy: Policy = field(default_factory=lambda: Policy(cooldown=timedelta(0)))
    evidence: Sequence[FakeEvidence] = ()
    clock: FakeClock = field(default_factory=FakeClock)
    reader: FakeReader = field(default_factory=lambda: FakeReader(process()))
    diagnoser: FakeDiagnoser = field(default_factory=FakeDiagnoser)
    services: FakeServices = field(default_factory=FakeServices)
    others: dict[str, FakeServices] = field(default_factory=dict)
    hands: FakeHands = field(default_factory=FakeHands)
    history: History = field(default_factory=History)
    backdrops: Backdrops = field(default_factory=Backdrops)
    window: timedelta = timedelta(seconds=30)
    book: RuleBook | None = None
    drilled: Drilled = field(default_factory=Drilled)

    def __post_init__(self) -> None:
        caps = Caps(
            cooldown=self.policy.cooldown, per_hour=self.policy.actions_per_hour
        )
        rules = Rules(
            ttl=self.policy.approval_ttl,
            needed=self.policy.approvals,
            caps=caps,
            protect=ProtectSettings(users=frozenset({"deploy"})),
            services=ServiceSettings(allow=frozenset(self.policy.services.allow)),
            book=self.book or book_of(self.policy, digest="a1" * 32),
            areas=tuple(self.policy.cleaning.areas()),
        )
        self.poster, self.worker = Woken(), Woken()
        self.fleet = Fleet(here="web-1", own=self.services, others=self.others)
        self.ledger = Ledger(
            instance="web-1~abc123", caps=caps, book=rules.book, elsewhere=self.others
        )
        self.record = Record(
            database=self.database, ledger=self.ledger, clock=self.clock
        )
        self.unpaged = Unpaged(self.record.database)
        self.candidates = Candidates(
            host="web-1",
            targets=Targets(
                reader=self.reader,
                fleet=self.fleet,
                allowed=rules.services.allow,
                disks=Disks(rules.areas),
            ),
            policy=self.policy,
            rules=rules,
            own=OwnTree(
                pid=4_190_000,
                ancestors=frozenset(),
                service=None,
                drilled=self.drilled,
            ),
        )
        self.respond = self.restarted()
        self.decide = Decide(record=self.record, poster=self.poster, worker=self.worker)
        self.carry_out = CarryOut(
            record=self.record,
            executor=self.hands,  # type: ignore[arg-type]
            observer=Observer(identity(4_190_001), fleet=self.fleet),
            window=lambda _: self.window,
            poster=self.poster,
        )
        self.ask = Ask(
            record=self.record,
            host="web-1",
            candidates=self.candidates,
            poster=self.poster,
        )
        self.drill = Drill(
            host="web-1",
            record=self.record,
            lasts=rules.ttl,
            drilled=self.drilled,
            poster=self.poster,
        )
        self.own = Own(record=self.record, poster=self.poster)
        self.silence = Silence(
            host="web-1",
            others=self.others,
            record=self.record,
            ask=self.ask,
            targets=self.candidates.targets,
            poster=self.poster,
        )
        self.simulate = Simulate(record=self.record, candidates=self.candidates)
        self.status = Status(
            record=self.record, respond=self.respond, untold={}, expected=dict
        )
        self.pictures = Pictures(
            record=self.record, history=self.history, backdrops=self.backdrops
        )
        self.plots = Plots(
            host="web-1", clock=self.clock, pictures=self.pictures, servers={}
        )

    def restarted(self) -> Respond:
        """A responder as a new process makes it, on the same database."""
        return Respond(
            record=self.record,
            candidates=self.candidates,
            inquiry=Inquiry(evidence=self.evidence, diagnoser=self.diagnoser),
            unpaged=self.unpaged,
            poster=self.poster,
        )

    def found(self, **changes: object) -> Finding:
        """A finding of this instant; a runaway of pid 4242 explains it."""
        fields = {"at": self.clock.wall, "culprits": (culprit(),), **changes}
        return finding(**fields)

    def well(self, **changes: object) -> Finding:
        """The same condition inside its limits."""
        return self.found(value=5.0, level=Level.OK, culprits=(), **changes)

    def sees(self, *findings: Finding, timing: Timing = AT_ONCE) -> None:
        """One round of a detector."""
        self.respond.absorb(findings, timing)

    def opens(self, **changes: object) -> Incident:
        """An incident with its proposals."""
        self.sees(self.found(**changes))
        return self.incident()

    def incident(self, number: int = 1) -> Incident:
        with self.database.read() as tx:
            return store.get(tx, number)

    def open(self) -> list[Incident]:
        with self.database.read() as tx:
            return store.opened(tx)

    def proposals(self, number: int = 1) -> list[Proposal]:
        with self.database.read() as tx:
            return self.ledger.of(tx, number)

    def events(self, number: int | None = None) -> list[str]:
        """The kinds of all events, of one incident or of all."""
        with self.database.read() as tx:
            return [sealed.event.kind for sealed in read(tx, incident=number)]

    def texts(self) -> str:
        with self.database.read() as tx:
            return "\n".join(sealed.event.text for sealed in read(tx))

    def posted(self, number: int = 1, **fields: object) -> Origin:
        """Let Slack have the incident's card; return the message it is."""
        origin = Origin(channel=CHANNEL, ts=f"1700000000.00000{number}")
        with self.database.write() as tx:
            store.unposted(tx, CHANNEL)
            store.posted(tx, number, **{"ts": origin.ts, **fields})
        return origin

    def approved(self, number: int = 1) -> Proposal:
        """The card's proposal, approved by Alice."""
        offered = self.incident(number).offered or ""
        return self.decide.approve(offered, ALICE, None).proposal

    def acted(self, number: int = 1) -> Proposal:
        """Approved and carried out by the fake hands."""
        proposal = self.approved(number)
        self.carry_out.step()
        return next(p for p in self.proposals(number) if p.id == proposal.id)

    def ends(self, *, acted: bool = True) -> Incident:
        """Incident 1, over: by an action that was carried out, or by itself."""
        self.opens()
        if acted:
            self.acted()
        self.clock.go(5)
        self.sees(self.well())
        self.clock.go(60)
        self.sees(self.well())
        assert not self.incident().is_open
        return self.incident()


def with_start(facts: ProcessFacts, start_ticks: int) -> ProcessFacts:
    """The same pid, given to another process."""
    return replace(facts, identity=replace(facts.identity, start_ticks=start_ticks))
