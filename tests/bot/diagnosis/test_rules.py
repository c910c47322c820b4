"""What can be said without a model, where nobody is to blame."""

from dataclasses import replace

from bot.diagnosis.rules import RuleDiagnoser
from bot.model import Finding, NoAction
from tests.fakes.things import finding, incident


def said(**changes: object) -> str:
    lead: Finding = finding(culprits=(), **changes)
    about = replace(incident(), findings=(lead,), culprit=None)
    return RuleDiagnoser().diagnose(about).summary


def test_a_full_disk_is_nobodys() -> None:
    assert said(mount="/srv").startswith("Who fills /srv is not counted")


def test_the_detectors_own_reason_is_the_opinion() -> None:
    reason = "no signal reaches a process that waits inside the kernel"
    none = NoAction(rule="state D", reason=reason)
    assert said(no_action=none) == f"No process is named: {reason}."


def test_else_it_may_be_many() -> None:
    assert said().startswith("No single process explains this")
