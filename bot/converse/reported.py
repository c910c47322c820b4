"""A report for whoever asks for one in words: the same figures as `/sre report`."""

import re
from datetime import timedelta
from typing import Final

from bot.charts.plots import Plot
from bot.converse.asked import Asked
from bot.converse.periods import span_in
from bot.converse.question import Answer
from bot.report import words
from bot.report.reports import LONGEST, SHORTEST, WEEK, NotReported

_NAMED: Final = re.compile(
    r"\b(?:weekly |monthly )?reports?\b|\bmtt[ar]\b|\btime to (?:acknowledge|recover)\b"
    r"|\bsuccess rate\b|\btoil\b"
)
_SHORT: Final = re.compile(r"\b(?:night|yesterday|today|morning)\b")


def is_about_one(text: str) -> bool:
    """Say whether the words ask for figures of a while; a night is told one by one."""
    return _NAMED.search(text) is not None and not _SHORT.search(text)


def report(asked: Asked) -> Answer | None:
    """Return the report of the time that is named, the last week's where none is.

    None where the words name an incident: of one there is no report.
    """
    if asked.number is not None:
        return None
    span = span_in(asked.words)
    if span is None:
        span = timedelta(days=30) if "monthly" in asked.words else WEEK
    try:
        found = asked.sources.reports.of(min(max(span, SHORTEST), LONGEST))
    except NotReported as why:
        return Answer(text=str(why))
    title = words.title(found)
    told = [f"{name}: {said}" for name, said in words.lines(found)]
    png = asked.sources.reports.drawn(found)
    return Answer(
        text="\n".join([f"{title} ({words.span(found)}):", *told]),
        picture=Plot(title=title, png=png) if png else None,
    )
