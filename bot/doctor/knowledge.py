"""What the bot can know: its memory, the runbooks, and the model where one is set."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from bot.config.environment import Environment
from bot.config.settings import Settings
from bot.runbooks.folder import missing
from bot.runbooks.stock import Stock, look
from bot.runtime.checkup import Finding, fine, warn
from bot.storage.database import BadDatabase
from bot.wiring.knowledge import embedder_of, folders_of, index_folder
from bot.wiring.parts import database_of
from memory import cases as rows
from memory.embed import EmbedderUnavailable
from memory.index import Index, IndexUnwell

_BY_WORDS = "Past incidents and runbooks are searched by words alone"


def checks(settings: Settings, environment: Environment) -> Iterator[Finding]:
    """Look at memory, the shelf and the model; none of them keeps the bot from acting."""
    yield _embedder(settings, environment)
    yield _memory(settings, environment)
    yield _index(index_folder(environment))
    yield from _shelf(settings, environment)
    yield from _model(settings, environment)


def _embedder(settings: Settings, environment: Environment) -> Finding:
    wanted = settings.memory.embedder
    if wanted == "none":
        return fine("embedder", f"none (memory.embedder). {_BY_WORDS}")
    embedder = embedder_of(settings, environment)
    if embedder is None:
        reason = f"memory.embedder is {wanted}, but GEMINI_API_KEY is not set"
        return warn("embedder", f"{reason}. {_BY_WORDS}. Set the key, or use minilm")
    try:
        embedder.query("ready")
    except EmbedderUnavailable as error:
        return warn("embedder", f"{error}. {_BY_WORDS} until that is mended")
    how = "both files are the known ones" if wanted == "minilm" else "it answers"
    return fine("embedder", f"{embedder.name}: {how}")


def _memory(settings: Settings, environment: Environment) -> Finding:
    embedder = embedder_of(settings, environment)
    try:
        database = database_of(environment)
        try:
            with database.read() as tx:
                by = rows.meta(tx, "embedder")
                count, bare = rows.count(tx), rows.count(tx, bare=True)
        finally:
            database.close()
    except (BadDatabase, SQLAlchemyError):
        return warn("memory", "not looked at: the database cannot be used (see there)")
    said = f"{count} cases" + (f", vectors by {by}" if by else "")
    if embedder is None:
        return fine("memory", said)
    # Vectors of another embedder are of no use to this one.
    lacking = bare if by in ("", embedder.name) else count
    made = f"; a running bot makes {lacking} new by {embedder.name}" if lacking else ""
    return fine("memory", said + made)


def _index(folder: Path) -> Finding:
    if not folder.is_dir():
        return fine("index", f"{folder} is made when the first incident looks back")
    try:
        Index(folder).close()
    except IndexUnwell as error:
        return fine("index", f"{folder}: {error}; it is the bot's if one runs here")
    return fine("index", f"{folder} is free for the bot")


def _shelf(settings: Settings, environment: Environment) -> Iterator[Finding]:
    folders = folders_of(settings, environment)
    if not folders:
        yield warn(
            "runbooks",
            "there is no folder, so no card cites a runbook. Make `runbooks` beside "
            "the configuration file, or name folders in runbooks.folders",
        )
    for folder in folders:
        yield _folder(folder)


def _folder(folder: Path) -> Finding:
    lost = missing(folder)
    if lost is not None:
        return warn("runbooks", f"{lost.file}: {lost.what}; {lost.mend}")
    stock = look([folder], Stock(), first=True)
    pages, wrong = len(stock.pages), len(stock.problems)
    if wrong:
        return warn(
            "runbooks",
            f"{folder}: {pages} pages, {wrong} problems. "
            f"`countersign runbooks check {folder}` names each with its mend",
        )
    return fine("runbooks", f"{folder}: {pages} pages")


def _model(settings: Settings, environment: Environment) -> Iterator[Finding]:
    model = settings.model
    match model.provider or ("gemini" if environment.gemini_key else "none"):
        case "gemini" if environment.gemini_key is None:
            yield warn(
                "model",
                "model.provider is gemini, but GEMINI_API_KEY is not set, so the "
                "rules explain alone. Set the key, or provider: none",
            )
        case "gemini":
            at = _server(model.base_url or environment.gemini_base_url)
            yield fine("model", f"gemini {model.name} at {at}; its key is set")
        case "openai":
            yield from _compatible(settings, environment)
        case _:
            yield fine("model", "none: the rules explain alone")


def _compatible(settings: Settings, environment: Environment) -> Iterator[Finding]:
    at = _server(settings.model.base_url or environment.openai_base_url)
    key = (
        "is set" if environment.openai_key else "is not set; not every server wants one"
    )
    text = f"{settings.model.name} at {at}; OPENAI_API_KEY {key}"
    if find_spec("openai") is None:
        yield warn(
            "model",
            f"{text}. The package openai is not installed, so the rules explain "
            "alone: pip install 'countersign[openai]'",
        )
    else:
        yield fine("model", text)


def _server(base_url: str | None) -> str:
    """Name a server without what else an address may hold, a password for example."""
    return "the provider's own server" if base_url is None else _host(base_url)


def _host(base_url: str) -> str:
    try:
        return urlsplit(base_url).hostname or "an address without a host"
    except ValueError:
        return "an address that is none"
