"""A migrated database, the real embedder, and a memory of both."""

import pytest

from memory.embed import MiniLm
from tests.real.databases import KINDS, on


@pytest.fixture(scope="session")
def minilm() -> MiniLm:
    return MiniLm()


either_database = on(*KINDS)
