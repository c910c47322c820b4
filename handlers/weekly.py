"""The report of the last seven days, posted once a week where the team wants it.

What is about to be posted is noted first. A bot that ended between the post and the note
that it was posted looks for it in Slack before it posts again.
"""

import logging
from datetime import date

from slack_sdk.errors import SlackApiError

from bot.report import words
from bot.report.figures import Report
from bot.report.reports import WEEK, NotReported, Reports
from bot.storage import store
from bot.storage.record import Record
from handlers.blocks.report import report
from handlers.channel import Again, Channel, File

log = logging.getLogger(__name__)

_KEY = "report told"
_SENT, _TOLD = "sent", "told"


class Weekly:
    """Posts it; `step` is called each minute."""

    def __init__(self, *, channel: Channel, record: Record, reports: Reports) -> None:
        self._channel = channel
        self._database = record.database
        self._clock = record.clock
        self._reports = reports
        self._told: date | None = None

    def step(self) -> None:
        """Post the report if its time has come and it was not posted yet."""
        due = self._reports.section.weekly.due(self._clock.now().wall)
        if due is None or due.date() == self._told:
            return
        day = due.date()
        with self._database.read() as tx:
            noted = store.recall(tx, _KEY)
        if noted != f"{day} {_TOLD}":
            try:
                self._tell(day, was_sent=noted == f"{day} {_SENT}")
            except (Again, SlackApiError, NotReported) as error:
                log.warning("report.not_told error=%s", error)
                return
        self._told = day

    def _tell(self, day: date, *, was_sent: bool) -> None:
        name = f"report-{day}"
        found = self._channel.find(name, thread_ts=None) if was_sent else None
        if found is None:
            made = self._reports.of(WEEK)
            self._note(day, _SENT)
            found = self._channel.post(report(made, block_id=name))
            self._note(day, _TOLD)
            self._draw(made, name, found)
        else:
            self._note(day, _TOLD)

    def _draw(self, made: Report, name: str, thread_ts: str) -> None:
        """Put the chart below it; without a picture the report stands all the same."""
        png = self._reports.drawn(made)
        if png is not None:
            file = File(name=f"{name}.png", title=words.title(made), content=png)
            self._channel.upload(file, thread_ts)

    def _note(self, day: date, state: str) -> None:
        with self._database.write() as tx:
            store.remember(tx, _KEY, f"{day} {state}")
