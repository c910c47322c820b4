"""May this be done, to this, now? Every verdict names the rule that decided."""

from datetime import timedelta

import pytest

from remediation.action import (
    Action,
    LowerPriority,
    Pause,
    RestorePriority,
    Resume,
    Terminate,
)
from remediation.ledger.leases import Caps, Hold
from remediation.ledger.lock import Locked
from remediation.policy import Rules, Situation, review
from remediation.rules.protect import OwnTree, ProtectSettings
from remediation.rules.verdict import Allowed, Refusal
from remediation.target.facts import ProcessFacts
from tests.fakes.clock import START
from tests.fakes.things import identity, process, terminate

RULES = Rules(
    ttl=timedelta(minutes=15),
    needed=1,
    caps=Caps(cooldown=timedelta(minutes=30), per_hour=6),
    protect=ProtectSettings(users=frozenset({"deploy"})),
)
OWN = OwnTree(pid=999_999, ancestors=frozenset(), service=None)
FREE = Situation(locked=None, hold=None, at=START)
WHO = {"host": "web-1", "process": identity(), "label": "x"}
LOWER = LowerPriority(**WHO, nice=10)  # type: ignore[arg-type]
PAUSE = Pause(**WHO, duration=timedelta(minutes=1))  # type: ignore[arg-type]
RESUME = Resume(**WHO)  # type: ignore[arg-type]
RESTORE = RestorePriority(**WHO, nice=0)  # type: ignore[arg-type]
EVERY = (terminate(), LOWER, PAUSE, RESUME, RESTORE)


def verdict(
    action: Action, *members: ProcessFacts, situation: Situation = FREE
) -> Allowed | Refusal:
    return review(action, members or (process(),), situation, RULES, OWN)


def rule_of(found: Allowed | Refusal) -> str:
    assert isinstance(found, Refusal)
    return found.rule


@pytest.mark.parametrize("action", EVERY, ids=lambda a: a.kind)
def test_an_ordinary_process_may_be_acted_on(action: Action) -> None:
    assert verdict(action) == Allowed(rule=f"policy.processes.{action.kind}")


@pytest.mark.parametrize("action", EVERY, ids=lambda a: a.kind)
def test_a_locked_bot_allows_nothing(action: Action) -> None:
    locked = Situation(locked=Locked(by="U1", at=START, why="odd"), hold=None, at=START)
    found = verdict(action, situation=locked)
    assert found == Refusal(rule="lock", reason="the bot is locked: odd")


@pytest.mark.parametrize("action", EVERY, ids=lambda a: a.kind)
def test_the_account_of_nobody_that_was_named_is_protected(action: Action) -> None:
    found = verdict(action, process(user="somebody"))
    assert isinstance(found, Refusal)


def test_the_bots_own_ancestors_are_protected() -> None:
    own = OwnTree(pid=999_999, ancestors=frozenset({4242}), service=None)
    found = review(terminate(), (process(),), FREE, RULES, own)
    assert isinstance(found, Refusal)


def test_one_protected_child_protects_the_tree() -> None:
    child = process(77, user="somebody")
    tree = Terminate(
        host="web-1",
        process=identity(),
        label="x",
        scope="tree",
        members=(child.identity,),
    )
    assert isinstance(verdict(tree, process(), child), Refusal)


def test_a_reached_limit_refuses_by_its_rule() -> None:
    held = Hold(rule="policy.cooldown", reason="a short while ago", passes=False)
    found = verdict(terminate(), situation=Situation(locked=None, hold=held, at=START))
    assert rule_of(found) == "policy.cooldown"


def test_a_busy_host_keeps_no_proposal_away() -> None:
    held = Hold(rule="one action at a time", reason="under way", passes=True)
    found = verdict(terminate(), situation=Situation(locked=None, hold=held, at=START))
    assert isinstance(found, Allowed)


def test_protection_is_named_before_a_limit() -> None:
    held = Hold(rule="policy.cooldown", reason="a short while ago", passes=False)
    protected = process(user="somebody")
    found = verdict(
        terminate(), protected, situation=Situation(locked=None, hold=held, at=START)
    )
    assert rule_of(found) != "policy.cooldown"


def test_what_would_come_back_is_not_terminated() -> None:
    found = verdict(terminate(), process(respawner="supervisord"))
    assert isinstance(found, Refusal)
    assert (found.rule, "supervisord" in found.by_hand) == ("respawner", True)


@pytest.mark.parametrize("action", [LOWER, PAUSE], ids=lambda a: a.kind)
def test_what_would_come_back_may_be_slowed(action: Action) -> None:
    assert isinstance(verdict(action, process(respawner="supervisord")), Allowed)


def test_a_worker_below_its_master_goes_with_the_master() -> None:
    worker = process(77, respawner="its master")
    tree = Terminate(
        host="web-1",
        process=identity(),
        label="x",
        scope="tree",
        members=(worker.identity,),
    )
    assert isinstance(verdict(tree, process(), worker), Allowed)


def test_what_listens_is_not_paused() -> None:
    found = verdict(PAUSE, process(ports=(80, 443)))
    assert isinstance(found, Refusal)
    assert (found.rule, "80, 443" in found.reason) == ("listens on a port", True)


def test_what_listens_may_be_terminated() -> None:
    assert isinstance(verdict(terminate(), process(ports=(80,))), Allowed)


@pytest.mark.parametrize(
    ("action", "by_hand"),
    [
        (terminate(), "kill -TERM 4242"),
        (LOWER, "renice -n 10 -p 4242"),
        (RESTORE, "renice -n 0 -p 4242"),
        (PAUSE, ""),
        (RESUME, ""),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_a_missing_right_is_told_with_what_to_run(action: Action, by_hand: str) -> None:
    found = verdict(action, process(denied="CAP_KILL is missing"))
    assert isinstance(found, Refusal)
    assert found.rule == "privilege"
    assert found.by_hand.startswith(by_hand)
    assert bool(found.by_hand) is bool(by_hand)
