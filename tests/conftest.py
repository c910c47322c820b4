"""Options and fixtures that every test may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.fakes.aimock import Start, installed, serving

settings.register_profile("patient", deadline=None)  # no test asserts absolute times
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full-counts",
        action="store_true",
        help="run the promises' falsifying tests with their full counts",
    )


@pytest.fixture
def full_counts(request: pytest.FixtureRequest) -> bool:
    """Whether `make promises` asked for the full counts."""
    return bool(request.config.getoption("--full-counts"))


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of an independent Gemini."""
    return installed(tmp_path_factory.mktemp("aimock"))


@pytest.fixture
def serve(aimock: Path, tmp_path: Path) -> Iterator[Start]:
    """Start an independent Gemini with fixtures; ends with the test."""
    with serving(aimock, tmp_path) as start:
        yield start
