"""Options and fixtures that every test may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from bot.storage.database import Database
from tests.fakes.aimock import Start, installed, serving
from tests.real.databases import fresh


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full-counts",
        action="store_true",
        help="run the promises' falsifying tests with their full counts",
    )


def pytest_configure(config: pytest.Config) -> None:
    """No test asserts absolute times; `make test` says the same of the same code each time.

    New counterexamples are looked for by `make promises`.
    """
    is_search = bool(config.getoption("--full-counts"))
    settings.register_profile("ours", deadline=None, derandomize=not is_search)
    settings.load_profile("ours")


@pytest.fixture
def full_counts(request: pytest.FixtureRequest) -> bool:
    """Whether `make promises` asked for the full counts."""
    return bool(request.config.getoption("--full-counts"))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated database; where PostgreSQL matters too, a module says `on(*KINDS)`."""
    with fresh("sqlite", tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of an independent Gemini."""
    return installed(tmp_path_factory.mktemp("aimock"))


@pytest.fixture
def serve(aimock: Path, tmp_path: Path) -> Iterator[Start]:
    """Start an independent Gemini with fixtures; ends with the test."""
    with serving(aimock, tmp_path) as start:
        yield start
