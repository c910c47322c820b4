"""Who clicked: verified against Slack for every decision, never by name.

A decision counts only for an active human of the home workspace who is no guest.
Slack's answers are kept for at most a minute; without an answer nobody is verified.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.config.policy import Approvers
from bot.person import Person
from handlers.client import NETWORK_ERRORS, failure_of

CACHE_SECONDS = 60.0
GROUPS_SECONDS = 0.5
"""After this long no further group is asked for: the ack is due after three seconds."""
_USER = re.compile(r"[UW][A-Z0-9_]{2,30}")
_FORBIDDEN = {
    "deleted": "your account is deactivated",
    "is_bot": "a bot cannot decide",
    "is_workflow_bot": "a workflow cannot decide",
    "is_restricted": "guests cannot decide",
    "is_ultra_restricted": "guests cannot decide",
    "is_stranger": "people of other workspaces cannot decide",
}


class Denied(Exception):
    """Nobody could be verified, or not one who may decide; says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unverified(Denied):
    """Slack did not say who this is: nobody was turned away, nobody let in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The bot's own place: its workspace and its own user id."""

    team_id: str
    bot_user_id: str


class Guard:
    """Verifies people. Thread-safe; every call to Slack has a short deadline.

    groups: further user groups that the policy names; an approver is told to be in them.
    """

    def __init__(
        self,
        client: WebClient,
        approvers: Approvers,
        *,
        groups: Sequence[str] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._approvers = approvers
        self._groups = tuple(groups)
        self._monotonic = monotonic
        self._cache: dict[str, tuple[float, Mapping[str, object]]] = {}
        self._lock = threading.Lock()
        self._home: Home | None = None

    def home(self) -> Home:
        """Return the home workspace; raise `Denied` while Slack does not tell."""
        if self._home is None:
            answer = self._ask("auth.test")
            self._home = Home(
                team_id=str(answer.get("team_id")),
                bot_user_id=str(answer.get("user_id")),
            )
        return self._home

    def person(self, user_id: str | None, team_id: str | None) -> Person:
        """Verify who this is; raise `Denied` with the reason for the person."""
        home = self.home()
        if user_id is None or not _USER.fullmatch(user_id):
            raise Denied("Slack did not say who you are")
        if team_id != home.team_id:
            raise Denied("people of other workspaces cannot decide")
        if user_id == home.bot_user_id:
            raise Denied("a bot cannot decide")
        user = self._user(user_id)
        for flag, reason in _FORBIDDEN.items():
            if user.get(flag):
                raise Denied(reason)
        if not _works_in(home.team_id, user):
            raise Denied("people of other workspaces cannot decide")
        end = self._monotonic() + GROUPS_SECONDS
        if not self._approves(user_id, end):
            return Person(id=user_id, is_approver=False)
        groups = frozenset(self._among(user_id, self._groups, end))
        return Person(id=user_id, is_approver=True, groups=groups)

    def who_may(self) -> list[str]:
        """Return the ids that a refusal can name."""
        return [*self._approvers.users, *self._approvers.groups][:10]

    def _user(self, user_id: str) -> Mapping[str, object]:
        def ask() -> Mapping[str, object]:
            user = self._ask("users.info", user=user_id).get("user")
            if not isinstance(user, dict) or user.get("id") != user_id:
                raise Denied("Slack does not know you")
            return user

        return self._kept(f"user {user_id}", ask)

    def _approves(self, user_id: str, end: float) -> bool:
        if user_id in self._approvers.users:
            return True
        return any(self._among(user_id, self._approvers.groups, end))

    def _among(self, user_id: str, groups: Sequence[str], end: float) -> Iterator[str]:
        """Yield those of the groups that this person is in; raise `Denied` after `end`."""
        for group in groups:
            if self._monotonic() > end:
                raise Denied("Slack took too long to name the groups' members")
            if user_id in self._members(group):
                yield group

    def _members(self, group: str) -> Mapping[str, object]:
        def ask() -> Mapping[str, object]:
            # A disabled group answers with an error or with nobody: both deny.
            users = self._ask("usergroups.users.list", usergroup=group).get("users")
            return dict.fromkeys(users if isinstance(users, list) else [])

        try:
            return self._kept(f"group {group}", ask)
        except Denied:
            return {}

    def _kept(
        self, key: str, ask: Callable[[], Mapping[str, object]]
    ) -> Mapping[str, object]:
        now = self._monotonic()
        with self._lock:
            found = self._cache.get(key)
        if found is not None and now - found[0] < CACHE_SECONDS:
            return found[1]
        answer = ask()
        with self._lock:
            self._cache[key] = (now, answer)
        return answer

    def _ask(self, method: str, **params: str) -> Mapping[str, object]:
        try:
            data = self._client.api_call(method, params=params).data
        except SlackApiError as error:
            reason = f"Slack could not verify you ({_code(error)})"
            passing = failure_of(error).again
            raise (Unverified if passing else Denied)(reason) from error
        except NETWORK_ERRORS as error:
            raise Unverified("Slack could not verify you (no answer)") from error
        return data if isinstance(data, dict) else {}


def _works_in(team_id: str, user: Mapping[str, object]) -> bool:
    """Say whether it is an account of this team, by what `users.info` tells.

    In a channel shared with another company Slack calls nobody of theirs a stranger.
    """
    enterprise = user.get("enterprise_user")
    teams = enterprise.get("teams") if isinstance(enterprise, dict) else None
    listed = isinstance(teams, list) and team_id in teams
    return listed or user.get("team_id") == team_id


def _code(error: SlackApiError) -> str:
    data = error.response.data
    return str(data.get("error")) if isinstance(data, dict) else "no usable answer"
