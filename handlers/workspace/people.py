"""Who works in the local workspace: people, the bot, user groups and the team."""

from dataclasses import dataclass

from handlers.workspace.wire import Json

HOME_TEAM = "T07LANTERN1"
PARTNER_TEAM = "T09PARTNER2"
SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The workspace itself, the app installed in it and its one public channel."""

    id: str = HOME_TEAM
    name: str = "Lantern Works"
    domain: str = "lantern-works"
    app_id: str = "A07CSIGN001"
    bot_user: str = "U07CSIGN001"
    bot_id: str = "B07CSIGN001"
    bot_name: str = "countersign"
    channel_id: str = "C07OPSALRT1"
    channel_name: str = "ops-alerts"
    command: str = "/sre"
    bot_token: str = "xoxb-local-workspace"  # noqa: S105 - opens nothing but this server
    app_token: str = "xapp-local-workspace"  # noqa: S105 - likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user as `users.info` tells of them; `role` is what the page says beside the name."""

    id: str
    name: str
    real_name: str
    role: str = ""
    team_id: str = HOME_TEAM
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    deleted: bool = False
    tz: str = "Europe/Berlin"

    def as_slack(self) -> Json:
        """Return the user object."""
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "is_stranger": self.is_stranger,
            "is_admin": False,
            "is_owner": False,
            "tz": self.tz,
            "profile": {
                "real_name": self.real_name,
                "display_name": self.name,
                "title": self.role,
                "team": self.team_id,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A user group (`@sre`)."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...]
    enabled: bool = True

    def as_slack(self, team_id: str) -> Json:
        """Return the usergroup object; a disabled group carries `date_delete`."""
        return {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "handle": self.handle,
            "name": self.name,
            "date_delete": 0 if self.enabled else 1,
            "user_count": len(self.members),
            "users": list(self.members),
        }


ALICE = Person(id="U07ALICE001", name="alice", real_name="Alice Moreau", role="On call")
BOB = Person(
    id="U07BOB00002", name="bob", real_name="Bob Okafor", role="Platform engineer"
)
STRANGER = Person(
    id="U07CHEN0003", name="chen", real_name="Chen Wei", role="Design, not an approver"
)
GUEST = Person(
    id="U07GRETA004",
    name="greta",
    real_name="Greta Lindqvist",
    role="Guest",
    is_restricted=True,
)
OUTSIDER = Person(
    id="U09PAVEL005",
    name="pavel",
    real_name="Pavel Novak",
    role="From another company",
    team_id=PARTNER_TEAM,
    is_stranger=True,
)
DEFAULT_PEOPLE = (ALICE, BOB, STRANGER, GUEST, OUTSIDER)
GROUP = Group(
    id="S07SRETEAM1",
    handle="sre-team",
    name="SRE team",
    members=(ALICE.id, BOB.id),
)


def bot_person(team: Team) -> Person:
    """Return the bot's own user."""
    return Person(
        id=team.bot_user,
        name=team.bot_name,
        real_name=team.bot_name.capitalize(),
        role="App",
        team_id=team.id,
        is_bot=True,
    )


def slackbot() -> Person:
    """Return the voice in which the workspace itself tells a person that something failed."""
    return Person(
        id=SLACKBOT, name="workspace", real_name="Workspace", role="", is_bot=True
    )
