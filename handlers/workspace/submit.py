"""A person submits or closes a modal, and what the bot's answer does to it."""

from dataclasses import replace

from handlers.workspace import payloads
from handlers.workspace.delivery import Courier, Delivery, Envelope
from handlers.workspace.limits import check_view
from handlers.workspace.methods_views import changed_view, close_views, new_view
from handlers.workspace.operate import NotPossible
from handlers.workspace.payloads import actor
from handlers.workspace.state import State
from handlers.workspace.view import Filled, View, fill
from handlers.workspace.wire import Json, Refused


class Modals:
    """The open modals of everybody."""

    def __init__(self, state: State, courier: Courier) -> None:
        self._state = state
        self._courier = courier

    async def submit(self, user: str, view_id: str, filled: Filled) -> Delivery:
        """Submit a modal; raise `NotPossible` or `NotFilled`. The ack decides its fate."""
        state = self._state
        with state.change():
            view = self._mine(user, view_id)
            view = replace(view, values=fill(view.blocks, filled), errors={})
            state.views[view.id] = view
            body = payloads.view_submission(
                state.team, actor(state, user), state.view_json(view)
            )
        done = await self._deliver(body)
        if done.acked:
            with state.change():
                self._obey(view, done.payload)
        return done

    async def close(self, user: str, view_id: str) -> Delivery | None:
        """Close a modal; the bot hears of it if it asked to."""
        state = self._state
        with state.change():
            view = self._mine(user, view_id)
            del state.views[view.id]
            if not view.body.get("notify_on_close"):
                return None
            body = payloads.view_closed(
                state.team, actor(state, user), state.view_json(view), cleared=False
            )
        return await self._deliver(body)

    def _obey(self, view: View, answer: Json) -> None:
        try:
            self._follow(view, answer)
        except Refused as refused:
            self._state.views[view.id] = replace(
                view, errors={"": refused.error}, version=view.version + 1
            )

    def _follow(self, view: View, answer: Json) -> None:
        state = self._state
        match answer.get("response_action"):
            case "errors":
                state.views[view.id] = replace(
                    view, errors=dict(answer["errors"]), version=view.version + 1
                )
            case "update":
                check_view(answer["view"])
                changed_view(state, view, answer["view"])
            case "push":
                check_view(answer["view"])
                new_view(state, view.user, answer["view"], above=view)
            case "clear":
                close_views(state, view.user)
            case _:
                state.views.pop(view.id, None)

    def _mine(self, user: str, view_id: str) -> View:
        view = self._state.views.get(view_id)
        if view is None or view.user != user:
            raise NotPossible(f"{user} has no open modal {view_id}")
        return view

    async def _deliver(self, body: Json) -> Delivery:
        return await self._courier.deliver(Envelope(type="interactive", payload=body))
