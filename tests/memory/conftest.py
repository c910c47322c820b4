"""The real embedder, and a database of either kind."""

import pytest

from memory.embed import MiniLm
from tests.real.databases import KINDS, on


@pytest.fixture(scope="session")
def minilm() -> MiniLm:
    return MiniLm()


either_database = on(*KINDS)
