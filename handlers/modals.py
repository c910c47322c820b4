"""Submitted dialogs: the reason of a rejection, and Approve in a dialog."""

from slack_bolt import Ack, App

from handlers.actions import Body
from handlers.desk import Desk
from handlers.guard import Denied
from remediation.decision import NotDecided
from remediation.printable import printable


def register(app: App, desk: Desk) -> None:
    """Wire the dialogs."""

    def say_why(ack: Ack, body: Body, view: Body) -> None:
        try:
            who = desk.person(body)
            why = printable(_input(view, "why").strip(), limit=500)
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
            ack(response_action="update", view=_refused(refusal.reason))
            return
        desk.telemetry.decided("approve", counted=True)
        ack()

    app.view("say_why_dialog")(say_why)
    app.view("approve_dialog")(approve)


def _metadata(view: Body) -> str:
    found = view.get("private_metadata")
    return found if isinstance(found, str) else ""


def _input(view: Body, name: str) -> str:
    state = view.get("state")
    values = state.get("values", {}) if isinstance(state, dict) else {}
    found = values.get(name, {}).get(name, {}).get("value")
    return found if isinstance(found, str) else ""


def _refused(reason: str) -> dict[str, object]:
    text = {"type": "plain_text", "text": f"Nothing was done: {reason}."[:3000]}
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Not approved"},
        "close": {"type": "plain_text", "text": "Close"},
        "blocks": [{"type": "section", "text": text}],
    }
