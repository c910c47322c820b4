"""The database's schema and how it moves from release to release.

Alembic is imported only when there is something to move: a database at `NEWEST`
starts without it.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.storage.database import BadDatabase, Database

NEWEST = "0011"
"""The revision this release works with."""


def migrate(database: Database) -> None:
    """Bring the schema to `NEWEST`; raise `BadDatabase` for one from the future."""
    with database.write() as tx:
        if revision(tx) != NEWEST:
            _upgrade(tx)


def revision(tx: Connection) -> str | None:
    """Return the schema's revision; raise `BadDatabase` for one from the future.

    None for a database that is empty or somebody else's.
    """
    if "alembic_version" not in inspect(tx).get_table_names():
        return None
    found = tx.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is None or found in _known():
        return found
    raise BadDatabase(
        f"the database has schema {found}, this release knows up to {NEWEST}. "
        "It was written by a newer Countersign: install that release again, "
        "or restore a backup made with this one"
    )


def _known() -> set[str]:
    folder = Path(__file__).parent / "versions"
    return {path.name.split("_")[0] for path in folder.glob("[0-9]*.py")}


def _upgrade(tx: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = tx
    command.upgrade(config, "head")
