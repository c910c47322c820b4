"""A service's facts survive the way from a gate; whatever else comes is no answer."""

import json
import math
import time
from datetime import UTC, datetime, timedelta

import pytest

from remediation.gate.fields import BadRequest, decoded, encoded, object_of
from remediation.gate.unit_told import facts_told, told
from remediation.target.unit import UnitFacts, Verb
from tests.fakes.services import service

DENIED = {Verb.STOP: "gate.units: not listed"}


def sent(facts: UnitFacts, **changes: object) -> dict[str, object]:
    """The fields as they arrive."""
    line = encoded({**told(facts, DENIED), **changes})
    return dict(object_of(decoded(line)))


def test_everything_but_ages_arrives_as_it_was() -> None:
    facts = service(
        needed_by=("app.service",),
        drop_ins=("/etc/x.conf",),
        restarts=3,
        start_timeout=None,
        changed_at=None,
    )
    found = facts_told(sent(facts))
    assert found.denied == ((Verb.STOP, "gate.units: not listed"),)
    assert told(found, DENIED) == told(facts, DENIED)


def test_ages_are_told_and_not_times() -> None:
    began = time.monotonic() - 7
    changed = datetime.now(UTC) - timedelta(minutes=3)
    fields = sent(service(last_start=began, changed_at=changed))
    # The clock over there may say anything.
    assert set(fields) & {"last_start", "changed_at"} == set()
    found = facts_told(fields)
    assert found.last_start is not None and found.changed_at is not None
    assert found.last_start == pytest.approx(began, abs=1)
    assert abs(found.changed_at - changed) < timedelta(seconds=1)


def test_an_answer_that_took_its_time_makes_waits_longer_not_shorter() -> None:
    began = time.monotonic() - 7
    fields = sent(service(last_start=began))
    time.sleep(0.2)
    found = facts_told(fields)
    assert found.last_start is not None and found.last_start > began


def test_what_no_unit_is_is_printable() -> None:
    found = facts_told(sent(service(), description="a\u202eb\n<!channel>" * 500))
    assert "\n" not in found.description and len(found.description) <= 520
    assert "\u202e" not in found.description


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../../x"},
        {"name": 7},
        {"boot_id": "x"},
        {"invocation": "zz"},
        {"restarts": -1},
        {"restarts": True},
        {"stale": "no"},
        {"interval": "10"},
        {"interval": -1},
        {"interval": 1e30},
        {"started_ago": [1]},
        {"names": "nginx.service"},
        {"names": [1]},
        {"needed_by": ["x.service"] * 1000},
        {"denied": []},
        {"denied": {"kill": "x"}},
        {"denied": {"stop": 1}},
        {"load": None},
    ],
    ids=str,
)
def test_whatever_else_comes_is_no_answer(changes: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        facts_told(sent(service(), **changes))


def test_a_missing_field_and_no_number_are_no_answer() -> None:
    fields = sent(service())
    fields["interval"] = json.loads("NaN")
    assert math.isnan(float(str(fields["interval"])))
    with pytest.raises(BadRequest):
        facts_told(fields)
    with pytest.raises(BadRequest):
        facts_told({})
