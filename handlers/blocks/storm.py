"""What a storm's card lists: how much of what, and where. Pure."""

import re
from collections.abc import Sequence

from bot.model import Fact, Finding

_KINDS = 5
_HOSTS = 8


def summary(findings: Sequence[Finding]) -> str:
    """Say how large it is, and how much of it is over."""
    kinds = len({finding.label for finding in findings})
    hosts = len({finding.host for finding in findings})
    count = sum(finding.stands_for for finding in findings)
    over = sum(finding.is_well for finding in findings)
    of_kinds = "" if kinds == 1 else f" of {kinds} kinds"
    more = "more than " if count > len(findings) else ""
    where = f"{findings[0].host}" if hosts == 1 else f"{more}{hosts} hosts"
    ended = f" {over} of them are over." if over else ""
    return f"{count:,} conditions{of_kinds} on {where}.{ended}"


def facts(findings: Sequence[Finding]) -> list[Fact]:
    """List the kinds, the most frequent first, each with where it is; five at most."""
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.label, []).append(finding)
    ordered = sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    listed = [_fact(label, found) for label, found in ordered[:_KINDS]]
    rest = ordered[_KINDS:]
    if rest:
        count = sum(len(found) for _, found in rest)
        listed.append(
            Fact(label=f"{len(rest)} other kinds", value=f"{count} conditions")
        )
    return listed


def _fact(label: str, found: Sequence[Finding]) -> Fact:
    if len(found) == 1:
        return Fact(label=label, value=found[0].summary)
    bad = {f.host for f in found if not f.is_well and f.stands_for == 1}
    count = sum(finding.stands_for for finding in found)
    hosts = sorted(bad, key=_by_number)
    left = count - _HOSTS if count > len(found) else len(hosts) - _HOSTS
    more = f" and {left:,} more" if left > 0 else ""
    named = ", ".join(hosts[:_HOSTS]) or "nowhere any more"
    return Fact(label=f"{label} ({count:,})", value=named + more)


def _by_number(host: str) -> list[tuple[bool, int, str]]:
    """Sort web-9 before web-10."""
    parts = re.findall(r"\d+|\D+", host)
    return [(p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts]
