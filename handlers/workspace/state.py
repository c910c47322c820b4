"""Everything the local workspace knows, behind one lock.

The server's loop and any number of test threads change it; each change raises
`revision`, wakes whoever waits and tells the page.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from handlers.workspace.message import Message, StoredFile
from handlers.workspace.people import Group, Person, Team, bot_person, slackbot
from handlers.workspace.stage import Stage
from handlers.workspace.view import View
from handlers.workspace.wire import Json, Refused

HOOK_USES = 5
HOOK_LIFE_SECONDS = 30 * 60
TRIGGER_LIFE_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A Web API call as it arrived. `args` have their JSON decoded, without the token."""

    at: float
    method: str
    args: Json


@dataclass(slots=True, kw_only=True)
class Hook:
    """What a `response_url` may still do. `message_ts` is the message it may replace."""

    channel: str
    user: str
    made_at: float
    message_ts: str | None = None
    thread_ts: str | None = None
    uses: int = 0


@dataclass(slots=True, kw_only=True)
class Channel:
    """A conversation and who is in it; `is_im` for one person's talk with the bot."""

    id: str
    name: str
    members: list[str]
    topic: str = ""
    is_im: bool = False


@dataclass(slots=True, kw_only=True)
class Trigger:
    """A person's permission to open one modal, for three seconds."""

    user: str
    made_at: float
    used: bool = False


@dataclass(slots=True, kw_only=True)
class State:
    """The workspace's memory. Read and write it inside `change()` or `lock`."""

    team: Team
    people: dict[str, Person]
    groups: dict[str, Group]
    now: Callable[[], float] = time.time
    origin: str = ""
    lock: threading.Condition = field(default_factory=threading.Condition)
    revision: int = 0
    channels: dict[str, Channel] = field(default_factory=dict)
    messages: dict[tuple[str, str], Message] = field(default_factory=dict)
    ephemerals: dict[str, Message] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    uploads: dict[str, StoredFile] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)
    hooks: dict[str, Hook] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    tickets: set[str] = field(default_factory=set)
    statuses: dict[tuple[str, str], str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    stage: Stage | None = None
    bot_connected: bool = False
    watchers: list[Callable[[], None]] = field(default_factory=list)
    _last_ts: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def of(
        cls, *, team: Team, people: tuple[Person, ...], groups: tuple[Group, ...]
    ) -> "State":
        """Return a fresh workspace in which everybody, the bot too, is in the channel."""
        everyone = (*people, bot_person(team))
        state = cls(
            team=team,
            people={p.id: p for p in (*everyone, slackbot())},
            groups={g.id: g for g in groups},
        )
        state.channels[team.channel_id] = Channel(
            id=team.channel_id,
            name=team.channel_name,
            members=[p.id for p in everyone],
            topic="Alerts, decisions and what became of them",
        )
        return state

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock; on leaving, tell everybody who waits that something changed."""
        with self.lock:
            yield
            self.revision += 1
            self.lock.notify_all()
            watchers = list(self.watchers)
        for watcher in watchers:
            watcher()

    def stamp(self) -> str:
        """Return a message timestamp, greater than every one before."""
        with self.lock:
            self._last_ts = max(int(self.now() * 1_000_000), self._last_ts + 1)
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_id(self, letter: str) -> str:
        """Return an id as Slack shapes them: a letter and ten characters."""
        with self.lock:
            return f"{letter}07{next(self._numbers):08d}"

    def channel(self, channel_id: str) -> Channel:
        """Return a conversation; a user's id means the talk with them. Raise `Refused`."""
        if channel_id in self.people and channel_id != self.team.bot_user:
            return self.im(channel_id)
        if channel_id not in self.channels:
            raise Refused("channel_not_found")
        return self.channels[channel_id]

    def im(self, user_id: str) -> Channel:
        """Return a person's direct conversation with the bot, opening it if needed."""
        channel_id = "D" + user_id[1:]
        members = [user_id, self.team.bot_user]
        return self.channels.setdefault(
            channel_id,
            Channel(id=channel_id, name=user_id, members=members, is_im=True),
        )

    def message(self, channel_id: str, ts: str) -> Message:
        """Return one public message; raise `Refused` where there is none."""
        found = self.messages.get((channel_id, ts))
        if found is None:
            raise Refused("message_not_found")
        return found

    def put(self, message: Message) -> Message:
        """Store a message, public or ephemeral, new or edited."""
        if message.visible_to is None:
            self.messages[message.channel, message.ts] = message
        else:
            self.ephemerals[message.ts] = message
        return message

    def replies(self, channel_id: str, root_ts: str) -> list[Message]:
        """Return a thread, its first message included, oldest first."""
        return [
            m
            for (where, _), m in sorted(self.messages.items())
            if where == channel_id and m.root_ts == root_ts
        ]

    def username(self, user_id: str) -> str:
        """Return the person's short name, or the id of somebody unknown."""
        person = self.people.get(user_id)
        return person.name if person else user_id

    def view_json(self, view: View) -> Json:
        """Return a view as payloads and answers carry it."""
        team = self.team
        return view.as_slack(team_id=team.id, app_id=team.app_id, bot_id=team.bot_id)
