"""`/sre VERB …`, and the same words after a mention: read, allowed, carried out, answered.

Which verbs there are says `verbs.py`, what each does `commands.py`.
"""

from collections.abc import Callable

from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.person import Person
from handlers.actions import Body
from handlers.blocks import answers
from handlers.blocks.markup import Message, escaped
from handlers.commands import Commands
from handlers.desk import Desk, sender
from handlers.guard import Denied, Unverified
from handlers.patience import Patience
from handlers.request import Request
from handlers.verbs import ASKS, BY_CLICK, CHANGES, DECIDES, WORDS, nearest
from remediation.ledger.decision import NotDecided
from remediation.printable import printable

OpenDialog = Callable[[dict[str, object]], None]


def register(app: App, desk: Desk) -> None:
    """Wire the slash command."""
    slash = Slash(desk)
    patience = Patience()

    def listener(ack: Ack, body: Body, client: WebClient) -> None:
        text = str(body.get("text") or "")
        trigger = str(body.get("trigger_id") or "")

        def open_dialog(view: dict[str, object]) -> None:
            client.views_open(trigger_id=trigger, view=view)

        verb = text.lower().partition(" ")[0]
        if verb in ASKS:
            answer = patience.run(ack, lambda: slash.answer(text, body, open_dialog))
        else:
            # What decides is durable before the ack; what looks may take its time.
            if verb not in DECIDES:
                ack()
            answer = slash.answer(text, body, open_dialog)
            if verb in DECIDES:
                ack()
        if answer is not None:
            desk.reply(body, answer)

    app.command(desk.command)(listener)


class Slash:
    """Carries out commands. Raises `NotDecided` and `Denied`; `answer` words them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._commands = Commands(desk)

    def answer(
        self,
        text: str,
        body: Body,
        open_dialog: OpenDialog | None,
    ) -> Message | None:
        """Carry out one command and return what to say to the person."""
        try:
            return self.carry_out(text, body, open_dialog)
        except (Denied, NotDecided) as refusal:
            return self.refusal(text, refusal)

    def carry_out(
        self,
        text: str,
        body: Body,
        open_dialog: OpenDialog | None,
    ) -> Message | None:
        """Carry out one command; raise `Denied` or `NotDecided`."""
        verb, *words = text.split() or ["help"]
        verb = verb.lower()
        request = Request(
            verb=verb,
            words=tuple(words),
            who=self._who(verb, body),
            channel=str(body.get("channel_id") or ""),
            team_id=str(body.get("team_id") or ""),
            open_dialog=open_dialog,
        )
        return self._run(request)

    def refusal(self, text: str, refusal: Denied | NotDecided) -> Message:
        """Word why a command did not count, for whoever gave it."""
        if isinstance(refusal, Denied):
            who_may = self._desk.guard.who_may()
            return answers.refused(refusal.reason, who_may=who_may)
        verb = text.lower().partition(" ")[0]
        self._desk.telemetry.decided(_known(verb), counted=False)
        may = self._desk.guard.who_may() if "approver" in refusal.reason else ()
        return answers.refused(refusal.reason, by=refusal.by, who_may=may)

    def _who(self, verb: str, body: Body) -> Person:
        try:
            return self._desk.person(body)
        except Unverified:
            user_id, _team = sender(body)
            if verb != "lock" or user_id is None:
                raise
            # Stopping is the safe choice: it must work while Slack verifies nobody.
            return Person(id=user_id, is_approver=False)

    def _run(self, request: Request) -> Message | None:
        act = self._commands.by_verb.get(request.verb)
        if act is None:
            meant = nearest(request.verb)
            hint = f"Did you mean *{meant}*?" if meant else "Try *help*."
            shown = escaped(printable(request.verb, limit=40))
            return answers.plain(f"I do not know “{shown}”. {hint}")
        if request.verb in CHANGES and request.channel != self._desk.channel:
            raise NotDecided("this can be done in the incident channel only")
        if request.verb in BY_CLICK and request.open_dialog is None:
            # Words in a message never decide; they lead to the card.
            return self._commands.to_the_card(request)
        answer = act(request)
        self._desk.telemetry.decided(request.verb, counted=True)
        return answer


def _known(verb: str) -> str:
    return verb if verb in WORDS else "unknown"
