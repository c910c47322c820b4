"""What is wrong with a runbook, where, and how to mend it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in one file.

    line: counted from 1; 1 where it is about the whole file. fatal: the file is
    skipped for it; otherwise the page is used without what is wrong.
    """

    file: str
    line: int
    what: str
    mend: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; {self.mend}"


class Unusable(Exception):
    """The file gives no page; `what`, `mend` and `line` say why."""

    def __init__(self, what: str, mend: str, *, line: int = 1) -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend
        self.line = line
