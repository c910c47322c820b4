"""Who clicked: verified against a workspace, never by name."""

from dataclasses import replace
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.config.policy import Approvers
from handlers.client import client
from handlers.guard import CACHE_SECONDS, Denied, Guard, _works_in
from handlers.workspace import Workspace
from handlers.workspace.people import (
    ALICE,
    BOB,
    GROUP,
    GUEST,
    OUTSIDER,
    STRANGER,
    Person,
)


class Stopwatch:
    """A monotonic clock that goes when it is told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def guard(slack: WebClient, watch: Stopwatch) -> Guard:
    return Guard(slack, Approvers(users=(ALICE.id,)), monotonic=watch)


@pytest.fixture
def group_guard(slack: WebClient, watch: Stopwatch) -> Guard:
    return Guard(slack, Approvers(groups=(GROUP.id,)), monotonic=watch)


def denied(guard: Guard, user: str | None, team: str | None) -> str:
    with pytest.raises(Denied) as refusal:
        guard.person(user, team)
    return refusal.value.reason


def test_a_listed_member_may_approve(guard: Guard, workspace: Workspace) -> None:
    assert guard.person(ALICE.id, workspace.team_id).is_approver


def test_another_member_is_verified_and_may_not(
    guard: Guard, workspace: Workspace
) -> None:
    assert not guard.person(STRANGER.id, workspace.team_id).is_approver


def test_a_member_of_a_listed_group_may_approve(
    group_guard: Guard, workspace: Workspace
) -> None:
    assert group_guard.person(BOB.id, workspace.team_id).is_approver
    assert not group_guard.person(STRANGER.id, workspace.team_id).is_approver


def test_a_disabled_group_approves_nobody(
    group_guard: Guard, workspace: Workspace
) -> None:
    workspace.put_group(replace(GROUP, enabled=False))
    assert not group_guard.person(BOB.id, workspace.team_id).is_approver


def test_an_unknown_group_approves_nobody(
    slack: WebClient, workspace: Workspace
) -> None:
    guard = Guard(slack, Approvers(groups=("S0UNKNOWN",)))
    assert not guard.person(BOB.id, workspace.team_id).is_approver


def test_empty_lists_approve_nobody(slack: WebClient, workspace: Workspace) -> None:
    guard = Guard(slack, Approvers())
    assert not guard.person(ALICE.id, workspace.team_id).is_approver
    assert guard.who_may() == []


def test_another_team_is_refused_without_a_question(
    guard: Guard, workspace: Workspace
) -> None:
    reason = denied(guard, OUTSIDER.id, OUTSIDER.team_id)
    assert reason == "people of other workspaces cannot decide"
    assert workspace.calls_of("users.info") == []


def test_a_listed_person_of_another_team_is_refused(guard: Guard) -> None:
    assert "other workspaces" in denied(guard, ALICE.id, OUTSIDER.team_id)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"deleted": True}, "your account is deactivated"),
        ({"is_bot": True}, "a bot cannot decide"),
        ({"is_restricted": True}, "guests cannot decide"),
        ({"is_ultra_restricted": True}, "guests cannot decide"),
        ({"is_stranger": True}, "people of other workspaces cannot decide"),
        ({"team_id": OUTSIDER.team_id}, "people of other workspaces cannot decide"),
    ],
)
def test_a_listed_account_of_another_kind_is_refused(
    guard: Guard, workspace: Workspace, changes: dict[str, Any], reason: str
) -> None:
    workspace.put_person(replace(ALICE, **changes))
    assert denied(guard, ALICE.id, workspace.team_id) == reason


def test_in_an_enterprise_an_account_works_in_several_teams() -> None:
    user = {"team_id": "E1", "enterprise_user": {"teams": ["T1", "T2"]}}
    assert _works_in("T2", user)
    assert not _works_in("T3", user)
    assert not _works_in("T3", {})


def test_a_guest_is_refused(guard: Guard, workspace: Workspace) -> None:
    assert denied(guard, GUEST.id, workspace.team_id) == "guests cannot decide"


def test_the_bot_itself_is_refused(guard: Guard, workspace: Workspace) -> None:
    reason = denied(guard, workspace.bot_user_id, workspace.team_id)
    assert reason == "a bot cannot decide"


@pytest.mark.parametrize("user", [None, "", "alice", "U1; drop", "x" * 400])
def test_what_is_no_user_id_is_refused(
    guard: Guard, workspace: Workspace, user: str | None
) -> None:
    assert denied(guard, user, workspace.team_id) == "Slack did not say who you are"


def test_a_person_slack_does_not_know_is_refused(
    guard: Guard, workspace: Workspace
) -> None:
    assert "user_not_found" in denied(guard, "U0NOBODY", workspace.team_id)


def test_without_a_team_nobody_is_verified(guard: Guard) -> None:
    assert "other workspaces" in denied(guard, ALICE.id, None)


# --- groups that rules name ----------------------------------------------------------


def test_an_approver_is_told_to_be_in_a_group_that_rules_name(
    slack: WebClient, workspace: Workspace
) -> None:
    approvers = Approvers(users=(ALICE.id, BOB.id))
    guard = Guard(slack, approvers, groups=(GROUP.id, "S0UNKNOWN"))
    workspace.put_group(replace(GROUP, members=(BOB.id,)))
    assert guard.person(BOB.id, workspace.team_id).groups == {GROUP.id}
    assert guard.person(ALICE.id, workspace.team_id).groups == frozenset()


def test_a_group_that_rules_name_makes_nobody_an_approver(
    slack: WebClient, workspace: Workspace
) -> None:
    guard = Guard(slack, Approvers(users=(ALICE.id,)), groups=(GROUP.id,))
    found = guard.person(BOB.id, workspace.team_id)
    assert (found.is_approver, found.groups) == (False, frozenset())
    assert workspace.calls_of("usergroups.users.list") == []


def test_while_a_group_is_not_told_nobody_is_in_it(
    slack: WebClient, workspace: Workspace
) -> None:
    guard = Guard(slack, Approvers(users=(ALICE.id,)), groups=(GROUP.id,))
    workspace.faults.server_error("usergroups.users.list")
    assert guard.person(ALICE.id, workspace.team_id).groups == frozenset()


# --- what is kept --------------------------------------------------------------------


def test_slack_is_asked_once_a_minute(
    guard: Guard, workspace: Workspace, watch: Stopwatch
) -> None:
    for _ in range(3):
        guard.person(ALICE.id, workspace.team_id)
        watch.seconds += CACHE_SECONDS / 3 - 0.1
    assert len(workspace.calls_of("users.info")) == 1


def test_after_a_minute_slack_is_asked_anew(
    guard: Guard, workspace: Workspace, watch: Stopwatch
) -> None:
    guard.person(ALICE.id, workspace.team_id)
    workspace.put_person(replace(ALICE, deleted=True))
    watch.seconds += CACHE_SECONDS
    assert "deactivated" in denied(guard, ALICE.id, workspace.team_id)


def test_whoever_left_a_group_approves_for_a_minute_at_most(
    group_guard: Guard, workspace: Workspace, watch: Stopwatch
) -> None:
    group_guard.person(BOB.id, workspace.team_id)
    workspace.put_group(replace(GROUP, members=(ALICE.id,)))
    watch.seconds += CACHE_SECONDS
    assert not group_guard.person(BOB.id, workspace.team_id).is_approver


def test_a_refusal_is_not_kept(guard: Guard, workspace: Workspace) -> None:
    denied(guard, "U0NEWBIE", workspace.team_id)
    workspace.put_person(Person(id="U0NEWBIE", name="new", real_name="New"))
    assert guard.person("U0NEWBIE", workspace.team_id).id == "U0NEWBIE"


# --- when slack does not answer ------------------------------------------------------


@pytest.mark.parametrize("method", ["auth.test", "users.info"])
def test_an_error_of_slack_verifies_nobody(
    guard: Guard, workspace: Workspace, method: str
) -> None:
    workspace.faults.server_error(method)
    assert "could not verify" in denied(guard, ALICE.id, workspace.team_id)


def test_after_an_error_the_next_click_is_verified(
    guard: Guard, workspace: Workspace
) -> None:
    workspace.faults.rate_limit("*")
    denied(guard, ALICE.id, workspace.team_id)
    assert guard.person(ALICE.id, workspace.team_id).is_approver


def test_an_error_about_a_group_approves_nobody(
    group_guard: Guard, workspace: Workspace
) -> None:
    workspace.faults.server_error("usergroups.users.list")
    assert not group_guard.person(BOB.id, workspace.team_id).is_approver


def test_a_slow_slack_verifies_nobody(workspace: Workspace) -> None:
    hurried = client(workspace.bot_token, workspace.api_url, timeout=0.3)
    guard = Guard(hurried, Approvers(users=(ALICE.id,)))
    workspace.faults.slow("auth.test", seconds=1.0)
    assert denied(guard, ALICE.id, workspace.team_id) == (
        "Slack could not verify you (no answer)"
    )


def test_a_slack_that_is_not_there_verifies_nobody() -> None:
    nowhere = client("xoxb-x", "http://127.0.0.1:9/api", timeout=1)
    guard = Guard(nowhere, Approvers(users=(ALICE.id,)))
    assert "no answer" in denied(guard, ALICE.id, "T1")


def test_a_refusal_names_ten_at_most(slack: WebClient) -> None:
    many = tuple(f"U0PERSON{n}" for n in range(20))
    guard = Guard(slack, Approvers(users=many, groups=(GROUP.id,)))
    assert guard.who_may() == list(many[:10])
