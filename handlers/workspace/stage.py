"""The demo's guided panel: acts, one button each, and what came of them."""

from dataclasses import asdict, dataclass
from typing import Literal

from handlers.workspace.wire import Json

StepState = Literal["waiting", "ready", "running", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStep:
    """One act. `button` empty means there is nothing to press.

    result: what happened, in plain words; line breaks are kept.
    """

    id: str
    title: str
    text: str
    button: str = ""
    state: StepState = "ready"
    result: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The whole panel; `intro` stands above the first act."""

    title: str
    steps: tuple[StageStep, ...]
    intro: str = ""

    def as_json(self) -> Json:
        """Return what the page draws."""
        return asdict(self)
