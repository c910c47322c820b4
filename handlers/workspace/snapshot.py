"""What the page shows to one person, as JSON."""

from handlers.workspace.message import Message
from handlers.workspace.people import Person
from handlers.workspace.state import State
from handlers.workspace.view import View
from handlers.workspace.wire import Json


def snapshot(state: State, user: str) -> Json:
    """Return everything this person sees now."""
    with state.lock:
        im = state.im(user) if user in state.people else None
        here = {state.team.channel_id, im.id if im else ""}
        views = [v for v in state.views.values() if v.user == user]
        home = state.homes.get(user)
        return {
            "revision": state.revision,
            "origin": state.origin,
            "team": {"id": state.team.id, "name": state.team.name},
            "bot": {"id": state.team.bot_user, "connected": state.bot_connected},
            "command": state.team.command,
            "channel": state.team.channel_id,
            "im": im.id if im else None,
            "channels": [
                {"id": c.id, "name": c.name, "topic": c.topic, "is_im": c.is_im}
                for c in state.channels.values()
                if c.id in here
            ],
            "people": [_person(p, state.team.id) for p in state.people.values()],
            "groups": {g.id: g.handle for g in state.groups.values()},
            "messages": [_message(state, m) for m in _visible(state, user, here)],
            "views": [_view(v) for v in views],
            "home": _view(home) if home else None,
            "statuses": [
                {"channel": channel, "thread_ts": ts, "text": text}
                for (channel, ts), text in state.statuses.items()
                if channel in here
            ],
            "stage": state.stage.as_json() if state.stage else None,
        }


def _visible(state: State, user: str, here: set[str]) -> list[Message]:
    public = [m for m in state.messages.values() if m.channel in here]
    whispers = [m for m in state.ephemerals.values() if m.visible_to == user]
    return sorted([*public, *whispers], key=lambda m: m.ts)


def _person(person: Person, home_team: str) -> Json:
    return {
        "id": person.id,
        "name": person.name,
        "real_name": person.real_name,
        "role": person.role,
        "is_bot": person.is_bot,
        "is_guest": person.is_restricted or person.is_ultra_restricted,
        "is_external": person.team_id != home_team,
    }


def _message(state: State, message: Message) -> Json:
    files = [state.files[f] for f in message.file_ids]
    return {
        "channel": message.channel,
        "ts": message.ts,
        "user": message.user,
        "text": message.text,
        "blocks": list(message.blocks),
        "thread_ts": message.thread_ts,
        "edited": message.edited_ts is not None,
        "ephemeral": message.visible_to is not None,
        "streaming": message.streaming,
        "reactions": [list(pair) for pair in message.reactions],
        "version": message.version,
        "files": [
            {
                "id": f.id,
                "title": f.title,
                "name": f.name,
                "mimetype": f.mimetype,
                "size": len(f.data),
                "alt": f.alt_text or f.title,
            }
            for f in files
        ],
    }


def _view(view: View) -> Json:
    return {
        "id": view.id,
        "body": view.body,
        "errors": dict(view.errors),
        "version": view.version,
    }
