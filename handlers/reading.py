"""The verbs that only read what is known: costs, runbooks, postmortems, traces."""

from bot.learning.postmortems import NotKept, Written
from bot.runtime import tracing
from handlers.blocks import answers, runbook
from handlers.blocks.cost import cost
from handlers.blocks.markup import Message, escaped
from handlers.blocks.trace import trace
from handlers.channel import File
from handlers.crew import Crew, Full
from handlers.desk import Desk
from handlers.reply import Spoken

FOUND = 6
"""So many runbooks are looked for; the first is shown, the others are named."""


class Reading:
    """Answers from the record and the shelf; changes nothing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # A document may wait for a model, and clicks need the listeners' threads.
        failed = desk.telemetry.failed
        self._crew = Crew("documents", failed=failed, hands=1, waiting=8)

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
        """Have the document written; it comes into the incident's thread."""
        title = f"Postmortem of incident {number}"
        posting = self._desk.posting(number)
        if posting is None or posting.ts is None:
            return answers.plain(f"{title}: it has no card yet. Ask again soon.")
        thread = Spoken(channel=posting.channel, thread_ts=posting.ts, user="")
        try:
            self._crew.take(lambda: self._write(number, title, thread))
        except Full:
            return answers.plain(f"{title}: others are being written. Ask again soon.")
        link = posting.permalink
        card = f" <{link}|Open the card>" if link else ""
        said = f"{title} is being written; it comes into the thread.{card}"
        return answers.plain(said)

    def _write(self, number: int, title: str, thread: Spoken) -> None:
        written = self._desk.postmortems.write(number)
        file = File(name=written.name, title=title, content=written.text.encode())
        if not self._desk.reply.file(file, thread.channel, thread.thread_ts):
            said = answers.plain(self._keep(written))
            self._desk.reply.in_thread(thread, said)

    def _keep(self, written: Written) -> str:
        title = f"Postmortem of incident {written.incident}"
        try:
            place = self._desk.postmortems.keep(written)
        except NotKept as why:
            return (
                f"{title} could not be uploaded, nor saved ({escaped(str(why))}). "
                "Ask again when Slack takes files or the disk has room."
            )
        return (
            f"{title} could not be uploaded. It was saved on "
            f"{escaped(self._desk.host)}, in the bot's state folder: {escaped(place)}"
        )
