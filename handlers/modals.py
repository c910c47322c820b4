"""Submitted dialogs: Approve, the reason of a rejection, a cause, a runbook draft."""

from collections.abc import Callable

from slack_bolt import Ack, App

from bot.learning.feedback import Word
from bot.person import Person
from bot.text.redact import fit_to_keep
from handlers.actions import Body
from handlers.blocks import dialogs
from handlers.blocks.judged import NOTED
from handlers.desk import Desk
from handlers.guard import Denied
from remediation.ledger.decision import NotDecided

Submit = Callable[[Body, Person], dict[str, object] | None]
"""Does what a dialog asks for; returns what to show in its place, if anything."""


def register(app: App, desk: Desk) -> None:
    """Wire the dialogs."""

    def say_why(view: Body, who: Person) -> None:
        why = fit_to_keep(_input(view, "why"), limit=dialogs.MAX_REASON)
        desk.decide.say_why(_metadata(view), who, why)

    def break_glass(view: Body, who: Person) -> None:
        why = fit_to_keep(_input(view, "why"), limit=dialogs.MAX_REASON)
        try:
            desk.decide.break_glass(_metadata(view), who, why)
        except NotDecided:
            desk.telemetry.decided("break_glass", counted=False)
            raise
        desk.telemetry.decided("break_glass", counted=True)

    def cause(view: Body, who: Person) -> dict[str, object] | None:
        word = Word(is_right=False, cause=_input(view, "cause"))
        counts = desk.feedback.give(_number(desk, view), who, word)
        return None if counts else dialogs.told("Noted", NOTED)

    def draft(view: Body, who: Person) -> dict[str, object]:
        title, text = _input(view, "title"), _input(view, "body")
        name = desk.drafts.save(_number(desk, view), who, title=title, body=text)
        said = (
            f"The draft was saved as {name}, in the folder runbooks of the bot's state "
            "folder. It is read from now on; keep it with the others when it is good."
        )
        return dialogs.told("Saved", said)

    _submitted(app, desk, "say_why_dialog", "why", say_why)
    _submitted(app, desk, "glass_dialog", "why", break_glass)
    _submitted(app, desk, "cause_dialog", "cause", cause)
    _submitted(app, desk, "draft_dialog", "title", draft)
    _register_approve(app, desk)


def _submitted(app: App, desk: Desk, name: str, asked: str, submit: Submit) -> None:
    """Wire one dialog; a refusal is said below its input `asked`, where it was typed."""

    def listener(ack: Ack, body: Body, view: Body) -> None:
        try:
            shown = submit(view, desk.person(body))
        except (Denied, NotDecided) as refusal:
            ack(response_action="errors", errors={asked: refusal.reason[:300]})
            return
        if shown is None:
            ack()
        else:
            ack(response_action="update", view=shown)

    app.view(name)(listener)


def _register_approve(app: App, desk: Desk) -> None:
    """Wire the dialog that has no input: what it says takes its place."""

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

    app.view("approve_dialog")(approve)


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
