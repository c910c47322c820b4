"""A Slack-compatible workspace on loopback, with a web page that draws it.

`countersign demo` and the tests run against it; `countersign run` never imports it.
The bot reaches it only through `SLACK_API_URL`, `SLACK_BOT_TOKEN`, `SLACK_APP_TOKEN`.
"""

from handlers.workspace.acts import NotPossible
from handlers.workspace.delivery import Delivery
from handlers.workspace.faults import Faults
from handlers.workspace.http_mode import HttpMode
from handlers.workspace.message import Button, Message, StoredFile
from handlers.workspace.people import (
    ALICE,
    BOB,
    DEFAULT_PEOPLE,
    GROUP,
    GUEST,
    OUTSIDER,
    STRANGER,
    Group,
    Person,
    Team,
)
from handlers.workspace.stage import Stage, StageStep
from handlers.workspace.state import Call
from handlers.workspace.view import NotFilled, View
from handlers.workspace.workspace import Workspace

__all__ = [
    "ALICE",
    "BOB",
    "DEFAULT_PEOPLE",
    "GROUP",
    "GUEST",
    "OUTSIDER",
    "STRANGER",
    "Button",
    "Call",
    "Delivery",
    "Faults",
    "Group",
    "HttpMode",
    "Message",
    "NotFilled",
    "NotPossible",
    "Person",
    "Stage",
    "StageStep",
    "StoredFile",
    "Team",
    "View",
    "Workspace",
]
