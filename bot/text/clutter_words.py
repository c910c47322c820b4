"""What would go and what would stay, said to people."""

import time
from collections import Counter
from datetime import timedelta

from bot.model import Fact
from bot.text.words import amount, seconds
from remediation.acts.clutter import Clutter
from remediation.target.area import counted

_FOLDERS = 6
_CHARACTERS = 120


def facts_of(clutter: Clutter, cooldown: timedelta) -> tuple[Fact, ...]:
    """Say how much would go, of which folders, and what is left and why.

    cooldown: for how long the area is left alone after a cleaning.
    """
    facts = [
        Fact(label="Would go", value=_sum(len(clutter.files), clutter.size)),
        Fact(label="From", value=clutter.area.folder),
    ]
    if clutter.files:
        facts += [
            Fact(label="Last written", value=_ages(clutter)),
            Fact(label="By folder", value=_by_folder(clutter)),
        ]
    if clutter.beyond:
        more = _sum(clutter.beyond, clutter.beyond_bytes)
        later = f"; propose again{_after(cooldown)}"
        facts.append(Fact(label="Not in this action", value=f"{more}{later}"))
    left = ", ".join(f"{count} {why}" for why, count in clutter.spared)
    in_use = "whatever is open when it comes to it"
    facts.append(Fact(label="Stays", value=f"{left}, {in_use}" if left else in_use))
    if clutter.trouble:
        facts.append(Fact(label="Not seen", value=clutter.trouble))
    return tuple(facts)


def listed(clutter: Clutter) -> tuple[str, ...]:
    """Name every file that would go, a line each, the largest first."""
    return tuple(f"{amount(f.size, 'B'):>8}  {f.path}" for f in clutter.files)


def _after(cooldown: timedelta) -> str:
    if not cooldown:
        return ""
    return f", after this one not within {seconds(cooldown)} (policy.cooldown)"


def _sum(count: int, size: int) -> str:
    return f"{counted(count)}, {amount(size, 'B')}"


def _ages(clutter: Clutter) -> str:
    written = [file.mtime_ns / 1e9 for file in clutter.files]
    oldest, newest = (
        seconds(timedelta(seconds=time.time() - at))
        for at in (min(written), max(written))
    )
    return f"{newest} to {oldest} ago"


def _by_folder(clutter: Clutter) -> str:
    sizes, counts = Counter[str](), Counter[str]()
    for file in clutter.files:
        top = file.path.rpartition("/")[0].partition("/")[0] or "itself"
        sizes[top] += file.size
        counts[top] += 1
    named = [
        f"{_short(top)} {amount(size, 'B')} ({counts[top]})"
        for top, size in sizes.most_common(_FOLDERS)
    ]
    more = len(sizes) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _short(path: str) -> str:
    return path if len(path) <= _CHARACTERS else f"…{path[-_CHARACTERS:]}"
