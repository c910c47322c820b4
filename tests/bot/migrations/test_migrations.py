"""The schema moves forward: what the revisions make is what the code expects."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, inspect, text

from bot import migrations
from bot.storage.database import BadDatabase, Database, connect
from remediation.ledger import audit
from tests.fakes.clock import START
from tests.real.databases import DECLARED, KINDS, empty


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with empty(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def bare(url: str) -> Iterator[Database]:
    database = connect(url)
    yield database
    database.close()


def declared() -> MetaData:
    together = MetaData()
    for part in DECLARED:
        for table in part.sorted_tables:
            table.to_metadata(together)
    return together


def test_the_revisions_make_what_the_code_declares(bare: Database) -> None:
    migrations.migrate(bare)
    with bare.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True})
        assert compare_metadata(context, declared()) == []


def test_the_newest_revision_is_the_one_the_release_expects(bare: Database) -> None:
    migrations.migrate(bare)
    with bare.read() as tx:
        found = tx.execute(text("SELECT version_num FROM alembic_version")).scalar()
    assert found == migrations.NEWEST


def test_migrating_twice_changes_nothing(bare: Database) -> None:
    migrations.migrate(bare)
    with bare.write() as tx:
        audit.append(tx, audit.Event(kind="x", text="", at=START))
    migrations.migrate(bare)
    with bare.read() as tx:
        assert audit.current(tx).seq == 1


def test_a_database_of_a_newer_release_is_refused_clearly(bare: Database) -> None:
    migrations.migrate(bare)
    with bare.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    with pytest.raises(BadDatabase, match="newer Countersign"):
        migrations.migrate(bare)


def test_a_new_chain_is_whole(bare: Database) -> None:
    migrations.migrate(bare)
    with bare.read() as tx:
        assert audit.verify(tx).fault is None


def test_a_revision_that_fails_leaves_nothing(bare: Database) -> None:
    with bare.write() as tx:
        tx.execute(text("CREATE TABLE meta (wrong integer)"))
    with pytest.raises(Exception, match="meta"):
        migrations.migrate(bare)
    with bare.read() as tx:
        assert inspect(tx).get_table_names() == ["meta"]


def test_a_start_without_news_needs_no_alembic(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from bot import migrations; from bot.storage import database\n"
        "db = database.connect(database.url_of(None, Path(sys.argv[1])))\n"
        "migrations.migrate(db); print('alembic' in sys.modules)\n"
    )

    def start() -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout.strip()

    assert [start(), start()] == ["True", "False"]
