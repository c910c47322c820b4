"""What each word of `/sre …` does: one method per verb, named like it.

The words stand in `verbs.py`; who gave them and whether they may is `slash.py`'s.
"""

from collections.abc import Callable, Mapping

from slack_sdk.errors import SlackApiError

from bot.charts.plots import NotDrawn, wanted
from bot.report import words
from bot.report.reports import NotReported, span_of
from bot.text.redact import fit_to_keep
from handlers.blocks import answers, dialogs
from handlers.blocks.card import card
from handlers.blocks.markup import Message, characters, escaped
from handlers.blocks.report import report
from handlers.client import NETWORK_ERRORS, failure_of
from handlers.desk import Desk
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
from handlers.verbs import VERBS, WORDS
from remediation.ledger.decision import NotDecided
from remediation.ledger.proposal import Proposal
from remediation.target.unit import Verb, is_service_name, unit_name


class Commands:
    """What each verb does. Methods raise `NotDecided` and `Denied`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._reading = Reading(desk)
        self.by_verb: Mapping[str, Callable[[Request], Message | None]] = {
            word: getattr(self, f"_{word}") for word in WORDS
        }

    def to_the_card(self, request: Request) -> Message:
        """Answer with the link to the card: words in a message never decide."""
        found = self._desk.incident(lettered(request)[0]).number
        return answers.plain(f"Decide on the card. {self._link(found)}")

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
        link = self._link(incident.number)
        # A link that does not exist yet would be an empty block.
        linked = answers.plain(link).blocks if link else ()
        more = (*self._reading.trace(incident.number), *linked)
        proposals = self._desk.proposals(incident.number)
        drawn = card(incident, proposals, beside=characters(more))
        # The buttons stay on the card itself: a copy of them would decide nothing.
        blocks = tuple(b for b in drawn.blocks if b["type"] != "actions")
        return Message(text=drawn.text, blocks=(*blocks, *more))

    def _runbook(self, request: Request) -> Message:
        return self._reading.runbook(request.said)

    def _postmortem(self, request: Request) -> Message:
        return self._reading.postmortem(self._incident(request))

    def _cost(self, _request: Request) -> Message:
        return self._reading.cost()

    def _report(self, request: Request) -> Message:
        try:
            found = self._desk.reports.of(span_of(request.words))
        except NotReported as why:
            return answers.plain(escaped(str(why)))
        png = self._desk.reports.drawn(found)
        if png is not None:
            self._desk.reply.picture(request.channel, png, words.title(found))
        return report(found)

    def _chart(self, request: Request) -> Message:
        try:
            plot = self._desk.plots.draw(wanted(request.typed))
        except NotDrawn as why:
            return answers.plain(escaped(str(why)))
        shown = self._desk.reply.picture(request.channel, plot.png, plot.title)
        return answers.plain("Here it is." if shown else "Slack took no picture.")

    def _help(self, _request: Request) -> Message:
        return answers.help_text(self._desk.command, VERBS)

    # --- own ---------------------------------------------------------------------

    def _take(self, request: Request) -> Message:
        incident = self._desk.own.take(self._incident(request), request.who)
        return answers.plain(
            f"Incident {incident.number} is yours. {self._link(incident.number)}"
        )

    def _handover(self, request: Request) -> Message:
        found = MENTIONED.fullmatch(request.words[-1]) if request.words else None
        if found is None:
            raise NotDecided("say to whom: handover 12 @bob, or handover @bob for all")
        other = self._desk.guard.person(found[1], request.team_id)
        if request.words[1:]:
            self._desk.own.hand_over(self._incident(request), request.who, other)
            return answers.plain("Handed over.")
        return answers.handed(self._desk.handover.all(request.who, other))

    def _escalate(self, request: Request) -> Message:
        self._desk.own.escalate(self._incident(request), request.who)
        return answers.plain("Escalated; the thread calls the people on call.")

    # --- decide ------------------------------------------------------------------

    def _approve(self, request: Request) -> Message | None:
        proposal = self._proposal(request)
        self._desk.decide.decidable(proposal.id, request.who)
        if request.open_dialog is None:
            return self.to_the_card(request)
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
        return _asked(self._desk.ask.kill(found[1], int(found[2]), request.who))

    def _restart(self, request: Request) -> Message:
        return self._operate(Verb.RESTART, request)

    def _start(self, request: Request) -> Message:
        return self._operate(Verb.START, request)

    def _stop(self, request: Request) -> Message:
        return self._operate(Verb.STOP, request)

    def _reload(self, request: Request) -> Message:
        return self._operate(Verb.RELOAD, request)

    def _operate(self, verb: Verb, request: Request) -> Message:
        name, *rest = request.words or [""]
        if not is_service_name(unit_name(name)) or rest[1:]:
            raise NotDecided(f"say which service: {verb} nginx [HOST]")
        host = rest[0] if rest else self._desk.host
        return _asked(self._desk.ask.operate(host, verb, name, request.who))

    def _drill(self, request: Request) -> Message:
        self._desk.drill.ask(request.who)
        return answers.plain(
            "The drill begins: its card comes within a few seconds, is marked as a drill, "
            "and calls nobody. If none comes, my log says why."
        )

    # --- quiet -------------------------------------------------------------------

    def _mute(self, request: Request) -> Message:
        quiet = span(request.words[1:], "2h")
        named = first(request, "mute what?")
        here = named == self._desk.host
        target = named if here else self._desk.status.mutable(named)
        self._desk.silence.mute(target, request.who, quiet)
        return answers.plain(f"Muted {escaped(target)}.")

    def _unmute(self, request: Request) -> Message:
        named = first(request, "unmute what?")
        target = f"{named}/" if named.count("/") == 1 else named
        self._desk.silence.unmute(target, request.who)
        return answers.plain(f"Unmuted {escaped(target)}.")

    def _maintenance(self, request: Request) -> Message:
        silence, words = self._desk.silence, request.words
        if not words:
            return answers.maintenance(self._desk.status.board())
        if words[1:] == ("end",):
            target = silence.end_maintenance(words[0], request.who)
            return answers.maintenance_ended(target, request.who.id)
        if not words[1:] or not is_span(words[1]):
            raise NotDecided("say how long and why: maintenance web-1 2h new kernel")
        lasts = span(words[1:], "")
        why = fit_to_keep(" ".join(words[2:]), limit=300)
        begun = silence.begin_maintenance(words[0], request.who, lasts, why)
        return answers.maintenance_begun(begun)

    def _lock(self, request: Request) -> Message:
        why = fit_to_keep(" ".join(request.words), limit=300)
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

    def _link(self, number: int) -> str:
        link = self._desk.link(number)
        return f"<{link}|Open the card>" if link else ""


def _asked(proposal: Proposal) -> Message:
    name = f"{proposal.incident}{proposal.letter}"
    return answers.plain(f"Asked for as {name}. Somebody else must approve it.")
