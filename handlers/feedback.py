"""The row of a closed card: was the cause right, did it help, save it as a runbook."""

from collections.abc import Mapping

from slack_bolt import App

from bot.learning.feedback import Word
from bot.origin import Origin
from bot.person import Person
from handlers.actions import Click, Draw, listen, opens
from handlers.blocks import answers, dialogs
from handlers.blocks.judged import NOTED
from handlers.blocks.markup import Message
from handlers.desk import Desk

WORDS: Mapping[str, Word] = {
    "right_cause": Word(is_right=True),
    "helped": Word(helped=True),
    "not_helped": Word(helped=False),
}
"""What each button says by itself."""


def register(app: App, desk: Desk) -> None:
    """Wire the row's buttons."""
    for action_id, word in WORDS.items():
        listen(app, desk, action_id, _given(desk, word))
    opens(app, desk, "wrong_cause", _cause(desk))
    opens(app, desk, "save_draft", _draft(desk))


def _given(desk: Desk, word: Word) -> Click:
    def click(_value: str, who: Person, origin: Origin) -> Message | None:
        counts = desk.feedback.give(desk.on_card(origin), who, word)
        return None if counts else answers.plain(NOTED)

    return click


def _cause(desk: Desk) -> Draw:
    def draw(_value: str, _who: Person, origin: Origin) -> dict[str, object]:
        return dialogs.correct_cause(desk.incident(desk.on_card(origin)))

    return draw


def _draft(desk: Desk) -> Draw:
    def draw(_value: str, who: Person, origin: Origin) -> dict[str, object]:
        return dialogs.save_draft(desk.drafts.prefill(desk.on_card(origin), who))

    return draw
