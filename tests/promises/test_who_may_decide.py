"""Promise 2: whatever an account is and however it is listed, only active people of the team decide."""

import random
from dataclasses import dataclass, replace
from itertools import product

import pytest

from bot.config.policy import Approvers
from handlers.client import client
from handlers.guard import Denied, Guard
from handlers.workspace.people import ALICE, GROUP, HOME_TEAM, PARTNER_TEAM
from handlers.workspace.workspace import Workspace
from tests.scenarios.stage import Bot, card_of, config, until, villain

pytestmark = [pytest.mark.promise(2), pytest.mark.timeout(300)]

KINDS = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
NOBODY = Approvers()
BY_NAME = Approvers(users=(ALICE.id,))
BY_GROUP = Approvers(groups=(GROUP.id,))
OTHERS = Approvers(users=("U07SOMEONE9",), groups=("S0UNKNOWN",))


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody who clicks: what the account is, how it is listed, from where it comes."""

    kinds: frozenset[str]
    listed: Approvers
    group_enabled: bool
    team: str | None
    home: str

    @property
    def may(self) -> bool:
        """What SECURITY.md says, in words of this test."""
        by_group = self.listed is BY_GROUP and self.group_enabled
        ours = self.team == HOME_TEAM == self.home
        return ours and not self.kinds and (self.listed is BY_NAME or by_group)


def accounts() -> list[Account]:
    of_kinds = [
        frozenset(k for k, on in zip(KINDS, chosen, strict=True) if on)
        for chosen in product((False, True), repeat=len(KINDS))
    ]
    return [
        Account(kinds=kinds, listed=listed, group_enabled=enabled, team=team, home=home)
        for kinds in of_kinds
        for listed in (NOBODY, BY_NAME, BY_GROUP, OTHERS)
        for enabled in (True, False)
        for team in (HOME_TEAM, PARTNER_TEAM, None)
        for home in (HOME_TEAM, PARTNER_TEAM)
    ]


def let_in(workspace: Workspace, account: Account) -> bool:
    kinds = dict.fromkeys(account.kinds, True)
    workspace.put_person(replace(ALICE, team_id=account.home, **kinds))
    workspace.put_group(replace(GROUP, enabled=account.group_enabled))
    slack = client(workspace.bot_token, workspace.api_url, timeout=10)
    try:
        return Guard(slack, account.listed).person(ALICE.id, account.team).is_approver
    except Denied:
        return False


def test_no_kind_of_account_gets_around_the_list(
    workspace: Workspace, *, full_counts: bool
) -> None:
    every = accounts()
    allowed = [account for account in every if account.may]
    some = every if full_counts else [*random.sample(every, 120), *allowed]
    through = [account for account in some if let_in(workspace, account)]
    bypasses = [account for account in through if not account.may]
    refused = [account for account in allowed if account not in through]
    print(
        f"promise 2: {len(some)} kinds of account and list, bypasses {len(bypasses)}, "
        f"approvers turned away {len(refused)}"
    )
    assert bypasses == []
    assert refused == []


def test_people_whom_the_list_names_and_slack_does_not_vouch_for_start_nothing(
    workspace: Workspace, bot: Bot
) -> None:
    """All ways of approving, by accounts that all stand in the list."""
    odd = [
        replace(ALICE, id=f"U07ODD{number:04}", name=kind, **{kind: True})
        for number, kind in enumerate(KINDS)
    ]
    for person in odd:
        workspace.put_person(person)
    listed = {"users": [ALICE.id, *(person.id for person in odd)]}
    slack = {"channel": workspace.channel_id, "approvers": listed}
    bot.config = config(workspace, slack=slack)
    bot.start()
    with villain() as process:
        card = card_of(workspace, process.pid, "Proposed action")
        number = card.all_text().partition("Incident ")[2].split()[0]
        for person in odd:
            workspace.click(person.id, card.ts, "Approve")
            workspace.command(person.id, f"approve {number}a")
            workspace.mention(person.id, f"approve {number}a", thread_ts=card.ts)
            until(lambda p=person: workspace.ephemerals(p.id))
        alive = process.poll() is None
        told = " ".join(m.all_text() for m in workspace.thread(card.ts))
        print(
            f"promise 2: {len(odd)} listed accounts tried 3 ways each, process alive "
            f"{alive}, votes {told.count('approved ')}"
        )
        assert alive
        assert "approved " not in told
        workspace.click(ALICE.id, card.ts, "Approve")
        assert process.wait(15) == -15
