"""Old cases that tell the same story become one record that counts them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from memory.case import Case, Outcome
from memory.rank import middle

_PREFIX = "pattern:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One record in place of several. folded: the keys it replaces."""

    case: Case
    folded: tuple[str, ...]


def patterns(cases: Iterable[Case]) -> list[Pattern]:
    """Return a pattern for every two or more cases of one story, outcome and trust.

    Outcomes are never mixed, so that the counts by outcome stay what they were.
    cases: the latest first; the latest one's words stand for all.
    """
    stories: dict[tuple[tuple[str, str, str], Outcome, bool | None], list[Case]] = {}
    for case in cases:
        story = case.group, case.outcome, case.confirmed
        stories.setdefault(story, []).append(case)
    return [_pattern(alike) for alike in stories.values() if len(alike) > 1]


def _pattern(alike: list[Case]) -> Pattern:
    latest = alike[0]
    took = [case.took for case in alike for _ in range(case.weight) if case.took]
    hosts = {case.host for case in alike}
    case = replace(
        latest,
        key=_PREFIX + latest.key.removeprefix(_PREFIX),
        host=latest.host if len(hosts) == 1 else "",
        took=middle(took),
        weight=sum(case.weight for case in alike),
    )
    return Pattern(case=case.cleaned(), folded=tuple(case.key for case in alike))
