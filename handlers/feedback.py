"""The row of a closed card: was the cause right, did it help, save it as a runbook."""

from collections.abc import Callable, Mapping

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.feedback import Word
from bot.model import Origin, Person
from handlers.actions import Body, Click, decided
from handlers.blocks import answers, dialogs
from handlers.blocks.markup import Message, escaped
from handlers.client import NETWORK_ERRORS, failure_of
from handlers.desk import Desk

Draw = Callable[[int, Person], dict[str, object]]
"""Returns the dialog for an incident and a person; raises `NotDecided`."""

WORDS: Mapping[str, Word] = {
    "right_cause": Word(is_right=True),
    "helped": Word(helped=True),
    "not_helped": Word(helped=False),
}
"""What each button says by itself."""


def register(app: App, desk: Desk) -> None:
    """Wire the row's buttons."""
    for action_id, word in WORDS.items():
        _listen(app, desk, action_id, _given(desk, word))
    _open(app, desk, "wrong_cause", _cause(desk))
    _open(app, desk, "save_draft", _draft(desk))


def _listen(app: App, desk: Desk, action_id: str, click: Click) -> None:
    def listener(ack: Ack, body: Body) -> None:
        answer = decided(desk, action_id, body, click)
        ack()
        if answer is not None:
            desk.reply(body, answer)

    app.action(action_id)(listener)


def _open(app: App, desk: Desk, action_id: str, draw: Draw) -> None:
    def listener(ack: Ack, body: Body, client: WebClient) -> None:
        # Nothing is decided by opening a dialog, so Slack need not wait for it.
        ack()
        trigger = str(body.get("trigger_id") or "")
        answer = decided(desk, action_id, body, _opening(desk, client, trigger, draw))
        if answer is not None:
            desk.reply(body, answer)

    app.action(action_id)(listener)


def _given(desk: Desk, word: Word) -> Click:
    def click(_value: str, who: Person, origin: Origin) -> Message | None:
        desk.feedback.give(desk.on_card(origin), who, word)
        return None

    return click


def _opening(desk: Desk, client: WebClient, trigger: str, draw: Draw) -> Click:
    def click(_value: str, who: Person, origin: Origin) -> Message | None:
        view = draw(desk.on_card(origin), who)
        try:
            client.views_open(trigger_id=trigger, view=view)
        except (SlackApiError, *NETWORK_ERRORS) as error:
            code = escaped(failure_of(error).error)
            return answers.plain(f"The dialog could not be opened ({code}). Try again.")
        return None

    return click


def _cause(desk: Desk) -> Draw:
    def draw(number: int, _who: Person) -> dict[str, object]:
        return dialogs.correct_cause(desk.incident(number))

    return draw


def _draft(desk: Desk) -> Draw:
    def draw(number: int, who: Person) -> dict[str, object]:
        return dialogs.save_draft(desk.drafts.prefill(number, who))

    return draw
