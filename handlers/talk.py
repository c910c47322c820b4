"""Questions in words: who asks is verified, the answer goes into the thread.

The work happens in threads of its own, so that the event is acknowledged at once and
the listeners stay free for clicks.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from slack_sdk import WebClient

from bot.charts.plots import NotDrawn, Plot, Wanted
from bot.converse.converse import Converse
from bot.converse.question import Answer, Chart, Question
from bot.converse.threads import Threads
from bot.person import Person
from bot.runtime.loop import attempt
from bot.storage import store
from handlers.blocks import answers
from handlers.blocks.markup import escaped
from handlers.channel import File
from handlers.crew import Crew, Full
from handlers.desk import Desk
from handlers.guard import Denied
from handlers.reply import Spoken
from handlers.stream import Stream

_LOOKING: Final = "is looking …"
_BUSY: Final = "I am answering as many questions as I can. Ask again in a minute."
_FAILED: Final = (
    "Something failed on my side, so this has no answer. "
    "Ask again; if it stays, look at my log."
)
_NO_PICTURE: Final = "Slack took no picture."

Once = Callable[[str], AbstractContextManager[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A question as it arrived. team_id: of the person; text: without the mention."""

    event_id: str
    spoken: Spoken
    team_id: str | None
    text: str


class Talk:
    """Answers questions. once: says whether an event is new (`mentions.Seen`)."""

    def __init__(
        self, client: WebClient, desk: Desk, converse: Converse, once: Once
    ) -> None:
        self._desk = desk
        self._converse = converse
        self._once = once
        self._stream = Stream(client)
        self._threads = Threads()
        self._crew = Crew("talk", failed=desk.telemetry.failed)

    def hear(self, heard: Heard) -> None:
        """Have it answered; returns at once. Too many at a time are told so."""
        try:
            self._crew.take(lambda: self._attend(heard))
        except Full:
            self._desk.reply.aside(heard.spoken, answers.plain(_BUSY))

    def _attend(self, heard: Heard) -> None:
        with self._once(heard.event_id) as is_new:
            if not is_new:
                return
            answered = attempt(
                lambda: self._answered(heard),
                instead=False,
                name="talk",
                failed=self._desk.telemetry.failed,
            )
            if not answered:
                self._stream.status(heard.spoken, "")
                self._desk.reply.aside(heard.spoken, answers.plain(_FAILED))

    def _answered(self, heard: Heard) -> bool:
        self._answer(heard)
        return True

    def _answer(self, heard: Heard) -> None:
        spoken = heard.spoken
        try:
            person = self._desk.guard.person(spoken.user, heard.team_id)
        except Denied as denied:
            # Refusals stay out of the thread.
            self._desk.reply.aside(spoken, answers.not_answered(denied.reason))
            return
        self._stream.status(spoken, _LOOKING)
        question = self._question(heard, person)
        answer = self._converse.answer(question)
        self._threads.add(_key(spoken), question, answer)
        self._say(heard, answer)
        if answer.chart is not None:
            self._draw(spoken, answer.chart)
        if answer.picture is not None:
            self._show(spoken, answer.picture)

    def _question(self, heard: Heard, person: Person) -> Question:
        spoken = heard.spoken
        with self._desk.database.read() as tx:
            incident = store.by_message(tx, spoken.channel, spoken.thread_ts)
        return Question(
            text=heard.text,
            person=person,
            incident=incident,
            thread=self._threads.of(_key(spoken)),
        )

    def _say(self, heard: Heard, answer: Answer) -> None:
        link = self._desk.link(answer.card) if answer.card is not None else ""
        below = answers.below(answer, link)
        pieces = answers.pieces(answer)
        team_id = heard.team_id or ""
        if self._stream.say(heard.spoken, team_id, pieces, below):
            return
        self._desk.reply.in_thread(heard.spoken, answers.said(answer, link))

    def _draw(self, spoken: Spoken, chart: Chart) -> None:
        wanted = Wanted(expr=chart.series, span=chart.span, host=chart.host)
        try:
            plot = self._desk.plots.draw(wanted)
        except NotDrawn as why:
            self._desk.reply.in_thread(spoken, answers.plain(escaped(str(why))))
            return
        self._show(spoken, plot)

    def _show(self, spoken: Spoken, plot: Plot) -> None:
        file = File(name="chart.png", title=plot.title, content=plot.png)
        if not self._desk.reply.file(file, spoken.channel, spoken.thread_ts):
            self._desk.reply.in_thread(spoken, answers.plain(_NO_PICTURE))


def _key(spoken: Spoken) -> str:
    return f"{spoken.channel} {spoken.thread_ts}"
