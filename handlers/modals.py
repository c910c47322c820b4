"""Submitted dialogs: Approve, the reason of a rejection, a cause, a runbook draft."""

from slack_bolt import Ack, App

from bot.feedback import Word
from handlers.actions import Body
from handlers.blocks import dialogs
from handlers.blocks.judged import NOTED
from handlers.desk import Desk
from handlers.guard import Denied
from handlers.request import fit_to_keep
from remediation.decision import NotDecided


def register(app: App, desk: Desk) -> None:
    """Wire the dialogs."""

    def say_why(ack: Ack, body: Body, view: Body) -> None:
        try:
            who = desk.person(body)
            why = fit_to_keep(_input(view, "why"), limit=dialogs.MAX_REASON)
            desk.decide.say_why(_metadata(view), who, why)
        except (Denied, NotDecided) as refusal:
            ack(response_action="errors", errors={"why": refusal.reason[:300]})
            return
        ack()

    def approve(ack: Ack, body: Body, view: Body) -> None:
        try:
            desk.decide.approve(_metadata(view), desk.person(body), None)
        except (Denied, NotDecided) as refusal:
            desk.telemetry.decided("approve", counted=False)
            text = f"Nothing was done: {refusal.reason}."
            ack(response_action="update", view=dialogs.told("Not approved", text))
            return
        desk.telemetry.decided("approve", counted=True)
        ack()

    app.view("say_why_dialog")(say_why)
    app.view("approve_dialog")(approve)
    _register_afterwards(app, desk)


def _register_afterwards(app: App, desk: Desk) -> None:
    """Wire the dialogs of a closed card."""

    def cause(ack: Ack, body: Body, view: Body) -> None:
        word = Word(is_right=False, cause=_input(view, "cause"))
        try:
            counts = desk.feedback.give(_number(desk, view), desk.person(body), word)
        except (Denied, NotDecided) as refusal:
            ack(response_action="errors", errors={"cause": refusal.reason[:300]})
            return
        if counts:
            ack()
        else:
            ack(response_action="update", view=dialogs.told("Noted", NOTED))

    def draft(ack: Ack, body: Body, view: Body) -> None:
        title, text = _input(view, "title"), _input(view, "body")
        try:
            who = desk.person(body)
            name = desk.drafts.save(_number(desk, view), who, title=title, body=text)
        except (Denied, NotDecided) as refusal:
            ack(response_action="errors", errors={"title": refusal.reason[:300]})
            return
        said = (
            f"The draft was saved as {name}, in the folder runbooks of the bot's state "
            "folder. It is read from now on; keep it with the others when it is good."
        )
        ack(response_action="update", view=dialogs.told("Saved", said))

    app.view("cause_dialog")(cause)
    app.view("draft_dialog")(draft)


def _number(desk: Desk, view: Body) -> int:
    found = _metadata(view)
    if not (found.isascii() and found.isdigit() and len(found) <= 9):
        raise NotDecided("this dialog names no incident")
    return desk.incident(int(found)).number


def _metadata(view: Body) -> str:
    found = view.get("private_metadata")
    return found if isinstance(found, str) else ""


def _input(view: Body, name: str) -> str:
    state = view.get("state")
    values = state.get("values", {}) if isinstance(state, dict) else {}
    found = values.get(name, {}).get(name, {}).get("value")
    return found if isinstance(found, str) else ""
