"""Options and fixtures that every test may use."""

import pytest


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
