"""`make promises`: hears what the tests of the promises print, and says of each promise whether it held.

A plugin, loaded with `-p tests.promises.tally`. A test says by `@pytest.mark.promise(5, 19)`
what it would prove wrong, and prints lines such as `promises 5, 19: 60 clicks, failed 0`.
A run in two parts has one table: the first leaves its rows for the second.
"""

import json
import re
from collections.abc import Iterable, Iterator
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

    @classmethod
    def from_json(cls, line: str) -> "Row":
        """A row of an earlier part, as `as_json` wrote it."""
        told = json.loads(line)
        return cls(
            number=told["number"],
            passed=told["tests_passed"],
            seconds=told["seconds"],
            figures=told["figures"],
            against=told["against"],
        )


class Tally:
    """The rows of one run, from its first test to the table.

    rows: what is known before: of an earlier part, or of a promise without a test.
    is_part: whether another part makes the table.
    """

    def __init__(
        self, rows: Iterable[Row], kept_in: Path | None, *, is_part: bool
    ) -> None:
        self._rows = {row.number: row for row in rows}
        self._kept_in = kept_in
        self._is_part = is_part

    @property
    def rows(self) -> list[Row]:
        return [row for _, row in sorted(self._rows.items())]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            numbers = numbers_of(item)
            item.user_properties += [("promise", number) for number in numbers]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, number in report.user_properties:
            if name == "promise" and isinstance(number, int):
                self._rows.setdefault(number, Row(number=number)).hear(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        held = all(row.held for row in self.rows)
        if session.exitstatus == pytest.ExitCode.OK and not held:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        if self._kept_in:
            text = "".join(f"{row.as_json()}\n" for row in self.rows)
            self._kept_in.write_text(text)
        if self._is_part:
            return
        terminalreporter.section("promises")
        terminalreporter.write_line(
            f"No  {'Promise':{_WIDTH}}  Held  Seconds  What its tests printed"
        )
        for row in self.rows:
            for line in row.lines():
                terminalreporter.write_line(line)
        held = sum(row.held for row in self.rows)
        terminalreporter.write_line(f"{held} of {len(self.rows)} promises held")


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
    for option, what in (
        ("--json", "the promises' rows as JSON Lines"),
        ("--rows-to", "the same, instead of a table: another part makes it"),
        ("--rows-from", "the rows of an earlier part, for the table of both"),
    ):
        parser.addoption(option, type=Path, metavar="FILE", help=what)


def pytest_configure(config: pytest.Config) -> None:
    part, earlier = config.getoption("--rows-to"), config.getoption("--rows-from")
    rows = {n: Row(number=n) for n in (PROMISED if _is_whole(config) else ())}
    for line in earlier.read_text().splitlines() if earlier else ():
        row = Row.from_json(line)
        rows[row.number] = row
    kept_in = part or config.getoption("--json")
    config.pluginmanager.register(
        Tally(rows.values(), kept_in, is_part=part is not None)
    )
