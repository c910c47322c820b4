"""The verbs that only read what is known: costs, runbooks, postmortems, traces."""

from bot import tracing
from bot.reports import NotKept
from handlers.blocks import answers, runbook
from handlers.blocks.cost import cost
from handlers.blocks.markup import Message, escaped
from handlers.blocks.trace import trace
from handlers.channel import File
from handlers.desk import Desk

FOUND = 6
"""So many runbooks are looked for; the first is shown, the others are named."""


class Reading:
    """Answers from the record and the shelf; changes nothing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def cost(self) -> Message:
        """Tell what the language model has cost."""
        return cost(self._desk.purse.spending())

    def runbook(self, words: str) -> Message:
        """Show the runbook for the words; without words all titles."""
        if not words.strip():
            return runbook.titles(self._desk.shelf.pages(), self._desk.command)
        found = self._desk.shelf.find(words, limit=FOUND)
        if not found:
            return answers.plain(f"No runbook was found for “{escaped(words)}”.")
        return runbook.page(found[0], [match.page for match in found[1:]])

    def trace(self, number: int) -> list[dict[str, object]]:
        """Return what the model did for an incident, step by step, as blocks."""
        with self._desk.database.read() as tx:
            return trace(tracing.steps(tx, number))

    def postmortem(self, number: int) -> Message:
        """Put the document into the incident's thread; where that fails, on disk."""
        report = self._desk.reports.write(number)
        title = f"Postmortem of incident {number}"
        file = File(name=report.name, title=title, content=report.text.encode())
        posting = self._desk.posting(number)
        if posting is not None and posting.ts is not None:
            thread = posting.channel, posting.ts
            if self._desk.reply.file(file, *thread):
                link = f"<{posting.permalink}|Open the card>" * bool(posting.permalink)
                return answers.plain(f"{title} is in the incident's thread. {link}")
        try:
            place = self._desk.reports.keep(report)
        except NotKept as why:
            return answers.plain(
                f"{title} could not be uploaded, nor saved ({escaped(str(why))}). "
                "Ask again when Slack takes files or the disk has room."
            )
        return answers.plain(
            f"{title} could not be uploaded into the thread. It was saved on "
            f"{escaped(self._desk.host)}, in the bot's state folder: {escaped(place)}"
        )
