"""A story that can be asked about: memory and runbooks are real, processes are given."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.config.report import ReportSection
from bot.config.settings import Settings
from bot.converse.asked import Sources
from bot.converse.converse import Converse, Words
from bot.converse.question import Answer, Question, Said
from bot.learning.remember import Remember
from bot.model import EvidenceItem, Table
from bot.report.reports import Reports
from bot.runbooks.shelf import Shelf
from bot.storage.database import Database
from memory.recollect import Memory
from tests.fakes.letters import Letters
from tests.fakes.story import ALICE, FakeEvidence, Story

RUNBOOK = """---
title: CPU saturated
conditions: [cpu]
aliases: [busy processor]
---
## Steps
1. Look at the run queue.
2. Find the process that is new.
"""
TOP = EvidenceItem(
    id="",
    title="Top processes by CPU",
    table=Table(
        columns=("PID", "USER", "CPU %", "COMMAND"),
        rows=(
            ("4242", "deploy", "97", "python3.11 burn.py"),
            ("77", "web", "3", "nginx"),
        ),
    ),
)
HEAVY = EvidenceItem(
    id="",
    title="Top processes by memory",
    table=Table(columns=("PID", "RSS"), rows=(("500", "3.1 GB"),)),
)


@dataclass
class Room:
    """Whom to ask, and what the answer rests on."""

    story: Story
    sources: Sources
    memory: Memory
    model: Words | None = None
    said: list[Said] = field(default_factory=list)

    def ask(
        self, text: str, *, incident: int | None = None, thread: tuple[Said, ...] = ()
    ) -> Answer:
        question = Question(text=text, person=ALICE, incident=incident, thread=thread)
        return Converse(self.sources, self.model).answer(question)

    def closes(self) -> None:
        """The incident's action helped, and memory was told."""
        self.story.acted()
        self.story.sees(self.story.well())
        self.story.clock.go(40)
        self.story.sees(self.story.well())
        Remember(record=self.story.record, memory=self.memory, failed=print).step()


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database, evidence=[FakeEvidence("top"), FakeEvidence("journal")])


@pytest.fixture
def make_sources(tmp_path: Path) -> Callable[[Story, Memory], Sources]:
    folder = tmp_path / "runbooks"
    folder.mkdir()
    (folder / "cpu.md").write_text(RUNBOOK)

    def made(story: Story, memory: Memory) -> Sources:
        settings = Settings.model_validate(
            {
                "host": "web-1",
                "slack": {"approvers": {"users": [ALICE.id]}},
                "hosts": {"web-7": {"address": "10.0.0.7"}},
            }
        )
        return Sources(
            settings=settings,
            record=story.record,
            status=story.status,
            memory=memory,
            shelf=Shelf([folder], None),
            plots=story.plots,
            reports=Reports(record=story.record, section=ReportSection()),
            processes=lambda: (TOP, HEAVY),
        )

    return made


@pytest.fixture
def room(
    story: Story, database: Database, make_sources: Callable[[Story, Memory], Sources]
) -> Room:
    memory = Memory(database, Letters(), None)
    return Room(story=story, sources=make_sources(story, memory), memory=memory)
