"""`/sre VERB …`, and the same words after a mention. One method per verb."""

import difflib
from collections.abc import Callable, Mapping
from datetime import timedelta

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.model import Person
from handlers.actions import Body
from handlers.blocks import answers, dialogs
from handlers.blocks.card import card
from handlers.blocks.markup import Message, escaped
from handlers.client import NETWORK_ERRORS, failure_of
from handlers.desk import Desk, sender
from handlers.guard import Denied, Unverified
from handlers.reading import Reading
from handlers.request import (
    MENTIONED,
    TARGET,
    Request,
    first,
    is_span,
    lettered,
    number,
    span,
)
from remediation.decision import NotDecided
from remediation.printable import printable
from remediation.proposal import Proposal

VERBS: Mapping[str, str] = {
    "status [HOST]": "how the hosts are, what is open, what waits",
    "incidents [7d]": "what happened lately",
    "show 12": "one incident's card, and what the model did about it",
    "runbook [words]": "find and show a runbook; without words all titles",
    "postmortem 12": "a document about it, as a file in its thread",
    "take 12": "own it; escalation stops",
    "handover 12 @bob": "give it to somebody else",
    "escalate 12": "call the people on call",
    "approve 12b": "opens a dialog with the same facts; its Approve is the click",
    "reject 12b [why]": "reject at once",
    "simulate 12b": "what would happen now",
    "again 12": "measure anew and propose again",
    "undo 12": "put back a pause or a lowered priority",
    "kill HOST:PID": "ask for a process to be terminated; somebody else approves",
    "mute TARGET [2h]": "silence a host or condition",
    "unmute TARGET": "lift that",
    "lock WHY": "stop the whole bot, at once",
    "unlock": "free it",
    "chart WHAT [6h]": "a picture of a figure",
    "cost": "what the language model has cost",
    "help": "this list",
}
WORDS = tuple(usage.split()[0] for usage in VERBS)
CHANGES = frozenset(
    {
        "take", "handover", "escalate", "approve", "reject",
        "again", "undo", "kill", "mute", "unmute", "unlock",
    }
)  # fmt: skip
"""Verbs that count in the configured channel only. Anybody may lock from anywhere."""

DECIDES = CHANGES - {"approve"} | {"lock"}
"""Verbs that are acknowledged only when they are done; `approve` opens a dialog."""

BY_CLICK = frozenset({"approve", "reject", "undo"})
"""Verbs that a mention answers with the card's link."""


def register(app: App, desk: Desk) -> None:
    """Wire the slash command."""
    commands = Commands(desk)

    def listener(ack: Ack, body: Body, client: WebClient) -> None:
        text = str(body.get("text") or "")
        trigger = str(body.get("trigger_id") or "")

        def open_dialog(view: dict[str, object]) -> None:
            client.views_open(trigger_id=trigger, view=view)

        # What decides is durable before the ack; what looks may take its time.
        looks = text.lower().partition(" ")[0] not in DECIDES
        if looks:
            ack()
        answer = commands.answer(text, body, open_dialog)
        if not looks:
            ack()
        if answer is not None:
            desk.reply(body, answer)

    app.command(desk.command)(listener)


class Commands:
    """What each verb does. Raises `NotDecided` and `Denied`; `answer` words them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._reading = Reading(desk)
        self._verbs: Mapping[str, Callable[[Request], Message | None]] = {
            word: getattr(self, f"_{word}") for word in WORDS
        }

    def answer(
        self,
        text: str,
        body: Body,
        open_dialog: Callable[[dict[str, object]], None] | None,
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
        open_dialog: Callable[[dict[str, object]], None] | None,
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
        act = self._verbs.get(request.verb)
        if act is None:
            close = difflib.get_close_matches(request.verb, WORDS, n=1)
            hint = f"Did you mean *{close[0]}*?" if close else "Try *help*."
            shown = escaped(printable(request.verb, limit=40))
            return answers.plain(f"I do not know “{shown}”. {hint}")
        if request.verb in CHANGES and request.channel != self._desk.channel:
            raise NotDecided("this can be done in the incident channel only")
        if request.verb in BY_CLICK and request.open_dialog is None:
            # Words in a message never decide; they lead to the card.
            return self._to_the_card(request)
        answer = act(request)
        self._desk.telemetry.decided(request.verb, counted=True)
        return answer

    # --- look --------------------------------------------------------------------

    def _status(self, request: Request) -> Message:
        board = self._desk.status.board()
        if request.words:
            board = board.only(request.words[0])
        return answers.board(board)

    def _incidents(self, request: Request) -> Message:
        return answers.incident_list(
            self._desk.status.incidents(span(request.words, "7d"))
        )

    def _show(self, request: Request) -> Message:
        incident = self._desk.incident(number(request))
        drawn = card(incident, self._desk.proposals(incident.number))
        # The buttons stay on the card itself: a copy of them would decide nothing.
        blocks = tuple(b for b in drawn.blocks if b["type"] != "actions")
        link = self._link(incident.number)
        steps = self._reading.trace(incident.number)
        # A link that does not exist yet would be an empty block.
        linked = answers.plain(link).blocks if link else ()
        return Message(text=drawn.text, blocks=(*blocks, *steps, *linked))

    def _runbook(self, request: Request) -> Message:
        return self._reading.runbook(request.said)

    def _postmortem(self, request: Request) -> Message:
        return self._reading.postmortem(self._incident(request))

    def _cost(self, _request: Request) -> Message:
        return self._reading.cost()

    def _chart(self, request: Request) -> Message:
        known = self._desk.pictures.series()
        name = " ".join(w for w in request.words if not is_span(w))
        if name not in known:
            listed = (
                ", ".join(escaped(series) for series in known[:30]) or "nothing yet"
            )
            return answers.plain(f"I can draw: {listed}")
        spans = tuple(w for w in request.words if is_span(w))
        return self._draw(name, span(spans, "6h"), request)

    def _help(self, _request: Request) -> Message:
        return answers.help_text(self._desk.command, VERBS)

    # --- own ---------------------------------------------------------------------

    def _take(self, request: Request) -> Message:
        incident = self._desk.own.take(self._incident(request), request.who)
        return answers.plain(
            f"Incident {incident.number} is yours. {self._link(incident.number)}"
        )

    def _handover(self, request: Request) -> Message:
        found = (
            MENTIONED.fullmatch(request.words[1]) if len(request.words) > 1 else None
        )
        if found is None:
            raise NotDecided("say to whom: handover 12 @bob")
        other = self._desk.guard.person(found[1], request.team_id)
        self._desk.own.hand_over(self._incident(request), request.who, other)
        return answers.plain("Handed over.")

    def _escalate(self, request: Request) -> Message:
        self._desk.own.escalate(self._incident(request), request.who)
        return answers.plain("Escalated; the thread calls the people on call.")

    # --- decide ------------------------------------------------------------------

    def _approve(self, request: Request) -> Message | None:
        proposal = self._proposal(request)
        self._desk.decide.decidable(proposal.id, request.who)
        if request.open_dialog is None:
            return self._to_the_card(request)
        incident = self._desk.incident(proposal.incident)
        try:
            request.open_dialog(dialogs.approve(incident, proposal))
        except (SlackApiError, *NETWORK_ERRORS) as error:
            code = failure_of(error).error
            return answers.plain(
                f"The dialog could not be opened ({escaped(code)}). "
                f"Decide on the card: {self._link(proposal.incident)}"
            )
        return None

    def _reject(self, request: Request) -> Message:
        proposal = self._proposal(request)
        self._desk.decide.reject(proposal.id, request.who, None, why=request.rest)
        return answers.plain(f"Rejected {proposal.incident}{proposal.letter}.")

    def _simulate(self, request: Request) -> Message:
        return answers.simulation(
            self._desk.simulate.rehearse(self._proposal(request).id)
        )

    def _again(self, request: Request) -> Message:
        found = self._incident(request)
        made = self._desk.ask.again(found, request.who)
        words = "A new proposal is on the card." if made else "No action is possible."
        return answers.plain(f"{words} {self._link(found)}")

    def _undo(self, request: Request) -> Message:
        self._desk.decide.undo(number(request), request.who)
        return answers.plain("Undoing; the thread tells the outcome.")

    def _kill(self, request: Request) -> Message:
        found = TARGET.fullmatch(request.words[0]) if request.words else None
        if found is None:
            raise NotDecided("say which process: kill HOST:PID")
        proposal = self._desk.ask.kill(found[1], int(found[2]), request.who)
        name = f"{proposal.incident}{proposal.letter}"
        return answers.plain(f"Asked for as {name}. Somebody else must approve it.")

    # --- quiet -------------------------------------------------------------------

    def _mute(self, request: Request) -> Message:
        quiet = span(request.words[1:], "2h")
        named = first(request, "mute what?")
        here = named == self._desk.host
        target = named if here else self._desk.status.mutable(named)
        self._desk.own.mute(target, request.who, quiet)
        return answers.plain(f"Muted {escaped(target)}.")

    def _unmute(self, request: Request) -> Message:
        named = first(request, "unmute what?")
        target = f"{named}/" if named.count("/") == 1 else named
        self._desk.own.unmute(target, request.who)
        return answers.plain(f"Unmuted {escaped(target)}.")

    def _lock(self, request: Request) -> Message:
        why = printable(" ".join(request.words), limit=300)
        self._desk.own.lock(why or "no reason given", request.who)
        return answers.plain("Locked: nothing is signalled any more.")

    def _unlock(self, request: Request) -> Message:
        self._desk.own.unlock(request.who)
        return answers.plain("Unlocked.")

    # --- words -------------------------------------------------------------------

    def _incident(self, request: Request) -> int:
        return self._desk.incident(number(request)).number

    def _proposal(self, request: Request) -> Proposal:
        return self._desk.named(*lettered(request))

    def _to_the_card(self, request: Request) -> Message:
        found = self._desk.incident(lettered(request)[0]).number
        return answers.plain(f"Decide on the card. {self._link(found)}")

    def _link(self, number: int) -> str:
        link = self._desk.link(number)
        return f"<{link}|Open the card>" if link else ""

    def _draw(self, name: str, span: timedelta, request: Request) -> Message:
        picture = self._desk.pictures.of_series(name, span)
        if picture is None:
            return answers.plain("There are not enough points yet.")
        shown = self._desk.reply.picture(request.channel, picture, name)
        return answers.plain("Here it is." if shown else "Slack took no picture.")


def _known(verb: str) -> str:
    return verb if verb in WORDS else "unknown"
