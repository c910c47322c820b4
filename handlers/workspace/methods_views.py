"""The Web API's `views.*`: modals and the Home tab."""

from dataclasses import replace

from handlers.workspace.args import Args
from handlers.workspace.limits import check_view
from handlers.workspace.named import named
from handlers.workspace.state import TRIGGER_LIFE_SECONDS, State
from handlers.workspace.view import View
from handlers.workspace.wire import Json, Refused

STACKED_VIEWS = 3


def open_view(state: State, args: Args) -> Json:
    """`views.open`: needs a trigger that is younger than three seconds and unused."""
    body = _body(args, "modal")
    user = _spend_trigger(state, args.need("trigger_id"))
    return _answer(state, new_view(state, user, body))


def push_view(state: State, args: Args) -> Json:
    """`views.push`: a modal above the person's open one."""
    body = _body(args, "modal")
    user = _spend_trigger(state, args.need("trigger_id"))
    stack = [v for v in state.views.values() if v.user == user]
    if not stack:
        raise Refused("not_found")
    if len(stack) >= STACKED_VIEWS:
        raise Refused("push_limit_reached")
    return _answer(state, new_view(state, user, body, above=stack[-1]))


def update_view(state: State, args: Args) -> Json:
    """`views.update`, by view id or external id."""
    body = _body(args, "modal")
    view = _find(state, args)
    if args.get("hash") not in ("", view.hash):
        raise Refused("hash_conflict")
    return _answer(state, changed_view(state, view, body))


def publish_view(state: State, args: Args) -> Json:
    """`views.publish`: the Home tab of one person."""
    user = args.need("user_id")
    body = _body(args, "home")
    if user not in state.people:
        raise Refused("user_not_found")
    old = state.homes.get(user)
    if old is not None and args.get("hash") not in ("", old.hash):
        raise Refused("hash_conflict")
    home = View(
        id=old.id if old else state.new_id("V"),
        user=user,
        body=stored(state, body),
        hash=state.stamp(),
        version=old.version + 1 if old else 0,
    )
    state.homes[user] = home
    return _answer(state, home)


def new_view(state: State, user: str, body: Json, *, above: View | None = None) -> View:
    """Open a modal for a person, above another one or alone."""
    if above is None:
        close_views(state, user)
    view_id = state.new_id("V")
    view = View(
        id=view_id,
        user=user,
        body=stored(state, body),
        hash=state.stamp(),
        root_id=above.root_id if above else view_id,
        previous_id=above.id if above else None,
    )
    state.views[view.id] = view
    return view


def changed_view(state: State, view: View, body: Json) -> View:
    """Put other content into an open modal."""
    new = replace(
        view,
        body=stored(state, body),
        hash=state.stamp(),
        errors={},
        version=view.version + 1,
    )
    state.views[view.id] = new
    return new


def close_views(state: State, user: str) -> None:
    """Close everything a person has open."""
    for view_id in [v.id for v in state.views.values() if v.user == user]:
        del state.views[view_id]


def stored(state: State, body: Json) -> Json:
    """Return a view's body as Slack keeps it, with all ids."""
    return body | {"blocks": list(named(state, body.get("blocks", [])))}


def _body(args: Args, kind: str) -> Json:
    body = args.object("view")
    if body is None:
        raise Refused("invalid_arguments", "[ERROR] missing required field: view")
    check_view(body)
    if body["type"] != kind:
        raise Refused(
            "invalid_arguments", f"[ERROR] must be {kind} [json-pointer:/view/type]"
        )
    return body


def _find(state: State, args: Args) -> View:
    wanted = args.get("view_id"), args.get("external_id")
    for view in state.views.values():
        if view.id == wanted[0] or (
            wanted[1] and view.body.get("external_id") == wanted[1]
        ):
            return view
    raise Refused("not_found")


def _spend_trigger(state: State, trigger_id: str) -> str:
    trigger = state.triggers.get(trigger_id)
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if state.now() - trigger.made_at > TRIGGER_LIFE_SECONDS:
        raise Refused("expired_trigger_id")
    if trigger.used:
        raise Refused("exchanged_trigger_id")
    trigger.used = True
    return trigger.user


def _answer(state: State, view: View) -> Json:
    return {"view": state.view_json(view)}
