"""`countersign runbooks check`: what is wrong with the runbooks, before they are needed."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bot.runbooks.folder import missing
from bot.runbooks.stock import Stock, look
from remediation.printable import printable


def check(folders: Sequence[str]) -> int:
    """Print a line `FILE:LINE: what; mend` for each problem and a sum.

    Returns 0 if all is well, 1 if there is a problem, 2 if a folder cannot be read.
    """
    paths = [Path(folder) for folder in folders]
    unread = [note for note in map(missing, paths) if note is not None]
    for note in unread:
        sys.stderr.write(
            f"countersign runbooks: {note.file}: {note.what}; {note.mend}\n"
        )
    if unread:
        return 2
    stock = look(paths, Stock(), first=True)
    for problem in stock.problems:
        mark = " (skipped)" if problem.fatal else ""
        print(f"{problem}{mark}")
    print(_sum(stock, folders))
    return 1 if stock.problems else 0


def _sum(stock: Stock, folders: Sequence[str]) -> str:
    count = len(stock.problems)
    wrong = "no problem" if not count else f"{count} problem{'s' * (count > 1)}"
    where = ", ".join(printable(folder) for folder in folders)
    return f"{len(stock.pages)} runbooks in {where}: {wrong}"
