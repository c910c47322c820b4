"""A past of many incidents, written straight into the database: what reports read."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.llm.costs import Total
from bot.lore import FALSE_ALARM
from bot.model import Incident, Phase, Verification
from bot.quiet.unpaged import Why
from bot.report.figures import (
    Cause,
    Drop,
    Ending,
    Fate,
    Noise,
    Place,
    Report,
    Times,
)
from bot.storage import store
from remediation.verify import Measure, Verdict
from tests.fakes.clock import START
from tests.fakes.story import Story

MINUTE = timedelta(minutes=1)


def measured(proposal: str, *, after: float = 5.0, name: str = "cpu") -> Verification:
    """An action that took the CPU from 98 % to `after`."""
    clear = after < 85
    measure = Measure(before=98.0, after=after, is_clear=clear, above=True, name=name)
    return Verification(
        proposal=proposal,
        verdict=Verdict.RECOVERED if clear else Verdict.UNCHANGED,
        figures="CPU 98 % → 5 %",
        took=MINUTE,
        measures=(measure,),
    )


def opened(story: Story, at: datetime, **changes: object) -> Incident:
    """An incident that was opened then, and is still open."""

    def draw(number: int) -> Incident:
        finding = story.found(at=at, culprits=())
        return replace(
            Incident(
                number=number,
                host="web-1",
                fingerprint=f"web-1/cpu/{number}",
                phase=Phase.OPEN,
                level=finding.level,
                title=f"CPU 98 % on web-1, {number}",
                since=at - MINUTE,
                opened_at=at,
                findings=(finding,),
            ),
            **changes,
        )

    with story.database.write() as tx:
        return store.create(tx, draw)


def over(
    story: Story, at: datetime, *, after: timedelta = 10 * MINUTE, **changes: object
) -> Incident:
    """An incident that was opened then and ended by itself."""
    end = at + after
    ended = {"phase": Phase.RESOLVED, "resolved_at": end, "resolution": "it is clear"}
    return opened(story, at, **{**ended, **changes})


def false_alarm(story: Story, at: datetime) -> Incident:
    """An incident that a person called nothing."""
    return over(story, at, resolution=FALSE_ALARM)


def whole(name: str, **changes: object) -> Report:
    """A report of seven days in which everything happened, to things of this name."""
    took = Times(count=3, mean=MINUTE, median=MINUTE, worst=90 * MINUTE)
    place = Place(name=name, incidents=4000, carried_out=9, recovered=3, recover=took)
    noise = Noise(
        alerts=9000,
        incidents=4000,
        expired=12,
        false_alarms=40,
        unpaged=dict.fromkeys(Why, 7),
        unpaged_since=START.date(),
    )
    made = Report(
        since=START - timedelta(days=7),
        until=START,
        incidents=4000,
        unread=12,
        asked=3,
        endings=dict.fromkeys(Ending, 1000),
        causes=(Cause(condition=name, service=name, incidents=40),) * 9,
        acknowledge=took,
        decide=took,
        recover=took,
        fates=dict.fromkeys(Fate, 12),
        undone=2,
        glass=1,
        noise=noise,
        money=Total(calls=40, dollars=12.5, all_known=False),
        drops=(
            Drop(of="cpu", mean=80.0, actions=9),
            Drop(of="runaway_process", mean=-3.0, actions=9),
        ),
        minutes_per_action=15,
        hosts=(place,) * 9,
        services=(place,) * 9,
        stretches=(),
        days=1,
    )
    return replace(made, **changes)
