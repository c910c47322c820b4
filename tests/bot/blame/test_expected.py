"""Declared work is no alarm while it keeps to what was declared."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.blame.expected import ExpectedWork
from bot.config.expected import ExpectedSection
from bot.host.whereabouts import Whereabouts, whereabouts
from bot.model import Culprit, Finding, Level, Limits
from bot.pointed import Pointed
from remediation.target.facts import account
from tests.detectors.pieces import HandClock, PaperFacts, PaperProc, context, facts_of
from tests.fakes.things import finding

NIGHT = {"from": "14:00", "to": "15:30"}
"""The clock of these tests begins at 14:00."""
LITTLE = Limits(warning=10, critical=5, clear_warning=12, clear_critical=7, above=False)


class Case:
    """A host on paper on which ci.service uses some cores, and what was declared."""

    def __init__(self, root: Path, **declared: object) -> None:
        self.clock = HandClock()
        self.proc = PaperProc(root, self.clock, cores=8)
        self.proc.spend(100, busy=0.1)
        self.host = context(root, self.clock, PaperFacts(root))
        given = {"unit": "ci.service", "max": {"cores": 4}, **declared}
        work = ExpectedSection.model_validate(given)
        self.seen: list[str] = []
        self.lives: dict[int, Whereabouts] = {}
        self.expected = ExpectedWork((work,), self.host, self._note, self._where)

    def _where(self, pid: int) -> Whereabouts | None:
        facts = facts_of(pid, 50)
        mine = Whereabouts(unit=facts.unit, user=facts.user, exe=facts.identity.exe)
        return self.lives.get(pid, mine)

    def _note(self, _: Finding, said: str) -> None:
        self.seen.append(said)

    def use(
        self, cores: float, *, pages: int = 10, ppid: int = 1, busy: float = 0.5
    ) -> None:
        """Let ten processes of the unit use so many cores for five seconds."""
        for ticks in (0, cores * 50):
            for pid in range(50, 60):
                self.proc.process(pid, ticks=round(ticks), pages=pages, ppid=ppid)
            self.proc.spend(5, busy=busy)
            self.host.sampler.processes()

    def judged(self, **changes: object) -> Finding:
        culprit = Culprit(process=facts_of(50, 50), share=0.9, amount=80)
        given = {"culprits": (culprit,), "level": Level.CRITICAL, **changes}
        return self.one(finding(**{"detector": "cpu", **given}))

    def one(self, bad: Finding) -> Finding:
        (found,) = self.expected.judged(bad.detector, [bad])
        return found


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path, schedule=NIGHT)


def test_within_what_was_declared_it_is_well_and_said(case: Case) -> None:
    case.use(3)
    found = case.judged()
    assert found.level is Level.OK
    assert "That is expected: ci.service uses 3.0 of 4 cores." in found.summary
    assert list(case.expected.current().values()) == ["ci.service uses 3.0 of 4 cores"]


def test_beyond_it_the_alarm_stands_and_says_so(case: Case) -> None:
    case.use(6)
    found = case.judged()
    assert found.level is Level.CRITICAL
    said = {fact.label: fact.value for fact in found.facts}["Declared as expected"]
    assert said == "ci.service uses 6.0 of 4 cores, every day 14:00-15:30 UTC"
    assert case.expected.current() == {}


def test_outside_its_time_it_is_an_alarm(case: Case) -> None:
    case.clock.wall = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
    case.use(3)
    assert case.judged().level is Level.CRITICAL


def test_each_time_it_begins_is_counted_once(case: Case) -> None:
    case.use(3)
    for level in (Level.CRITICAL, Level.CRITICAL, Level.OK, Level.WARNING):
        case.judged(level=level)
    assert len(case.seen) == 2


def test_who_is_not_declared_is_an_alarm(case: Case) -> None:
    case.use(3)
    other = replace(facts_of(50, 50), unit="other.service")
    culprit = Culprit(process=other, share=0.9, amount=80)
    found = case.judged(culprits=(culprit,), subject="process:50:50")
    assert found.level is Level.CRITICAL


def test_who_makes_less_than_half_excuses_nothing(case: Case) -> None:
    case.use(1.5)
    culprit = Culprit(process=facts_of(50, 50), share=0.4, amount=40)
    assert case.judged(culprits=(culprit,)).level is Level.CRITICAL


def test_a_unit_that_is_blamed_as_a_whole_may_be_declared(case: Case) -> None:
    case.use(3)
    pointed = Pointed(service="ci.service", rule="half", actions=("restart",))
    assert case.judged(culprits=(), points_at=pointed).level is Level.OK


def test_what_was_not_declared_is_not_expected(case: Case) -> None:
    case.use(1)
    assert case.judged().level is Level.OK
    culprit = Culprit(process=facts_of(50, 50), share=0.9, amount=80)
    bad = finding(detector="memory", culprits=(culprit,), level=Level.WARNING)
    memory = case.one(bad)
    assert memory.level is Level.WARNING


def test_memory_is_counted_for_the_unit_as_a_whole(tmp_path: Path) -> None:
    case = Case(tmp_path, max={"memory_gb": 0.3})
    case.use(1, pages=5000)
    assert case.judged().level is Level.CRITICAL
    # Ten processes of 5,000 pages hold 0.2 GB.
    case.proc.memory(total=400_000, available=20_000)
    memory = case.judged(detector="memory", limits=LITTLE)
    assert memory.level is Level.OK


def test_an_executable_of_a_user(tmp_path: Path) -> None:
    exe = facts_of(50, 50).identity.exe
    case = Case(tmp_path, unit=None, exe=exe, user="build")
    case.use(3)
    assert case.judged().level is Level.OK
    stranger = Case(tmp_path, unit=None, exe=exe, user="eve")
    stranger.use(3)
    assert stranger.judged().level is Level.CRITICAL


def test_a_work_whose_leader_is_not_declared_is_known_by_its_use(
    tmp_path: Path,
) -> None:
    case = Case(tmp_path)
    # Of eight cores half is busy, and ci.service makes three of these four.
    case.use(3)
    assert case.judged(culprits=()).level is Level.OK
    case.use(1.5)
    assert case.judged(culprits=()).level is Level.CRITICAL


def test_no_figures_excuse_nothing(case: Case) -> None:
    assert case.judged().level is Level.CRITICAL


@pytest.mark.parametrize("detector", ["filesystem", "tasks", "pressure", "oom_kill"])
def test_only_cpu_and_memory_can_be_expected(case: Case, detector: str) -> None:
    case.use(3)
    assert case.judged(detector=detector, subject="io").level is Level.CRITICAL


@pytest.mark.parametrize(
    ("resource", "level"), [("cpu", Level.OK), ("memory", Level.CRITICAL)]
)
def test_pressure_goes_by_its_resource(case: Case, resource: str, level: Level) -> None:
    case.use(3)
    assert case.judged(detector="pressure", subject=resource).level is level


def test_a_scan_that_fails_excuses_nothing(case: Case) -> None:
    case.use(3)
    case.clock.forward(1)
    (case.proc.root / "stat").write_text("nonsense")
    assert case.judged().level is Level.CRITICAL


def test_what_is_not_reported_any_more_is_not_seen_any_more(case: Case) -> None:
    case.use(3)
    case.judged()
    case.expected.judged("memory", [])
    assert len(case.expected.current()) == 1
    case.expected.judged("cpu", [])
    assert case.expected.current() == {}


def test_an_executable_counts_with_all_that_it_started(tmp_path: Path) -> None:
    case = Case(tmp_path, unit=None, exe="/usr/bin/make", user="build")
    case.proc.process(40, start=40)
    case.lives[40] = Whereabouts(unit=None, user="build", exe="/usr/bin/make")
    case.use(3, ppid=40)
    found = case.judged()
    assert "/usr/bin/make of build uses 3.0 of 4 cores" in found.summary
    case.use(6, ppid=40)
    assert case.judged().level is Level.CRITICAL


def test_the_declared_half_does_not_excuse_the_other(tmp_path: Path) -> None:
    case = Case(tmp_path)
    # All of eight cores are busy, and four of them with what nobody declared; the limit
    # of these tests is 85 percent.
    case.use(4, busy=1)
    assert case.judged().level is Level.OK
    low = Limits(warning=45, critical=95, clear_warning=40, clear_critical=85)
    assert case.judged(limits=low).level is Level.CRITICAL


def test_memory_of_others_is_no_less_of_an_alarm(tmp_path: Path) -> None:
    case = Case(tmp_path, max={"memory_gb": 0.3})
    case.use(1, pages=5000)
    # Without the work's 0.2 GB, 15 percent would be available, or 9.
    for total, level in ((1_500_000, Level.OK), (3_000_000, Level.CRITICAL)):
        case.proc.memory(total=total, available=round(total * 0.02))
        case.clock.forward(1)
        found = case.judged(detector="memory", limits=LITTLE)
        assert found.level is level


def test_where_a_process_lives_is_read_from_the_kernel() -> None:
    mine = whereabouts(os.getpid())
    assert mine is not None
    assert mine.user == account(os.geteuid())
    assert mine.exe == str(Path("/proc/self/exe").readlink())
    assert whereabouts(2**22 + 1) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"unit": "ci.service"},
        {"unit": "ci.service", "max": {}},
        {"unit": "ci.service", "max": {"cores": -1}},
        {"exe": "/usr/bin/x", "max": {"cores": 1}},
        {"unit": "a.service", "exe": "/x", "user": "u", "max": {"cores": 1}},
        {"exe": "relative", "user": "u", "max": {"cores": 1}},
        {"unit": "a.service", "schedule": {"from": "25:00"}, "max": {"cores": 1}},
    ],
)
def test_half_a_declaration_is_none(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ExpectedSection.model_validate(wrong)
