"""What the page may do in a person's name, from untrusted JSON to typed acts."""

import threading
from collections.abc import Callable
from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from handlers.workspace.acts import Acts
from handlers.workspace.delivery import Delivery
from handlers.workspace.operate import Choice, NotPossible
from handlers.workspace.spoken import spoken
from handlers.workspace.state import State
from handlers.workspace.submit import Modals
from handlers.workspace.view import NotFilled
from handlers.workspace.wire import Json, Refused

OnStage = Callable[[str], None]


class _Act(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    user: str


class Click(_Act):
    """A button or menu, in a message or in a view."""

    kind: Literal["click"]
    target: str
    option: str | None = None
    message_ts: str | None = None
    view_id: str | None = None


class Say(_Act):
    """The composer: a slash command, or words for everybody."""

    kind: Literal["say"]
    channel: str
    text: str = Field(max_length=4000)
    thread_ts: str | None = None


class Submit(_Act):
    """A modal's submit button."""

    kind: Literal["submit"]
    view_id: str
    values: dict[str, str | list[str]]


class Close(_Act):
    """A modal closed."""

    kind: Literal["close"]
    view_id: str


class OpenHome(_Act):
    """The bot's Home tab, or its messages, opened."""

    kind: Literal["open_home"]
    tab: Literal["home", "messages"] = "home"


class Dismiss(_Act):
    """An ephemeral message put away."""

    kind: Literal["dismiss"]
    message_ts: str


class StagePress(_Act):
    """A button of the demo's guided panel."""

    kind: Literal["stage"]
    step: str


AnyAct = Click | Say | Submit | Close | OpenHome | Dismiss | StagePress
_ACT: TypeAdapter[AnyAct] = TypeAdapter(Annotated[AnyAct, Field(discriminator="kind")])


class PageActs:
    """Carries out what the page asks. Answers `{"error", "text"}`; empty means done."""

    def __init__(self, state: State, acts: Acts, modals: Modals) -> None:
        self._state = state
        self._acts = acts
        self._modals = modals
        self.on_stage: OnStage | None = None

    async def act(self, body: object) -> Json:
        """Do one thing in a person's name."""
        try:
            act = _ACT.validate_python(body)
            done = await self._do(act)
        except ValidationError:
            return {"error": "invalid", "text": "The page sent something unknown."}
        except (NotPossible, NotFilled, Refused) as refusal:
            return {"error": "not_possible", "text": str(refusal)}
        return {"error": done.error if done else "", "text": ""}

    async def _do(self, act: AnyAct) -> Delivery | None:
        match act:
            case Click():
                return await self._click(act)
            case Say():
                return await self._say(act)
            case Submit():
                return await self._modals.submit(act.user, act.view_id, act.values)
            case Close():
                return await self._modals.close(act.user, act.view_id)
            case OpenHome():
                return await self._acts.open_home(act.user, act.tab)
            case Dismiss():
                self._dismiss(act)
            case StagePress():
                self._press(act)
            case _:
                assert_never(act)
        return None

    async def _click(self, act: Click) -> Delivery:
        choice = Choice(target=act.target, option=act.option)
        if act.view_id is not None:
            return await self._acts.click_view(act.user, act.view_id, choice)
        return await self._acts.click(act.user, act.message_ts or "", choice)

    async def _say(self, act: Say) -> Delivery | None:
        text = spoken(self._state, act.text.strip(), commanded=False)
        if not text.startswith("/"):
            return await self._acts.say(act.user, text, act.channel, act.thread_ts)
        command, _, words = act.text.strip().partition(" ")
        if act.thread_ts is not None:
            raise NotPossible(f"{command} does not work in threads; mention the bot.")
        if command != self._state.team.command:
            raise NotPossible(f"{command} is not a command here.")
        words = spoken(self._state, words.strip(), commanded=True)
        return await self._acts.command(act.user, command, words, act.channel)

    def _dismiss(self, act: Dismiss) -> None:
        with self._state.change():
            whisper = self._state.ephemerals.get(act.message_ts)
            if whisper is not None and whisper.visible_to == act.user:
                del self._state.ephemerals[act.message_ts]

    def _press(self, act: StagePress) -> None:
        if self.on_stage is None:
            raise NotPossible("this workspace has no stage")
        # A thread of its own: an act may outlast the server, which must not wait for it.
        threading.Thread(target=self.on_stage, args=(act.step,), daemon=True).start()
