"""Old cases that tell the same story become one record that counts them."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count

from memory.case import Case, Outcome
from memory.rank import middle

_PREFIX = "pattern:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One record in place of several. folded: the keys it replaces."""

    case: Case
    folded: tuple[str, ...]

    @property
    def nested(self) -> tuple[str, ...]:
        """The keys it replaces that are patterns."""
        return tuple(key for key in self.folded if key.startswith(_PREFIX))

    @property
    def singles(self) -> tuple[str, ...]:
        """The keys it replaces that are one incident each."""
        return tuple(key for key in self.folded if not key.startswith(_PREFIX))


def patterns(cases: Sequence[Case]) -> list[Pattern]:
    """Return a pattern for every two or more cases of one story, outcome and trust.

    Outcomes are never mixed, so that the counts by outcome stay what they were.
    cases: the latest first; the latest one's words stand for all.
    """
    stories: dict[tuple[tuple[str, str, str], Outcome, bool | None], list[Case]] = {}
    for case in cases:
        story = case.group, case.outcome, case.confirmed
        stories.setdefault(story, []).append(case)
    taken = {case.key for case in cases}
    found = []
    for alike in stories.values():
        if len(alike) > 1:
            found.append(_pattern(alike, taken))
            taken.add(found[-1].case.key)
    return found


def _pattern(alike: list[Case], taken: Container[str]) -> Pattern:
    latest = alike[0]
    took = [case.took for case in alike for _ in range(case.weight) if case.took]
    hosts = {case.host for case in alike}
    folded = tuple(case.key for case in alike)
    case = replace(
        latest,
        key=_name(latest.key, folded, taken),
        host=latest.host if len(hosts) == 1 else "",
        took=middle(took),
        weight=sum(case.weight for case in alike),
    )
    return Pattern(case=case.cleaned(), folded=folded)


def _name(latest: str, own: Container[str], taken: Container[str]) -> str:
    """Return a key that no other pattern has: a corrected case can lead a second one."""
    name = _PREFIX + latest.removeprefix(_PREFIX)
    names: Iterable[str] = chain([name], (f"{name}.{n}" for n in count(2)))
    return next(one for one in names if one in own or one not in taken)
