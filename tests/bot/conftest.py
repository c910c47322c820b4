"""A story on a database of its own."""

import pytest

from bot.storage.database import Database
from tests.fakes.story import Story


@pytest.fixture
def story(database: Database) -> Story:
    return Story(database)
