"""The workspace as tests and the demo hold it: start, act, and wait."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from handlers.workspace.acts import Acts
from handlers.workspace.delivery import Courier, Delivery
from handlers.workspace.faults import Faults
from handlers.workspace.http_mode import HttpMode
from handlers.workspace.operate import Choice
from handlers.workspace.page import Page
from handlers.workspace.page_acts import OnStage, PageActs
from handlers.workspace.people import DEFAULT_PEOPLE, GROUP, Group, Person, Team
from handlers.workspace.routes import Doors, application
from handlers.workspace.server import Server
from handlers.workspace.sight import Sight
from handlers.workspace.socket_mode import DisconnectReason, Sockets
from handlers.workspace.stage import Stage
from handlers.workspace.state import State
from handlers.workspace.submit import Modals
from handlers.workspace.view import Filled
from handlers.workspace.web_api import WebApi

T = TypeVar("T")


class Workspace(Sight):
    """A running local workspace: its people's hands, on top of what they see (`Sight`).

    Every method may be called from any thread and returns when the thing is done.
    `faults` makes the workspace misbehave.
    """

    def __init__(self, state: State, server: Server, http: HttpMode | None) -> None:
        super().__init__(state)
        self.faults = Faults()
        self._server = server
        self._sockets = Sockets(state, server.cut)
        courier = Courier(http or self._sockets, self.faults)
        self._acts = Acts(state, courier)
        self._modals = Modals(state, courier)
        self._page_acts = PageActs(state, self._acts, self._modals)
        self._page = Page(state, self._page_acts)

    @classmethod
    def start(
        cls,
        port: int = 0,
        *,
        people: Sequence[Person] = DEFAULT_PEOPLE,
        groups: Sequence[Group] = (GROUP,),
        team: Team | None = None,
        http: HttpMode | None = None,
    ) -> Self:
        """Start a workspace on 127.0.0.1; port 0 takes a free one.

        `http`: deliver by signed HTTP requests and not over Socket Mode.
        """
        state = State.of(
            team=team or Team(), people=tuple(people), groups=tuple(groups)
        )
        server = Server(port)
        state.origin = server.origin
        workspace = cls(state, server, http)
        workspace._open()
        return workspace

    def _open(self) -> None:
        api = WebApi(self.state, self.faults, self._server.cut)
        doors = Doors(self.state, self.faults)
        self.state.watchers.append(lambda: self._server.soon(self._page.wake))
        self._server.start(
            lambda: application(
                api=api, doors=doors, sockets=self._sockets, page=self._page
            )
        )

    def stop(self) -> None:
        """Close everything; the port is free afterwards. Twice is as good as once."""
        if not self._server.running:
            return
        self.disconnect(hard=True)
        self._server.soon(self._page.close)
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def click(
        self,
        user_id: str,
        message_ts: str,
        button: str,
        *,
        value: str | None = None,
        channel: str | None = None,
        team: str | None = None,
    ) -> Delivery:
        """Press a button, named by its text or action_id; raise `NotPossible`."""
        choice = Choice(target=button, value=value)
        return self._server.run(
            self._acts.click(user_id, message_ts, choice, channel=channel, team=team)
        )

    def choose(
        self, user_id: str, message_ts: str, option: str, *, menu: str | None = None
    ) -> Delivery:
        """Choose from an overflow or select menu, by the option's text or value.

        `menu`: the menu's action_id, where several hold such an option.
        """
        choice = Choice(target=menu or option, option=option if menu else None)
        return self._server.run(self._acts.click(user_id, message_ts, choice))

    def click_view(
        self, user_id: str, view_id: str, target: str, option: str | None = None
    ) -> Delivery:
        """Operate something in a modal or on the Home tab."""
        choice = Choice(target=target, option=option)
        return self._server.run(self._acts.click_view(user_id, view_id, choice))

    def command(
        self,
        user_id: str,
        text: str,
        command: str | None = None,
        channel: str | None = None,
    ) -> Delivery:
        """Send a slash command; a person is mentioned as `<@U1|name>`."""
        where = channel or self.channel_id
        name = command or self.state.team.command
        return self._server.run(self._acts.command(user_id, name, text, where))

    def mention(
        self,
        user_id: str,
        text: str,
        thread_ts: str | None = None,
        channel: str | None = None,
    ) -> Delivery:
        """Mention the bot; `sent["event"]["ts"]` of the answer is the message's ts."""
        bot = f"<@{self.bot_user_id}>"
        said = text if bot in text else f"{bot} {text}"
        done = self.say(user_id, said, thread_ts, channel)
        assert done is not None  # noqa: S101 - the bot is mentioned
        return done

    def say(
        self,
        user_id: str,
        text: str,
        thread_ts: str | None = None,
        channel: str | None = None,
    ) -> Delivery | None:
        """Write a message, None where the bot does not hear of it."""
        where = channel or self.channel_id
        return self._server.run(self._acts.say(user_id, text, where, thread_ts))

    def message_bot(self, user_id: str, text: str) -> Delivery | None:
        """Write to the bot alone."""
        return self.say(user_id, text, channel=user_id)

    def submit_view(self, user_id: str, view_id: str, values: Filled) -> Delivery:
        """Submit a modal with action_id → text, option or options; may raise `NotFilled`."""
        return self._server.run(self._modals.submit(user_id, view_id, values))

    def close_view(self, user_id: str, view_id: str) -> Delivery | None:
        """Close a modal; None where the bot did not ask to know."""
        return self._server.run(self._modals.close(user_id, view_id))

    def open_home(self, user_id: str, tab: str = "home") -> Delivery:
        """Open the bot's Home tab."""
        return self._server.run(self._acts.open_home(user_id, tab))

    def disconnect(
        self, reason: DisconnectReason = "refresh_requested", *, hard: bool = False
    ) -> None:
        """Ask the bot's connections to go, or cut them off without a word."""
        self._server.run(self._sockets.disconnect(reason, hard=hard))

    def connections(self) -> int:
        """Return how many Socket Mode connections can take an envelope."""
        return self._sockets.open_count()

    def set_stage(self, stage: Stage | None, on_stage: OnStage | None = None) -> None:
        """Show the guided panel; `on_stage(step_id)` runs in a worker thread.

        Without `on_stage` the one given before stays.
        """
        if on_stage is not None:
            self._page_acts.on_stage = on_stage
        with self.state.change():
            self.state.stage = stage

    def wait_for(self, predicate: Callable[[], T | None], timeout: float = 30.0) -> T:
        """Return the predicate's first true value; raise `TimeoutError`.

        It is asked after every change, with the workspace held: it may look, not act.
        A `LookupError` in it means "not yet".
        """
        end = time.monotonic() + timeout
        with self.state.lock:
            while True:
                if value := _asked(predicate):
                    return value
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"not within {timeout} s; seen: {self.story()}")
                self.state.lock.wait(min(left, 0.25))

    def wait_connected(self, timeout: float = 30.0) -> None:
        """Wait until the bot has an open Socket Mode connection."""
        self.wait_for(lambda: self.state.bot_connected, timeout)


def _asked(predicate: Callable[[], T | None]) -> T | None:
    try:
        return predicate()
    except LookupError:
        return None
