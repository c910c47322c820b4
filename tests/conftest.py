"""Options and fixtures that every test may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.aimock import Start, installed, serving

_BURNING = ("scenarios/", "promises/", "detectors/", "bot/test_serve.py")
_QUIET = (
    "scenarios/test_gate",
    "scenarios/test_services",
    *(
        f"promises/test_{name}"
        for name in (
            "decisions",
            "forged_requests",
            "killed_anywhere",
            "model",
            "opinions",
            "rules",
            "runbooks",
            "tampering",
            "unrecorded",
        )
    ),
)
"""What burns nothing, in folders that do."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full-counts",
        action="store_true",
        help="run the promises' falsifying tests with their full counts",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep what burns the CPU and watches it in one process, which begins with it."""
    burning = [item for item in items if _burns(item)]
    for item in burning:
        item.add_marker(pytest.mark.xdist_group("burns"))
    items.sort(key=lambda item: item not in burning)


def _burns(item: pytest.Item) -> bool:
    path = item.path.relative_to(Path(__file__).parent).as_posix()
    return path.startswith(_BURNING) and not path.startswith(_QUIET)


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
