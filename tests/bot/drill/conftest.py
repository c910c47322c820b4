"""A story whose drills start real children, which end with the test."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.drill.child import Child
from bot.drill.drill import Drill
from bot.drill.watching import DrillDetector
from remediation.target.facts import FactReader
from tests.fakes.drilling import CHILDS_UNIT, Stage, awaited
from tests.fakes.story import Story


@pytest.fixture
def stage(story: Story) -> Iterator[Stage]:
    with ExitStack() as stack:

        def started(lasts: timedelta) -> Child:
            child = Child.start(lasts)
            stack.callback(_gone, child)
            made.children.append(child)
            facts = FactReader("web-1").read(child.identity.pid)
            # As the bot's own service has it.
            facts = replace(facts, unit=CHILDS_UNIT)
            story.reader.living[child.identity.pid] = facts
            return child

        drill = Drill(
            host="web-1",
            record=story.record,
            lasts=timedelta(minutes=2),
            drilled=story.drilled,
            poster=story.poster,
            start=started,
        )
        detector = DrillDetector("web-1", drill, story.reader, story.clock)
        made = Stage(story=story, drill=drill, detector=detector)
        yield made


def _gone(child: Child) -> None:
    child.let_go()
    awaited(child)
