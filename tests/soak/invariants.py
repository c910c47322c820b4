"""What must be true of the whole record, whatever the weather was."""

from collections.abc import Callable, Sequence

from tests.soak import acted, answered, endured, told
from tests.soak.books import Books
from tests.soak.verdict import Verdict

__all__ = ["Verdict", "judged"]

CHECKS: tuple[Callable[[Books], Verdict], ...] = (
    acted.unapproved,
    acted.twice,
    acted.strangers,
    acted.stray_files,
    acted.unended,
    answered.clicks,
    answered.alerts,
    told.lines,
    told.cards,
    told.open_ends,
    endured.chain,
    endured.settled,
    endured.deaths,
    endured.faults_in_log,
    endured.grown_with_age,
    endured.grown_from_life_to_life,
)


def judged(books: Books) -> Sequence[Verdict]:
    """Check them all."""
    return [check(books) for check in CHECKS]
