"""How the series of one answer are drawn: alone, or together and named. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.charts.many import MOST, Curve, ManyRequest
from bot.charts.request import ChartRequest, limit_lines
from bot.measuring.series import host_named
from bot.model import Limits
from bot.prometheus.answer import Series
from bot.text.redact import fit_to_keep

_WORD: Final = 40


def drawing(
    found: Sequence[Series],
    *,
    title: str,
    unit: str,
    label: str,
    until: datetime,
    limits: Limits | None = None,
) -> ChartRequest | ManyRequest:
    """Return what is to be drawn of at least one series, each with a point.

    Of too many those are drawn that came nearest to trouble. label: the one that names
    hosts. until: the right edge, so that a series that ended is seen to have.
    """
    one = ChartRequest(
        title=title,
        unit=unit,
        points=found[0].points,
        warning=limits.warning if limits else None,
        critical=limits.critical if limits else None,
        until=until,
    )
    if len(found) == 1:
        return one
    names = names_of([series.labels for series in found], host=label)
    above = limits is None or limits.above
    order = sorted(range(len(found)), key=lambda n: _peak(found[n], above=above))
    drawn = order[-MOST:]
    return ManyRequest(
        title=title,
        unit=unit,
        curves=tuple(Curve(name=names[n], points=found[n].points) for n in drawn),
        since=min(series.points[0][0] for series in found),
        until=until,
        more=len(found) - len(drawn),
        limits=tuple(limit_lines(one)),
    )


def names_of(labels: Sequence[Mapping[str, str]], *, host: str) -> list[str]:
    """Return a name for each; host: the label that names hosts, which comes first.

    Its port is left out where the names stay different without it.

    >>> one = {"instance": "web-7:9100", "job": "node"}
    >>> names_of([one, {**one, "instance": "web-8:9100"}], host="instance")
    ['web-7', 'web-8']
    """
    keys = sorted({key for one in labels for key in one})
    differing = [k for k in keys if len({one.get(k, "") for one in labels}) > 1]
    ordered = sorted(differing, key=lambda key: (key != host, key))
    short = [_name(one, ordered, bare=host) for one in labels]
    if len(set(short)) == len(short):
        return short
    return [_name(one, ordered, bare="") for one in labels]


def _name(labels: Mapping[str, str], keys: Sequence[str], *, bare: str) -> str:
    told = ((key, labels.get(key, "")) for key in keys)
    words = [host_named(value) if key == bare else value for key, value in told]
    named = (fit_to_keep(word, limit=_WORD) for word in words)
    return " ".join(filter(None, named)) or "no labels"


def _peak(series: Series, *, above: bool) -> float:
    values = [value for _, value in series.points]
    return max(values) if above else -min(values)
