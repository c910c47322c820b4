"""The Web API: who may call, which fault strikes, which method answers."""

import asyncio
import secrets
from collections.abc import Callable, Mapping

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from handlers.workspace import (
    methods_chat,
    methods_files,
    methods_read,
    methods_stream,
    methods_views,
)
from handlers.workspace.args import Args, read_args
from handlers.workspace.faults import Fault, Faults
from handlers.workspace.state import Call, State
from handlers.workspace.wire import Json, Refused

Method = Callable[[State, Args], Json]

SCOPES = (
    "commands,chat:write,app_mentions:read,users:read,usergroups:read,im:history,"
    "assistant:write,files:write,channels:history,groups:history"
)


def _open_connection(state: State, _args: Args) -> Json:
    ticket = secrets.token_urlsafe(16)
    state.tickets.add(ticket)
    address = state.origin.replace("http://", "ws://", 1)
    return {"url": f"{address}/link/?ticket={ticket}&app_id={state.team.app_id}"}


METHODS: Mapping[str, Method] = {
    "apps.connections.open": _open_connection,
    "assistant.threads.setStatus": methods_stream.set_status,
    "auth.test": methods_read.auth_test,
    "bots.info": methods_read.bots_info,
    "chat.appendStream": methods_stream.append_stream,
    "chat.delete": methods_chat.delete,
    "chat.getPermalink": methods_chat.permalink,
    "chat.postEphemeral": methods_chat.post_ephemeral,
    "chat.postMessage": methods_chat.post_message,
    "chat.startStream": methods_stream.start_stream,
    "chat.stopStream": methods_stream.stop_stream,
    "chat.update": methods_chat.update,
    "conversations.history": methods_read.history,
    "conversations.info": methods_read.conversation_info,
    "conversations.list": methods_read.conversation_list,
    "conversations.members": methods_read.conversation_members,
    "conversations.open": methods_read.conversation_open,
    "conversations.replies": methods_read.replies,
    "files.completeUploadExternal": methods_files.complete_upload,
    "files.getUploadURLExternal": methods_files.upload_url,
    "reactions.add": methods_read.add_reaction,
    "usergroups.list": methods_read.group_list,
    "usergroups.users.list": methods_read.group_users,
    "users.info": methods_read.user_info,
    "users.list": methods_read.user_list,
    "views.open": methods_views.open_view,
    "views.publish": methods_views.publish_view,
    "views.push": methods_views.push_view,
    "views.update": methods_views.update_view,
}


class WebApi:
    """Answers `/api/METHOD`. `cut` drops a caller's connection without an answer."""

    def __init__(
        self, state: State, faults: Faults, cut: Callable[[HTTPConnection], None]
    ) -> None:
        self._state = state
        self._faults = faults
        self._cut = cut

    async def answer(self, request: Request) -> Response:
        """Serve one call."""
        method = str(request.path_params["method"])
        token, values = await read_args(request)
        with self._state.change():
            now = self._state.now()
            self._state.calls.append(Call(at=now, method=method, args=values))
        fault = self._faults.strike(method)
        if fault is not None:
            return await self._faulty(request, fault, method, token, values)
        return self._run(method, token, values)

    async def _faulty(
        self, request: Request, fault: Fault, method: str, token: str, values: Json
    ) -> Response:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return self._run(method, token, values)
        if fault.kind == "cut":
            answer = self._run(method, token, values)
            self._cut(request)
            return answer
        return _broken(fault)

    def _run(self, method: str, token: str, values: Json) -> Response:
        try:
            self._authorise(method, token)
            body = self._call(method, Args(values=values))
        except Refused as refused:
            body = refused.as_slack()
        return JSONResponse(body, headers={"x-oauth-scopes": SCOPES})

    def _authorise(self, method: str, token: str) -> None:
        team = self._state.team
        if not token:
            raise Refused("not_authed")
        if token not in (team.bot_token, team.app_token):
            raise Refused("invalid_auth")
        wanted = team.app_token if method == "apps.connections.open" else team.bot_token
        if token != wanted:
            raise Refused("not_allowed_token_type")

    def _call(self, method: str, args: Args) -> Json:
        handler = METHODS.get(method)
        if handler is None:
            raise Refused("unknown_method")
        with self._state.change():
            return {"ok": True} | handler(self._state, args)


def _broken(fault: Fault) -> Response:
    match fault.kind:
        case "rate_limit":
            body = {"ok": False, "error": "ratelimited"}
            wait = {"Retry-After": str(int(fault.seconds))}
            return JSONResponse(body, 429, wait)
        case "refuse":
            return JSONResponse({"ok": False, "error": fault.error})
        case _:
            return PlainTextResponse("Something went wrong", fault.status)
