"""The Web API's questions: conversations, people, groups, the bot itself."""

from dataclasses import replace

from handlers.workspace.args import Args
from handlers.workspace.message import Message
from handlers.workspace.methods_chat import joined
from handlers.workspace.state import Channel, State
from handlers.workspace.wire import Json, Refused


def auth_test(state: State, _args: Args) -> Json:
    """`auth.test`."""
    team = state.team
    return {
        "url": f"{state.origin}/",
        "team": team.name,
        "team_id": team.id,
        "user": team.bot_name,
        "user_id": team.bot_user,
        "bot_id": team.bot_id,
        "is_enterprise_install": False,
    }


def bots_info(state: State, args: Args) -> Json:
    """`bots.info`."""
    team = state.team
    if args.get("bot", team.bot_id) != team.bot_id:
        raise Refused("bot_not_found")
    bot = {
        "id": team.bot_id,
        "app_id": team.app_id,
        "user_id": team.bot_user,
        "name": team.bot_name,
        "deleted": False,
    }
    return {"bot": bot}


def conversation_info(state: State, args: Args) -> Json:
    """`conversations.info`."""
    return {"channel": _channel_json(state, state.channel(args.need("channel")))}


def conversation_members(state: State, args: Args) -> Json:
    """`conversations.members`."""
    channel = state.channel(args.need("channel"))
    return {"members": list(channel.members), "response_metadata": {"next_cursor": ""}}


def conversation_list(state: State, _args: Args) -> Json:
    """`conversations.list`."""
    channels = [_channel_json(state, c) for c in state.channels.values() if not c.is_im]
    return {"channels": channels, "response_metadata": {"next_cursor": ""}}


def conversation_open(state: State, args: Args) -> Json:
    """`conversations.open`: one person's direct conversation with the bot."""
    user = args.need("users")
    if user not in state.people:
        raise Refused("user_not_found")
    return {"channel": {"id": state.im(user).id}}


def history(state: State, args: Args) -> Json:
    """`conversations.history`: newest first, without replies."""
    channel = joined(state, args.need("channel"))
    found = [
        m for (c, _), m in state.messages.items() if c == channel.id and not m.is_reply
    ]
    newest_first = sorted(found, key=lambda m: m.ts, reverse=True)
    return _page(state, newest_first, args)


def replies(state: State, args: Args) -> Json:
    """`conversations.replies`: the thread's first message, then its replies."""
    channel = joined(state, args.need("channel"))
    thread = state.replies(channel.id, args.need("ts"))
    if not thread:
        raise Refused("thread_not_found")
    return _page(state, thread, args)


def user_info(state: State, args: Args) -> Json:
    """`users.info`."""
    person = state.people.get(args.need("user"))
    if person is None:
        raise Refused("user_not_found")
    return {"user": person.as_slack()}


def user_list(state: State, _args: Args) -> Json:
    """`users.list`."""
    members = [p.as_slack() for p in state.people.values()]
    return {"members": members, "response_metadata": {"next_cursor": ""}}


def group_list(state: State, _args: Args) -> Json:
    """`usergroups.list`."""
    return {"usergroups": [g.as_slack(state.team.id) for g in state.groups.values()]}


def group_users(state: State, args: Args) -> Json:
    """`usergroups.users.list`: empty for a disabled group, as Slack answers."""
    group = state.groups.get(args.need("usergroup"))
    if group is None:
        raise Refused("no_such_subteam")
    return {"users": list(group.members) if group.enabled else []}


def add_reaction(state: State, args: Args) -> Json:
    """`reactions.add`."""
    channel = joined(state, args.need("channel"))
    message = state.message(channel.id, args.need("timestamp"))
    reaction = (args.need("name"), state.team.bot_user)
    if reaction in message.reactions:
        raise Refused("already_reacted")
    more = (*message.reactions, reaction)
    state.put(replace(message, reactions=more, version=message.version + 1))
    return {}


def _channel_json(state: State, channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_im,
        "is_im": channel.is_im,
        "is_private": channel.is_im,
        "is_archived": False,
        "is_member": state.team.bot_user in channel.members,
        "num_members": len(channel.members),
        "context_team_id": state.team.id,
    }


def _page(state: State, found: list[Message], args: Args) -> Json:
    inside = [m for m in found if _wanted(m.ts, args)]
    start, limit = args.number("cursor", 0), args.number("limit", 100)
    page = inside[start : start + limit]
    more = start + limit < len(inside)
    return {
        "messages": [_with_thread(state, m) for m in page],
        "has_more": more,
        "response_metadata": {"next_cursor": str(start + limit) if more else ""},
    }


def _wanted(ts: str, args: Args) -> bool:
    oldest, latest = args.get("oldest", "0"), args.get("latest", "9" * 20)
    if args.yes("inclusive"):
        return float(oldest) <= float(ts) <= float(latest)
    return float(oldest) < float(ts) < float(latest)


def _with_thread(state: State, message: Message) -> Json:
    body = message.as_slack() | _files(state, message)
    thread = state.replies(message.channel, message.ts)
    if len(thread) > 1:
        body |= {
            "thread_ts": message.ts,
            "reply_count": len(thread) - 1,
            "latest_reply": thread[-1].ts,
        }
    return body


def _files(state: State, message: Message) -> Json:
    files = [state.files[f].as_slack(state.origin) for f in message.file_ids]
    return {"files": files} if files else {}
