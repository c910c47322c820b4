"""A fake Gemini over HTTP, a diagnoser that asks it, and an incident to ask about."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from bot.config.model import Budget
from bot.diagnosis.account import Account
from bot.diagnosis.gemini import GeminiProvider
from bot.diagnosis.model import ModelDiagnoser
from bot.host.metrics import History
from bot.llm.genai import Genai
from bot.model import EvidenceItem, Incident
from bot.storage.database import Database
from bot.tools import Sources, ready
from tests.fakes.clock import FakeClock
from tests.fakes.gemini import FakeGemini
from tests.fakes.story import FakeReader
from tests.fakes.things import culprit, incident, process

MODEL = "gemini-3.8-flash"


@dataclass
class Room:
    """Everything that a diagnosis needs."""

    gemini: FakeGemini
    database: Database
    clock: FakeClock
    sources: Sources
    incident: Incident
    account: Account

    def diagnoser(self, **budget: float) -> ModelDiagnoser:
        return ModelDiagnoser(
            self.provider(),
            tools=ready(self.sources),
            budget=Budget(**budget),  # type: ignore[arg-type]
            account=self.account,
        )

    def provider(self) -> GeminiProvider:
        genai = Genai("test-key", base_url=self.gemini.url)
        return GeminiProvider(genai, model=MODEL, thinking="low")


@pytest.fixture
def gemini() -> Iterator[FakeGemini]:
    with FakeGemini.start() as fake:
        yield fake


@pytest.fixture
def room(gemini: FakeGemini, database: Database) -> Room:
    clock, history = FakeClock(), History()
    history.append("cpu", clock.wall, 97.0, "%")
    sources = Sources(
        clock=clock,
        history=history,
        facts=FakeReader(process()),
        past_incidents=_found("Incident 3: restarted, it helped"),
        runbooks=_found("Look at the run queue first"),
    )
    evidence = (EvidenceItem(id="E1", title="Top processes by CPU", text="burn.py 97"),)
    return Room(
        gemini=gemini,
        database=database,
        clock=clock,
        sources=sources,
        incident=replace(incident(culprit=culprit()), evidence=evidence),
        account=Account(database, clock),
    )


def _found(text: str) -> Callable[[str], str]:
    return lambda words: f"{text} ({words})"
