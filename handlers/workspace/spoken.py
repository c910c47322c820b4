"""What a person typed, as Slack writes it down: escaped, names as mentions."""

import re

from handlers.workspace.state import State

_NAME = re.compile(r"(?<![\w<])@([a-z][a-z0-9._-]*)")


def spoken(state: State, typed: str, *, commanded: bool) -> str:
    """Escape `& < >` and turn `@name` into a mention.

    In a command's text a mention carries the name too (`<@U1|bob>`, should_escape).
    """
    escaped = typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    people = {p.name: p.id for p in state.people.values()}
    groups = {g.handle: g.id for g in state.groups.values()}

    def mention(found: re.Match[str]) -> str:
        name = found[1]
        if name in people:
            return f"<@{people[name]}|{name}>" if commanded else f"<@{people[name]}>"
        if name in groups:
            return f"<!subteam^{groups[name]}|@{name}>"
        return found[0]

    return _NAME.sub(mention, escaped)
