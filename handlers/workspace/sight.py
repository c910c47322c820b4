"""What can be seen of the workspace from outside: addresses, messages, calls."""

from handlers.workspace.message import Button, Message, StoredFile
from handlers.workspace.operate import NotPossible
from handlers.workspace.people import Group, Person
from handlers.workspace.state import Call, State
from handlers.workspace.view import View


class Sight:
    """Looks at a workspace's state; every answer is a copy of this moment."""

    def __init__(self, state: State) -> None:
        self.state = state

    @property
    def api_url(self) -> str:
        """What the bot needs as `SLACK_API_URL`."""
        return f"{self.state.origin}/api/"

    @property
    def page_url(self) -> str:
        """Where a person opens the page."""
        return f"{self.state.origin}/"

    @property
    def bot_token(self) -> str:
        """What the bot needs as `SLACK_BOT_TOKEN`."""
        return self.state.team.bot_token

    @property
    def app_token(self) -> str:
        """What the bot needs as `SLACK_APP_TOKEN`."""
        return self.state.team.app_token

    @property
    def team_id(self) -> str:
        """The team the bot is installed in."""
        return self.state.team.id

    @property
    def channel_id(self) -> str:
        """The channel `#ops-alerts`."""
        return self.state.team.channel_id

    @property
    def bot_user_id(self) -> str:
        """The bot's own user."""
        return self.state.team.bot_user

    @property
    def calls(self) -> list[Call]:
        """Every Web API call so far, oldest first, refused ones too."""
        with self.state.lock:
            return list(self.state.calls)

    @property
    def files(self) -> list[StoredFile]:
        """Every shared file, oldest first."""
        with self.state.lock:
            return list(self.state.files.values())

    def environment(self) -> dict[str, str]:
        """Return the variables with which the bot finds this workspace."""
        return {
            "SLACK_API_URL": self.api_url,
            "SLACK_BOT_TOKEN": self.bot_token,
            "SLACK_APP_TOKEN": self.app_token,
        }

    def calls_of(self, method: str) -> list[Call]:
        """Return the calls of one Web API method, oldest first."""
        return [call for call in self.calls if call.method == method]

    def messages(self, channel: str | None = None) -> list[Message]:
        """Return all public messages of a channel, replies too, oldest first."""
        where = channel or self.channel_id
        with self.state.lock:
            found = [m for m in self.state.messages.values() if m.channel == where]
        return sorted(found, key=lambda m: m.ts)

    def posts(self, channel: str | None = None) -> list[Message]:
        """Return the messages that stand in the channel itself."""
        return [m for m in self.messages(channel) if not m.is_reply]

    def thread(self, ts: str, channel: str | None = None) -> list[Message]:
        """Return a thread, its first message included, oldest first."""
        return [m for m in self.messages(channel) if m.root_ts == ts]

    def message(self, ts: str) -> Message:
        """Return one message, public or ephemeral, as it is now; raise `NotPossible`."""
        with self.state.lock:
            everything = [
                *self.state.messages.values(),
                *self.state.ephemerals.values(),
            ]
        for message in everything:
            if message.ts == ts:
                return message
        raise NotPossible(f"there is no message {ts}")

    def card(self, text: str = "") -> Message:
        """Return the bot's newest post in the channel that says `text`."""
        for message in reversed(self.posts()):
            if message.user == self.bot_user_id and text in message.all_text():
                return message
        raise NotPossible(f"no post of the bot says {text!r}")

    def find_button(self, text: str, message_ts: str | None = None) -> Button | None:
        """Return the newest button with this text, in one message or anywhere."""
        for message in reversed(self.messages()):
            if message_ts in (None, message.ts):
                for element in message.buttons():
                    if element["text"]["text"] == text:
                        return Button.of(message.ts, element)
        return None

    def ephemerals(self, user_id: str | None = None) -> list[Message]:
        """Return what only one person sees, of one person or of all, oldest first."""
        with self.state.lock:
            found = list(self.state.ephemerals.values())
        return [m for m in found if user_id in (None, m.visible_to)]

    def home(self, user_id: str) -> View | None:
        """Return a person's Home tab as last published."""
        with self.state.lock:
            return self.state.homes.get(user_id)

    def views(self, user_id: str) -> list[View]:
        """Return a person's open modals, the top one last."""
        with self.state.lock:
            return [v for v in self.state.views.values() if v.user == user_id]

    def put_person(self, person: Person) -> None:
        """Add a person, or change what `users.info` says of one."""
        with self.state.change():
            self.state.people[person.id] = person

    def put_group(self, group: Group) -> None:
        """Add a user group or change its members."""
        with self.state.change():
            self.state.groups[group.id] = group

    def set_members(self, *user_ids: str) -> None:
        """Decide who is in the channel; without the bot it is `not_in_channel`."""
        with self.state.change():
            self.state.channels[self.channel_id].members = list(user_ids)

    def story(self) -> str:
        """Return the channel as text, for a failing test to show."""
        return "\n".join(
            f"{'  ' if m.is_reply else ''}[{m.ts}] {self.state.username(m.user)}: "
            f"{m.all_text()[:300]!r} {m.button_texts()}"
            for m in self.messages()
        )
