"""What every detector has in common, found by looking into the folder."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from bot import detectors, evidence
from bot.config.services import Timer
from bot.config.settings import DetectorSection
from bot.host.host import HostSampler
from bot.measuring.gauge import Gauge
from bot.measuring.series import only
from bot.model import Finding, Level
from bot.ports import Detector, NotTold
from remediation.acts.service_manager import ManagerUnavailable
from tests.detectors.pieces import START, HandClock, PaperFacts, context, this_host
from tests.fakes.services import FakeServices

SUBJECTS = {
    "cpu": "",
    "memory": "",
    "filesystem": "/srv",
    "inodes": "/srv",
    "filesystem_forecast": "/srv",
    "read_only_filesystem": "/srv",
    "disk_latency": "sda",
    "surprise": "",
    "conntrack": "",
    "file_descriptors": "",
    "listen_overflow": "",
    "tcp_retransmits": "",
    "network_errors": "eth0",
    "network_link": "eth0",
    "network_saturation": "eth0",
    "crash_loop": "nginx.service",
    "timer": "backup.timer",
    "unit_failed": "",
}
BACKUP = Timer(unit="backup.timer", every=timedelta(hours=1))
# They measure from outside: a service that does not answer is down, not unknown, and
# what no rule of Prometheus asks for is over. The clock is asked for by a call of the
# kernel, which no folder can take away.
NAMES = sorted(detectors.known())
SEEING = {"alert", "clock", "endpoint", "prometheus"}
BLIND = [name for name in NAMES if name not in SEEING]


def test_the_folder_is_the_list() -> None:
    files = Path(detectors.__file__).parent.glob("*.py")

    assert set(NAMES) == {file.stem for file in files} - {"__init__"}
    assert set(evidence.known()) >= {"culprit", "top_processes"}


@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_of_every_section_make_sense(name: str) -> None:
    section: DetectorSection = detectors.known()[name].Section()

    made = detectors.known()[name](section, this_host())

    assert made.name == name
    assert name == "alert" or section.interval <= section.for_
    assert section.interval >= timedelta(seconds=1)


def test_who_has_its_limits_elsewhere_says_so() -> None:
    # A false alarm of theirs must not suggest a limit that nobody reads.
    elsewhere = {n for n in NAMES if not detectors.known()[n].Section.has_limits}
    assert elsewhere == {
        "alert",
        "endpoint",
        "timer",
        "prometheus",
        "network_link",
        "read_only_filesystem",
    }


def test_every_condition_has_its_page() -> None:
    shelf = Path(detectors.__file__).parents[2] / "runbooks"
    pages = [page.read_text() for page in shelf.glob("*.md")]
    fronts = [text.split("---\n")[1] for text in pages if text.startswith("---\n")]
    listed = {name for text in fronts for name in yaml.safe_load(text)["conditions"]}

    assert set(NAMES) <= listed


@pytest.mark.parametrize("name", NAMES)
def test_a_section_is_told_what_testers_tell_it(name: str) -> None:
    raw = {"warning": 50, "critical": 80, "for": "2s", "interval": "1s"}

    section = detectors.known()[name].Section.model_validate(raw)

    assert section.for_ == timedelta(seconds=2)


@pytest.mark.parametrize("name", BLIND)
def test_without_proc_and_services_nothing_is_well(name: str, tmp_path: Path) -> None:
    clock = HandClock()
    known = detectors.known()[name]
    silent = FakeServices(failure=ManagerUnavailable("systemd gives no answer"))
    host = context(
        tmp_path,
        clock,
        PaperFacts(tmp_path),
        sampler=HostSampler(clock, proc=tmp_path, sys=tmp_path),
        services=silent,
        timers=(BACKUP,),
    )
    made = known(known.Section(), host)
    watched = SUBJECTS.get(name, "process:7:8")

    for _ in range(3):
        found = _asked(made, watched)
        clock.forward(5)
        assert [f.subject for f in found] == [watched]
        assert {(f.level, f.value) for f in found} == {(Level.UNKNOWN, None)}


def _asked(made: Detector, watched: str) -> list[Finding]:
    """What `watch.py` makes of it: what nobody tells any more is unknown."""
    try:
        return made.check({watched})
    except NotTold:
        gauge = Gauge(
            detector=made.name, host="web-1", label="", unit="", limits=only(1)
        )
        return [gauge.unknown(START, watched)]
