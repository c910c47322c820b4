"""What is said of another host's service: as its gate told it, and nothing of this host's."""

from dataclasses import replace

from bot.diagnosis.rules import RuleDiagnoser
from bot.evidence.service import ServiceEvidence
from bot.model import Incident
from bot.pointed import Pointed
from handlers.blocks.card import _facts
from remediation.target.unit import UnitFacts
from tests.detectors.pieces import this_host
from tests.fakes.services import FakeServices, running, service
from tests.fakes.things import finding, incident


def about(host: str, facts: UnitFacts | None) -> Incident:
    pointed = Pointed(service="nginx.service", rule="down", actions=("restart",))
    lead = finding(host=host, detector="prometheus", culprits=(), points_at=pointed)
    return replace(incident(), host=host, findings=(lead,), culprit=None, service=facts)


def test_the_state_over_there_is_evidence() -> None:
    (item,) = ServiceEvidence(this_host()).gather(about("web-7", service()))
    assert item.title == "The service nginx.service on web-7"
    assert "State: failed (exited with status 1)" in item.text


def test_of_no_service_nothing_is_told() -> None:
    assert ServiceEvidence(this_host()).gather(about("web-7", None)) == []


def test_this_hosts_manager_is_not_asked_about_another_host() -> None:
    here = FakeServices(units={"nginx.service": running()})
    host = replace(this_host(), services=here)
    (there,) = ServiceEvidence(host).gather(about("web-7", service()))
    (own,) = ServiceEvidence(host).gather(about("web-1", service()))
    assert "State: failed" in there.text
    assert "State: active" in own.text


def test_a_service_that_is_down_is_the_opinion_and_one_that_runs_is_none() -> None:
    down = RuleDiagnoser().diagnose(about("web-7", service()))
    assert down.summary.startswith("nginx.service is failed: it exited with status 1")
    up = RuleDiagnoser().diagnose(about("web-7", running()))
    assert up.summary.startswith("Prometheus tells the figure")


def test_the_card_says_how_the_service_was_when_it_opened() -> None:
    said = str(_facts(about("web-7", service())))
    assert "Service when this opened" in said
    assert "failed (exited with status 1)" in said
