"""Answers a question: by rules always, worded by a model where one is set and it is open."""

import logging
from dataclasses import replace
from typing import Final, Protocol

from bot.converse.asked import Asked, Sources
from bot.converse.intents import OTHERWISE, WISH, by_rules
from bot.converse.question import Answer, Question
from bot.model import Incident
from bot.ports import ModelUnavailable

log = logging.getLogger(__name__)

LONG: Final = 10
"""A question of more words may ask for more than its first intent answers."""


class Words(Protocol):
    """A language model that words answers (`bot/converse/model.py`)."""

    def worded(
        self, question: Question, found: Answer | None, incident: Incident | None
    ) -> Answer:
        """Return an answer that adds nothing but prose; raise `ModelUnavailable`."""


class Converse:
    """Reads and answers; it has nothing with which it could act."""

    def __init__(self, sources: Sources, model: Words | None = None) -> None:
        self._sources = sources
        self._model = model

    def answer(self, question: Question) -> Answer:
        """Return the answer; whatever a model does, the rules' answer is there.

        A wish for an action is never shown to a model.
        """
        asked = Asked.of(question, self._sources)
        intent, found = by_rules(asked)
        is_open = intent.is_open or len(asked.words.split()) > LONG
        if self._model is None or intent is WISH or not is_open:
            return found
        known = None if intent is OTHERWISE else found
        about = found.about if found.about is not None else question.about
        incident = None if about is None else asked.get(about)
        try:
            return self._model.worded(question, known, incident)
        except ModelUnavailable as missing:
            log.info("conversation.rules reason=%s", missing)
            said = "; ".join(filter(None, (found.missing, str(missing))))
            return replace(found, missing=said)
