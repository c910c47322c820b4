"""A story on a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.storage.database import Database
from tests.fakes.story import Story
from tests.real.databases import fresh


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with fresh("sqlite", tmp_path) as made:
        yield made


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)
