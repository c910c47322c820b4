"""What a person does in the workspace: click, command, write, submit, open.

Each act changes the state as the person's client would and delivers to the bot.
Everything runs on the server's event loop.
"""

import secrets

from handlers.workspace import payloads
from handlers.workspace.args import Args
from handlers.workspace.delivery import Courier, Delivery, Envelope
from handlers.workspace.hooks import new_hook, respond
from handlers.workspace.message import Message, elements
from handlers.workspace.operate import Choice, NotPossible, operate
from handlers.workspace.payloads import actor
from handlers.workspace.people import SLACKBOT
from handlers.workspace.state import Channel, State, Trigger
from handlers.workspace.view import View
from handlers.workspace.wire import Json, Refused

__all__ = ["Acts", "NotPossible"]


class Acts:
    """The hands of everybody in the workspace."""

    def __init__(self, state: State, courier: Courier) -> None:
        self._state = state
        self._courier = courier

    async def click(
        self,
        user: str,
        message_ts: str,
        choice: Choice,
        *,
        channel: str | None = None,
        team: str | None = None,
    ) -> Delivery:
        """Operate a button or menu of a message; raise `NotPossible`.

        `channel` and `team` forge what the payload says of them.
        """
        state = self._state
        with state.change():
            message = self._visible(user, message_ts)
            action = self._action(list(message.blocks), choice)
            where = self._place(channel or message.channel)
            body = payloads.message_action(
                state.team,
                actor(state, user, team),
                message,
                channel=where,
                action=action,
            )
            body |= {
                "trigger_id": self._trigger(user),
                "response_url": new_hook(
                    state, channel=message.channel, user=user, message=message
                ),
            }
        return await self._send_interaction(body)

    async def click_view(self, user: str, view_id: str, choice: Choice) -> Delivery:
        """Operate something in a modal or on the Home tab; raise `NotPossible`."""
        state = self._state
        with state.change():
            view = self._view(user, view_id)
            action = self._action(view.blocks, choice)
            body = payloads.view_action(
                state.team, actor(state, user), state.view_json(view), action
            )
            body["trigger_id"] = self._trigger(user)
        return await self._send_interaction(body)

    async def command(
        self, user: str, command: str, text: str, channel_id: str
    ) -> Delivery:
        """Send a slash command and show what came with its ack."""
        state = self._state
        with state.change():
            channel = state.channel(channel_id)
            body = payloads.slash_command(
                state.team,
                actor(state, user),
                command=command,
                text=text,
                channel=channel,
            ) | {
                "trigger_id": self._trigger(user),
                "response_url": new_hook(state, channel=channel.id, user=user),
            }
        done = await self._courier.deliver(
            Envelope(type="slash_commands", payload=body)
        )
        with state.change():
            if done.error:
                self._complain(user, channel, f"{command} failed: {done.error}")
            elif done.payload:
                self._respond(channel, user, done.payload)
        return done

    async def say(
        self, user: str, text: str, channel_id: str, thread_ts: str | None
    ) -> Delivery | None:
        """Write a message; the bot hears of it if it is mentioned or written to alone."""
        state = self._state
        with state.change():
            channel = state.channel(channel_id)
            message = state.put(
                Message(
                    channel=channel.id,
                    ts=state.stamp(),
                    user=user,
                    text=text,
                    thread_ts=thread_ts,
                )
            )
        mentioned = f"<@{state.team.bot_user}" in text
        if not mentioned and not channel.is_im:
            return None
        kind = "message" if channel.is_im else "app_mention"
        team_id = actor(state, user).team_id
        return await self._send_event(payloads.said(kind, message, team_id, channel))

    async def open_home(self, user: str, tab: str = "home") -> Delivery:
        """Open the bot's Home tab, or its messages."""
        state = self._state
        with state.change():
            home = state.homes.get(user)
            inner = payloads.home_opened(
                user,
                channel=state.im(user).id,
                tab=tab,
                ts=state.stamp(),
                view=state.view_json(home) if home else None,
            )
        return await self._send_event(inner)

    def _visible(self, user: str, ts: str) -> Message:
        whisper = self._state.ephemerals.get(ts)
        if whisper is not None and whisper.visible_to == user:
            return whisper
        for (_, found_ts), message in self._state.messages.items():
            if found_ts == ts:
                return message
        raise NotPossible(f"{user} sees no message {ts}")

    def _place(self, channel_id: str) -> Channel:
        forged = Channel(id=channel_id, name="", members=[])
        return self._state.channels.get(channel_id, forged)

    def _view(self, user: str, view_id: str) -> View:
        home = self._state.homes.get(user)
        if home is not None and home.id == view_id:
            return home
        view = self._state.views.get(view_id)
        if view is None or view.user != user:
            raise NotPossible(f"{user} has no open view {view_id}")
        return view

    def _action(self, blocks: list[Json], choice: Choice) -> Json:
        return operate(elements(blocks), choice) | {"action_ts": self._state.stamp()}

    def _trigger(self, user: str) -> str:
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.token_hex(8)}"
        now = self._state.now()
        self._state.triggers[trigger_id] = Trigger(user=user, made_at=now)
        return trigger_id

    def _complain(self, user: str, channel: Channel, text: str) -> None:
        self._state.put(
            Message(
                channel=channel.id,
                ts=self._state.stamp(),
                user=SLACKBOT,
                text=text,
                visible_to=user,
            )
        )

    def _respond(self, channel: Channel, user: str, payload: Json) -> None:
        try:
            respond(self._state, channel, user, Args(values=payload))
        except Refused as refused:
            self._complain(user, channel, f"The answer was refused: {refused.error}")

    async def _send_interaction(self, body: Json) -> Delivery:
        return await self._courier.deliver(Envelope(type="interactive", payload=body))

    async def _send_event(self, inner: Json) -> Delivery:
        state = self._state
        event_id = state.new_id("Ev")
        body = payloads.event(state.team, inner, event_id=event_id, at=state.now())
        return await self._courier.deliver(Envelope(type="events_api", payload=body))
