"""A month of a small team's incidents, lived through by the real rules in one go."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.config.policy import Policy
from bot.diagnosis.rules import RuleDiagnoser
from bot.lore import Diagnosis
from bot.model import Finding, Incident, Level
from bot.storage import store
from bot.storage.database import Database
from remediation.ledger.audit import current
from tests.fakes.story import ALICE, BOB, CHANNEL, FakeDiagnoser, FakeReader, Story
from tests.fakes.things import culprit, process

MINUTE = 60.0
EXPORT = "python3.11 export.py"
_MANY = 1000


@dataclass(frozen=True, kw_only=True)
class Lived:
    """One incident: how many days ago, what it was, and how it ended.

    seen, decided, over: seconds from the card to the first word, to the approval, and
    to its end. decided is None where nobody approved anything.
    """

    ago: float
    detector: str
    label: str
    program: str = ""
    service: str = ""
    seen: float = 40.0
    decided: float | None = None
    over: float = 6 * MINUTE
    is_false: bool = False


def _cpu(ago: float, decided: float | None, over: float) -> Lived:
    return Lived(
        ago=ago,
        detector="runaway_process",
        label="CPU of python",
        program=EXPORT,
        seen=30.0 + 7 * (ago % 5),
        decided=decided,
        over=over,
    )


def _disk(ago: float, over: float) -> Lived:
    return Lived(ago=ago, detector="filesystem", label="Space", over=over, seen=95.0)


def _shop(ago: float, over: float) -> Lived:
    return Lived(
        ago=ago, detector="endpoint", label="Answer", service="shop.service", over=over
    )


def _false(ago: float) -> Lived:
    return Lived(ago=ago, detector="memory", label="Memory", over=90.0, is_false=True)


MONTH = (
    *(_cpu(26.3, 70, 200), _cpu(25.1, 45, 150), _disk(24.6, 1500), _false(23.9)),
    *(_shop(22.2, 420), _cpu(20.8, 80, 260), _cpu(19.4, None, 640), _shop(18.1, 300)),
    *(_disk(17.7, 2100), _cpu(16.2, 35, 120), _false(15.4), _cpu(13.9, 50, 170)),
    *(_shop(12.6, 260), _cpu(11.3, 40, 140), _cpu(10.2, None, 900), _disk(9.1, 1300)),
    *(_cpu(8.4, 30, 130), _shop(6.7, 240), _cpu(5.5, 38, 115), _cpu(4.2, 25, 110)),
    *(_false(3.1), _cpu(2.3, 33, 100), _disk(1.2, 900)),
)


class _Rules(FakeDiagnoser):
    """What the rules themselves would say."""

    def diagnose(self, incident: Incident) -> Diagnosis:
        return RuleDiagnoser().diagnose(incident)


def live(database: Database, until: datetime) -> None:
    """Live through the month that ends then; every card and line counts as posted."""
    story = Story(
        database=database,
        policy=Policy(cooldown=timedelta(0), actions_per_hour=1000),
        reader=FakeReader(process(label=EXPORT)),
        diagnoser=_Rules(),
    )
    story.clock.boot -= 30 * 86_400  # what is counted by the hour is long past
    for one in MONTH:
        story.clock.wall = until - timedelta(days=one.ago)
        _lived(story, one)
    with story.database.write() as tx:
        for posting in store.unposted(tx, CHANNEL):
            told = {"ts": f"1700000000.{posting.incident:06}", "seq": current(tx).seq}
            store.posted(tx, posting.incident, version=_MANY, **told)
        store.remember(tx, "head told", f"{until.date()} {current(tx).seq}")


def _lived(story: Story, one: Lived) -> None:
    story.sees(_found(story, one))
    number = max(incident.number for incident in story.open())
    story.clock.go(one.seen)
    if one.is_false:
        story.own.false_alarm(number, BOB)
        return
    story.own.take(number, ALICE)
    spent = one.seen
    if one.decided is not None:
        spent = max(one.decided, one.seen + 1)
        story.clock.go(spent - one.seen)
        story.acted(number)
    story.clock.go(max(one.over - spent - MINUTE, 5))
    story.sees(_found(story, one, is_well=True))
    story.clock.go(MINUTE)
    story.sees(_found(story, one, is_well=True))


def _found(story: Story, one: Lived, *, is_well: bool = False) -> Finding:
    blamed = (culprit(label=one.program),) if one.program and not is_well else ()
    return story.found(
        detector=one.detector,
        label=one.label,
        series=one.detector,
        subject=one.service,
        culprits=blamed,
        value=5.0 if is_well else 98.0,
        level=Level.OK if is_well else Level.CRITICAL,
    )
