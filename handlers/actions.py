"""Clicks. Each listener: verify the person, decide durably, ack, then answer."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.origin import Origin
from bot.person import Person
from handlers.blocks import answers, dialogs
from handlers.blocks.markup import Message, escaped
from handlers.client import NETWORK_ERRORS, failure_of
from handlers.desk import Desk, opaque, origin_of
from handlers.guard import Denied
from handlers.patience import Patience
from remediation.ledger.decision import NotDecided

Body = dict[str, object]
Click = Callable[[str, Person, Origin], Message | None]
Draw = Callable[[str, Person, Origin], dict[str, object]]
"""Returns the dialog that a button opens; raises `NotDecided`."""
HOUR = timedelta(hours=1)


def register(app: App, desk: Desk) -> None:
    """Wire every button of a card."""
    clicks = Clicks(desk)
    verbs: dict[str, Click] = {
        "approve": clicks.approve,
        "reject": clicks.reject,
        "take": clicks.take,
        "undo": clicks.undo,
        "menu": clicks.menu,
    }
    for action_id, click in verbs.items():
        listen(app, desk, action_id, click)
    patience = Patience()
    looks(app, desk, "simulate", clicks.simulate, patience)
    looks(app, desk, "again", clicks.again, patience)
    opens(app, desk, "say_why", _say_why(desk))
    opens(app, desk, "break_glass", _break_glass(desk))


def listen(app: App, desk: Desk, action_id: str, click: Click) -> None:
    """Wire a button that decides: acknowledged only when it is done."""

    def listener(ack: Ack, body: Body) -> None:
        answer = decided(desk, action_id, body, click)
        # Only now: what was decided is durable, what was refused is explained.
        ack()
        if answer is not None:
            desk.reply(body, answer)

    app.action(action_id)(listener)


def looks(
    app: App, desk: Desk, action_id: str, click: Click, patience: Patience
) -> None:
    """Wire a button that looks at the host, and decides nothing."""

    def listener(ack: Ack, body: Body) -> None:
        answer = patience.run(ack, lambda: decided(desk, action_id, body, click))
        if answer is not None:
            desk.reply(body, answer)

    app.action(action_id)(listener)


def opens(app: App, desk: Desk, action_id: str, draw: Draw) -> None:
    """Wire a button that opens a dialog."""

    def listener(ack: Ack, body: Body, client: WebClient) -> None:
        # Nothing is decided by opening a dialog, so Slack need not wait for it.
        ack()
        trigger = str(body.get("trigger_id") or "")
        answer = decided(desk, action_id, body, _opening(client, trigger, draw))
        if answer is not None:
            desk.reply(body, answer)

    app.action(action_id)(listener)


def _opening(client: WebClient, trigger: str, draw: Draw) -> Click:
    def click(value: str, who: Person, origin: Origin) -> Message | None:
        view = draw(value, who, origin)
        try:
            client.views_open(trigger_id=trigger, view=view)
        except (SlackApiError, *NETWORK_ERRORS) as error:
            code = escaped(failure_of(error).error)
            return answers.plain(f"The dialog could not be opened ({code}). Try again.")
        return None

    return click


def _say_why(desk: Desk) -> Draw:
    def draw(value: str, _who: Person, _origin: Origin) -> dict[str, object]:
        with desk.database.read() as tx:
            return dialogs.say_why(desk.ledger.get(tx, value))

    return draw


def _break_glass(desk: Desk) -> Draw:
    def draw(value: str, who: Person, origin: Origin) -> dict[str, object]:
        incident = desk.incident(desk.on_card(origin))
        with desk.database.read() as tx:
            proposal = desk.ledger.get(tx, value)
        if proposal.incident != incident.number:
            raise NotDecided("this button does not stand on the card it was made for")
        desk.decide.decidable(value, who, alone=True)
        return dialogs.break_glass(incident, proposal)

    return draw


class Clicks:
    """One method per button: its value, the person, the message it stands on."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def approve(self, value: str, who: Person, origin: Origin) -> Message | None:
        """Count the vote; the card tells the rest."""
        missing = self._desk.decide.approve(value, who, origin).missing
        return answers.plain(f"Counted. {missing} more needed.") if missing else None

    def reject(self, value: str, who: Person, origin: Origin) -> Message | None:
        """Reject at once, then offer to say why."""
        return answers.rejected(self._desk.decide.reject(value, who, origin).proposal)

    def simulate(self, value: str, _who: Person, _origin: Origin) -> Message | None:
        """Show the clicker what would happen now."""
        return answers.simulation(self._desk.simulate.rehearse(value))

    def take(self, _value: str, who: Person, origin: Origin) -> Message | None:
        """Own the incident."""
        self._desk.own.take(self._desk.on_card(origin), who)
        return None

    def again(self, _value: str, who: Person, origin: Origin) -> Message | None:
        """Measure anew and propose with new ids."""
        made = self._desk.ask.again(self._desk.on_card(origin), who)
        return None if made else answers.plain("Measured anew: no action is possible.")

    def undo(self, value: str, who: Person, origin: Origin) -> Message | None:
        """Put back what this action changed, if it is still the last."""
        self._desk.decide.undo(self._desk.on_card(origin), who, of=value)
        return None

    def menu(self, value: str, who: Person, origin: Origin) -> Message | None:
        """Do what was chosen from the card's menu."""
        verb, _, argument = value.partition(" ")
        number = self._desk.on_card(origin)
        match verb:
            case "choose":
                self._desk.decide.choose(argument, who, origin)
            case "mute":
                self._desk.silence.mute_incident(number, who, HOUR)
            case "escalate":
                self._desk.own.escalate(number, who)
            case "false_alarm":
                self._desk.own.false_alarm(number, who)
            case "expected":
                return answers.declared(self._desk.status.declaration(number))
            case _:
                raise NotDecided("this menu entry is not known here")
        return None


def decided(desk: Desk, verb: str, body: Body, click: Click) -> Message | None:
    """Run one click; a refusal becomes an answer for the clicker alone."""
    try:
        who = desk.person(body)
        answer = click(value_of(body), who, origin_of(body))
    except Denied as denied:
        desk.telemetry.decided(verb, counted=False)
        return answers.refused(denied.reason, who_may=desk.guard.who_may())
    except NotDecided as refusal:
        desk.telemetry.decided(verb, counted=False)
        may = desk.guard.who_may() if "approver" in refusal.reason else ()
        return answers.refused(refusal.reason, by=refusal.by, who_may=may)
    desk.telemetry.decided(verb, counted=True)
    return answer


def value_of(body: Mapping[str, object]) -> str:
    """Return the clicked button's value, or the chosen option's; "" if odd."""
    actions = body.get("actions")
    first = actions[0] if isinstance(actions, list) and actions else {}
    option = first.get("selected_option") if isinstance(first, dict) else None
    holder = option if isinstance(option, dict) else first
    value = holder.get("value") if isinstance(holder, dict) else None
    return opaque(value) or ""
