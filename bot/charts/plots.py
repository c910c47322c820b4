"""What a person wants to see, drawn: a figure of this host, or PromQL over a while.

It reads only. PromQL goes to the server as the person wrote it, with that server's own
timeout and the bot's limits of series and bytes; two at once, so that nobody's curiosity
keeps a server from the rounds.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, assert_never

from bot.charts.drawing import drawing
from bot.charts.many import ManyRequest, chart_of_many
from bot.charts.one import chart
from bot.charts.pictures import Pictures
from bot.charts.request import ChartRequest
from bot.config.durations import parse_duration
from bot.config.prometheus import Rule
from bot.ports import Clock
from bot.prometheus.answer import QuestionRefused, Series, ServerSilent, finite
from bot.prometheus.related import BASICS
from bot.prometheus.selector import of_host_only
from bot.prometheus.server import Server
from bot.text.redact import fit_to_keep
from bot.text.words import seconds

LONGEST: Final = timedelta(days=31)
DEFAULT: Final = timedelta(hours=6)
_POINTS: Final = 120
_AT_ONCE: Final = 2
_HOST: Final = "instance"
_SPAN: Final = re.compile(r"\d+(?:\.\d+)?[smhd]")
_BYTES: Final = re.compile(r"[a-zA-Z_:][\w:]*_bytes(?:\{.*\})?")


class NotDrawn(Exception):
    """There is no picture; its text says why, in words for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be drawn. host, server: "" where none is named."""

    expr: str
    span: timedelta = DEFAULT
    host: str = ""
    server: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A picture and what it is called."""

    title: str
    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What a server is asked. title: of the picture. label: the one that names hosts."""

    server: Server
    expr: str
    title: str
    label: str = _HOST
    unit: str = ""
    rule: Rule | None = None


def wanted(words: Sequence[str]) -> Wanted:
    """Read `[SERVER:] EXPR [6h] [HOST]`; raise `NotDrawn` for a time that is none.

    A host stands behind a time only: before it nobody could tell it from PromQL.

    >>> wanted(["rate(x[5m])", "2h", "web-7"]).host
    'web-7'
    """
    said, host, span = list(words), "", DEFAULT
    if len(said) > 2 and _is_span(said, -2):
        host = said.pop()
    if len(said) > 1 and _is_span(said, -1):
        span = _span(said.pop())
    server = said.pop(0)[:-1] if said[1:] and said[0].endswith(":") else ""
    return Wanted(expr=" ".join(said), span=span, host=host, server=server)


def _is_span(words: Sequence[str], place: int) -> bool:
    is_offset = words[place - 1].lower() == "offset"
    return _SPAN.fullmatch(words[place]) is not None and not is_offset


def _span(word: str) -> timedelta:
    try:
        span = parse_duration(word)
    except ValueError as error:
        raise NotDrawn(str(error)) from error
    if not timedelta(minutes=1) <= span <= LONGEST:
        raise NotDrawn(f"A chart covers between 1 min and {LONGEST.days} days.")
    return span


class Plots:
    """Draws what is wanted. host: what people call the bot's own host."""

    def __init__(
        self,
        *,
        host: str,
        clock: Clock,
        pictures: Pictures,
        servers: Mapping[str, Server],
        rules: Sequence[tuple[Rule, Server]] = (),
    ) -> None:
        self._host = host
        self._clock = clock
        self.pictures = pictures
        self._servers = servers
        self._rules = {rule.name: (rule, server) for rule, server in rules}
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def knows(self, name: str) -> bool:
        """Say whether a figure of another host has this name: a rule's or a basic's."""
        basics = {basic.name for basic in BASICS} if self._servers else set()
        return name in basics or name in self._rules

    def draw(self, what: Wanted) -> Plot:
        """Return the picture; raise `NotDrawn`."""
        is_own = what.host in ("", self._host) and not what.server
        if is_own and what.expr in self.pictures.series():
            png = self.pictures.of_series(what.expr, what.span)
            if png is None:
                raise NotDrawn("There are not enough points yet.")
            return Plot(title=what.expr, png=png)
        if not what.expr or not self._servers:
            listed = ", ".join(self.pictures.series()[:30]) or "nothing yet"
            raise NotDrawn(f"I can draw: {listed}")
        with self._one_of_few():
            asked = self.asked(what)
            match asked:
                case ChartRequest():
                    return Plot(title=asked.title, png=chart(asked))
                case ManyRequest():
                    return Plot(title=asked.title, png=chart_of_many(asked))
                case _:
                    assert_never(asked)

    def asked(self, what: Wanted) -> ChartRequest | ManyRequest:
        """Ask a server and return what is to be drawn; raise `NotDrawn`."""
        question = self._question(what)
        found = self._found(question, what)
        title = fit_to_keep(question.title, limit=200)
        return drawing(
            found,
            title=title,
            unit=question.unit,
            label=question.label,
            until=self._clock.now().wall,
            limits=question.rule.limits if question.rule else None,
        )

    @contextmanager
    def _one_of_few(self) -> Iterator[None]:
        if not self._room.acquire(blocking=False):
            raise NotDrawn("Other charts are being drawn. Ask again in a moment.")
        try:
            yield
        finally:
            self._room.release()

    def _question(self, what: Wanted) -> _Question:
        if what.expr in self._rules and not what.server:
            rule, server = self._rules[what.expr]
            made = _Question(
                server=server,
                expr=rule.expr,
                title=what.expr,
                label=rule.host,
                unit=rule.unit,
                rule=rule,
            )
            return _narrowed(made, what.host)
        server = self._server(what.server)
        basic = next((b for b in BASICS if b.name == what.expr), None)
        if basic is not None and what.host:
            expr = basic.of_host(_HOST, what.host)
            title = f"{basic.label} of {fit_to_keep(what.host, limit=63)}"
            return _Question(server=server, expr=expr, title=title, unit=basic.unit)
        unit = "B" if _BYTES.fullmatch(what.expr) else ""
        made = _Question(server=server, expr=what.expr, title=what.expr, unit=unit)
        return _narrowed(made, what.host)

    def _server(self, name: str) -> Server:
        found = self._servers.get(name)
        if found is None and not name and len(self._servers) == 1:
            (found,) = self._servers.values()
        if found is None:
            known = ", ".join(f"{one}:" for one in self._servers)
            raise NotDrawn(f"Say which Prometheus to ask, before the rest: {known}")
        return found

    def _found(self, question: _Question, what: Wanted) -> list[Series]:
        name = question.server.name
        until = self._clock.now().wall
        since, step = until - what.span, what.span / _POINTS
        try:
            told = question.server.range(question.expr, since, until, step)
        except (ServerSilent, QuestionRefused) as error:
            raise NotDrawn(f"Prometheus {name} was asked, and {error}.") from error
        found = [series for series in map(finite, told) if series.points]
        if not found:
            of = f" of {fit_to_keep(what.host, limit=63)}" if what.host else ""
            raise NotDrawn(
                f"Prometheus {name} has no figures for it{of} in the last "
                f"{seconds(what.span)}."
            )
        return found


def _narrowed(question: _Question, host: str) -> _Question:
    if not host:
        return question
    expr = of_host_only(question.expr, question.label, host)
    return replace(question, expr=expr, title=f"{question.title} of {host}")
