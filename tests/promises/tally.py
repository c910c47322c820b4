"""`make promises`: hears what the tests of the promises print, and says of each promise whether it held.

A plugin, loaded with `-p tests.promises.tally`. A test says by `@pytest.mark.promise(5, 19)`
what it would prove wrong, and prints lines such as `promises 5, 19: 60 clicks, failed 0`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.promises.promised import PROMISED

_FIGURE = re.compile(
    r"^promises? (\d+(?:, \d+)*)(?: \(([^)]+)\))?: (.+)$", re.MULTILINE
)
_WIDTH = max(map(len, PROMISED.values()))


def figures_in(text: str) -> Iterator[tuple[int, str]]:
    """Each figure that a test printed, with the number of its promise."""
    for numbers, where, figure in _FIGURE.findall(text):
        for number in numbers.split(", "):
            yield int(number), f"{where}: {figure}" if where else figure


@dataclass(kw_only=True)
class Row:
    """What became of one promise.

    seconds: of all its tests; one that serves two promises counts for both.
    against: why it is not called held.
    """

    number: int
    passed: int = 0
    seconds: float = 0.0
    figures: list[str] = field(default_factory=list)
    against: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return self.passed > 0 and not self.against

    def hear(self, report: pytest.TestReport) -> None:
        self.seconds += report.duration
        if report.failed:
            self.against.append(f"failed: {report.nodeid}")
        elif report.skipped:
            self.against.append(f"did not run: {report.nodeid}")
        elif report.when == "call":
            self.passed += 1
        if report.when == "call":
            told = [
                text for n, text in figures_in(report.capstdout) if n == self.number
            ]
            self.figures += [text for text in told if text not in self.figures]

    def lines(self) -> Iterator[str]:
        said = [*self.against, *self.figures]
        if not self.passed and not self.against:
            said = ["no test of it ran"]
        held = "held" if self.held else "not"
        head = f"{self.number:2}  {PROMISED[self.number]:{_WIDTH}}  {held:4}"
        yield f"{head}  {self.seconds:7.1f}  {said[0] if said else '-'}"
        for more in said[1:]:
            yield f"{'':{len(head) + 11}}{more}"

    def as_json(self) -> str:
        return json.dumps(
            {
                "number": self.number,
                "promise": PROMISED[self.number],
                "held": self.held,
                "figures": self.figures,
                "against": self.against,
                "tests_passed": self.passed,
                "seconds": round(self.seconds, 1),
            },
            ensure_ascii=False,
        )


class Tally:
    """The rows of one run, from its first test to the table."""

    def __init__(self, kept_in: Path | None) -> None:
        self.rows: dict[int, Row] = {}
        self._kept_in = kept_in

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        wanted: set[int] = set()
        for item in items:
            numbers = numbers_of(item)
            item.user_properties += [("promise", number) for number in numbers]
            wanted |= numbers
        if _is_whole(config):
            wanted = set(PROMISED)
        self.rows = {number: Row(number=number) for number in sorted(wanted)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, number in report.user_properties:
            if name == "promise" and isinstance(number, int):
                self.rows[number].hear(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        held = all(row.held for row in self.rows.values())
        if session.exitstatus == pytest.ExitCode.OK and not held:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        rows = self.rows.values()
        terminalreporter.section("promises")
        terminalreporter.write_line(
            f"No  {'Promise':{_WIDTH}}  Held  Seconds  What its tests printed"
        )
        for row in rows:
            for line in row.lines():
                terminalreporter.write_line(line)
        held = sum(row.held for row in rows)
        terminalreporter.write_line(f"{held} of {len(rows)} promises held")
        if self._kept_in:
            text = "".join(f"{row.as_json()}\n" for row in rows)
            self._kept_in.write_text(text)


def numbers_of(item: pytest.Item) -> set[int]:
    """The promises that a test would prove wrong; without a number it is no test of any."""
    marks = list(item.iter_markers("promise"))
    numbers = {number for mark in marks for number in mark.args}
    if (marks and not numbers) or numbers - set(PROMISED):
        raise pytest.UsageError(
            f"{item.nodeid} is marked with {sorted(numbers)}, so its figures stand in no "
            f"row. Name the promises it tests, from 1 to {max(PROMISED)}."
        )
    return numbers


def _is_whole(config: pytest.Config) -> bool:
    return config.args_source is config.ArgsSource.TESTPATHS and not config.getoption(
        "keyword"
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--json", type=Path, metavar="FILE", help="the promises' rows as JSON Lines"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Tally(config.getoption("--json")))
