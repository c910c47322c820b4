"""A story with drills: real children, and the detector that sees them."""

import time
from dataclasses import dataclass, field

from bot.drill.child import Child
from bot.drill.drill import Drill
from bot.drill.watching import DrillDetector
from bot.model import Finding, Incident
from remediation.ledger.audit import read
from remediation.rules.drilled import DRILL
from tests.fakes.story import ALICE, Story

CHILDS_UNIT = "countersign.service"


@dataclass
class Stage:
    """A story whose drills start real children, and their detector."""

    story: Story
    drill: Drill
    detector: DrillDetector
    children: list[Child] = field(default_factory=list)

    @property
    def child(self) -> Child:
        return self.children[-1]

    @property
    def pid(self) -> int:
        return self.child.identity.pid

    def begins(self) -> Incident:
        """Alice asks, and the card is there."""
        self.drill.ask(ALICE)
        self.goes_on()
        self.goes_on()
        return self.incident()

    def goes_on(self) -> None:
        """A step of the drill and a round of its detector."""
        self.drill.step()
        self.story.sees(*self.measured())

    def measured(self) -> list[Finding]:
        return self.detector.check(self.story.respond.watched(DRILL))

    def ends(self) -> None:
        """The child does what it does when it is let go."""
        awaited(self.child)
        del self.story.reader.living[self.pid]

    def incident(self) -> Incident:
        return self.story.incident()

    def said(self, kind: str) -> list[str]:
        with self.story.database.read() as tx:
            told = [one.event for one in read(tx, incident=None)]
        return [event.text for event in told if event.kind == kind]


def awaited(child: Child) -> None:
    """Wait until it has ended and was reaped."""
    end = time.monotonic() + 10
    while not child.is_over:
        assert time.monotonic() < end
        time.sleep(0.01)
