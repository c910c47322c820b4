"""The trust kernel is tested on both databases that it may be kept in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.storage.database import Database
from tests.real.databases import KINDS, fresh


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh(request.param, tmp_path) as made:
        yield made
