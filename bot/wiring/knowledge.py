"""What the bot knows beyond facts: memory, runbooks, and a model where one is set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.config.environment import Environment
from bot.config.settings import Settings
from bot.diagnosis.account import Account
from bot.diagnosis.choose import criticising, diagnosing
from bot.diagnosis.critic import Critic
from bot.diagnosis.fallback import ModelOrRules
from bot.diagnosis.model import ModelDiagnoser
from bot.diagnosis.provider import Provider
from bot.diagnosis.rules import RuleDiagnoser
from bot.host.host import HostContext
from bot.learning.explain import Explain, Sources
from bot.learning.remember import Remember
from bot.learning.retell import retold
from bot.llm.genai import GeminiEmbedder, Genai
from bot.ports import Tool, Wakeable
from bot.runbooks.folder import written
from bot.runbooks.index import FIRST_REST, LONGEST_REST
from bot.runbooks.matching import retold as read_out
from bot.runbooks.shelf import Shelf
from bot.runtime import tracing
from bot.storage.record import Record
from bot.tools import Sources as Readable
from bot.tools import anywhere, ready
from memory.case import Symptoms
from memory.embed import Embedder, MiniLm
from memory.recollect import Memory
from memory.rest import Rest

_BOT = Path(__file__).resolve().parents[1]
SHIPPED = (_BOT / "runbooks" / "shipped", _BOT.parent / "runbooks")
"""Where the runbooks that came with Countersign lie: installed, or in the repository."""
POLICY = "policy.md"
"""The written policy, in the first runbook folder that has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything that knows. model: None where the rules explain alone."""

    memory: Memory
    shelf: Shelf
    account: Account
    model: Provider | None
    tools: tuple[Tool, ...]
    explain: Explain
    remember: Remember
    export: tracing.Export | None

    def close(self) -> None:
        """Let go of threads, the index and the exporter."""
        self.shelf.stop()
        self.memory.close()
        if self.export is not None:
            self.export.close()


def known(
    settings: Settings,
    environment: Environment,
    record: Record,
    host: HostContext,
    poster: Wakeable,
    failed: Callable[[str], None],
) -> Known:
    """Build it; nothing heavy is loaded before its first use."""
    embedder = embedder_of(settings, environment)
    folders = folders_of(settings, environment)
    memory = Memory(record.database, embedder, index_folder(environment))
    rest = Rest(FIRST_REST, LONGEST_REST, lambda: record.clock.now().boot)
    shelf = Shelf((*folders, drafts_of(environment)), embedder, rest=rest)
    endpoint = environment.otlp_endpoint
    export = tracing.Export(endpoint) if endpoint else None
    account = Account(record.database, record.clock, export=export)
    model = diagnosing(settings.model, environment)
    tools = ready(_readable(host, memory, shelf))
    sources = Sources(
        memory=memory,
        shelf=shelf,
        model=_diagnoser(model, settings, tools, account),
        critic=_critic(settings, environment, account),
        policy=lambda: written_policy(folders),
    )
    return Known(
        memory=memory,
        shelf=shelf,
        account=account,
        model=model,
        tools=tools,
        explain=Explain(
            record=record.led, sources=sources, poster=poster, failed=failed
        ),
        remember=Remember(record=record.led, memory=memory, failed=failed),
        export=export,
    )


def index_folder(environment: Environment) -> Path:
    """Return where Chroma's index lies; one process owns it."""
    return environment.state_dir / "chroma"


def embedder_of(settings: Settings, environment: Environment) -> Embedder | None:
    """Return the configured embedder; None searches by words alone."""
    match settings.memory.embedder:
        case "minilm":
            return MiniLm()
        case "gemini" if environment.gemini_key is not None:
            base_url = settings.model.base_url or environment.gemini_base_url
            return GeminiEmbedder(Genai(environment.gemini_key, base_url=base_url))
        case _:
            return None


def folders_of(settings: Settings, environment: Environment) -> tuple[Path, ...]:
    """Return the team's runbook folders, absolute."""
    home = environment.config.resolve().parent
    if settings.runbooks.folders:
        return tuple(home / folder for folder in settings.runbooks.folders)
    there = [folder for folder in (home / "runbooks", *SHIPPED) if folder.is_dir()]
    return tuple(there[:1])


def drafts_of(environment: Environment) -> Path:
    """Return the bot's own runbook folder, where drafts go; it is made if missing."""
    folder = environment.state_dir / "runbooks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def written_policy(folders: Sequence[Path]) -> str:
    """Return the team's written policy; "" where there is none."""
    found = (written(folder, POLICY) for folder in folders)
    return next((text for text in found if text), "")


def _readable(host: HostContext, memory: Memory, shelf: Shelf) -> Readable:
    def past_incidents(words: str) -> str:
        asked = Symptoms(condition="", host="", service="", text=words)
        return retold(memory.recall(asked, limit=5))

    return Readable(
        clock=host.clock,
        history=host.history,
        facts=host.facts,
        past_incidents=past_incidents,
        runbooks=lambda words: read_out(shelf.find(words, limit=2)),
    )


def _diagnoser(
    model: Provider | None,
    settings: Settings,
    tools: Sequence[Tool],
    account: Account,
) -> ModelOrRules | None:
    if model is None:
        return None
    budget = settings.model.budget
    asks = ModelDiagnoser(
        model,
        tools=tools,
        budget=budget,
        account=account,
        host=settings.host,
        elsewhere=anywhere(tools),
    )
    return ModelOrRules(asks, RuleDiagnoser())


def _critic(
    settings: Settings, environment: Environment, account: Account
) -> Critic | None:
    reader = criticising(settings.model, environment)
    if reader is None:
        return None
    return Critic(reader, budget=settings.model.budget, account=account)
