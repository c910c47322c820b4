"""A migrated database, the real embedder, and a memory of both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.storage.database import Database
from memory.embed import MiniLm
from tests.real.databases import KINDS, fresh


@pytest.fixture(scope="session")
def minilm() -> MiniLm:
    return MiniLm()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with fresh("sqlite", tmp_path) as made:
        yield made


@pytest.fixture(params=KINDS)
def either_database(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Database]:
    with fresh(request.param, tmp_path) as made:
        yield made
