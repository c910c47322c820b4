"""What would make an incident's work expected, as words for the configuration."""

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
import yaml

from bot.blame.declare import declaration
from bot.config.expected import ExpectedSection
from bot.model import Culprit, Incident
from remediation.ledger.decision import NotDecided
from tests.fakes.things import culprit, finding, identity, incident


def running(exe: str) -> Culprit:
    return culprit(unit=None, identity=identity(exe=exe))


def entry(about: Incident) -> dict[str, object]:
    (found,) = yaml.safe_load(declaration(about, cores=8))["expected"]
    ExpectedSection.model_validate(found)
    return dict(found)


def test_a_process_in_a_unit_is_declared_by_it() -> None:
    blamed = culprit(unit="backup.service")
    found = entry(replace(incident(), culprit=blamed))
    assert found["unit"] == "backup.service"
    assert found["schedule"] == {"from": "03:00", "to": "05:00", "zone": "UTC"}


def test_a_process_of_nobodys_unit_is_declared_by_its_executable() -> None:
    loose = culprit(unit=None)
    about = replace(incident(), culprit=loose)
    found = entry(about)
    assert (found["exe"], found["user"]) == (loose.identity.exe, loose.process.user)


def test_a_quarter_more_than_was_seen_is_allowed() -> None:
    used = replace(culprit(), amount=320.0)
    lead = finding(detector="runaway_process", culprits=(used,))
    about = replace(incident(), findings=(lead,), culprit=used)
    assert entry(about)["max"] == {"cores": 4.0}


def test_memory_is_allowed_in_gigabytes() -> None:
    lead = finding(detector="memory")
    about = replace(incident(), findings=(lead,), culprit=culprit())
    assert "memory_gb" in str(entry(about)["max"])


def test_where_nobody_is_blamed_there_is_nothing_to_declare() -> None:
    about = replace(incident(), culprit=None, service=None)
    with pytest.raises(NotDecided, match="blames no process"):
        declaration(about, cores=8)


def test_what_is_not_about_cpu_or_memory_cannot_be_declared() -> None:
    about = replace(
        incident(), findings=(finding(detector="filesystem"),), culprit=culprit()
    )
    with pytest.raises(NotDecided, match="only conditions of the CPU and of memory"):
        declaration(about, cores=8)


@pytest.mark.parametrize("unit", ["session-3.scope", "user@1000.service", "init.scope"])
def test_a_login_is_no_work(unit: str) -> None:
    about = replace(incident(), culprit=culprit(unit=unit))
    with pytest.raises(NotDecided, match="whatever somebody runs"):
        declaration(about, cores=8)


@pytest.mark.parametrize("exe", ["", "/usr/bin/restic (deleted)"])
def test_a_program_without_a_name_cannot_be_declared(exe: str) -> None:
    about = replace(incident(), culprit=running(exe))
    with pytest.raises(NotDecided, match="cannot name the program"):
        declaration(about, cores=8)


def test_a_path_is_declared_as_it_is_and_not_as_a_pattern() -> None:
    found = entry(replace(incident(), culprit=running("/opt/a[1]/run*")))
    assert found["exe"] == "/opt/a[[]1]/run[*]"
    assert fnmatchcase("/opt/a[1]/run*", str(found["exe"]))
