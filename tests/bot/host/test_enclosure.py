"""What counts as a host: the kernel's first pid namespace, or one with a real init."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import detectors
from bot.host.enclosure import NOTHING, NoFacts, sees_a_host, unseen
from remediation.target.identity import Unobservable
from tests.real.postgres import missing

FIRST = "pid:[4026531836]"
OTHER = "pid:[4026532187]"


def proc(folder: Path, namespace: str, init: str) -> Path:
    (folder / "self/ns").mkdir(parents=True)
    (folder / "self/ns/pid").symlink_to(namespace)
    (folder / "1").mkdir()
    (folder / "1/comm").write_text(f"{init}\n")
    return folder


@pytest.mark.parametrize(
    ("namespace", "init", "is_host"),
    [
        (FIRST, "systemd", True),
        (FIRST, "process_api", True),
        (OTHER, "systemd", True),
        (OTHER, "init", True),
        (OTHER, "countersign", False),
        (OTHER, "docker-init", False),
        (OTHER, "sh", False),
    ],
)
def test_a_host_has_the_first_namespace_or_an_init(
    tmp_path: Path, namespace: str, init: str, *, is_host: bool
) -> None:
    paper = proc(tmp_path, namespace, init)
    assert sees_a_host(paper) is is_host
    why = unseen(wanted=None, container="oci", proc=paper)
    assert bool(why) is not is_host


def test_without_proc_there_is_no_host() -> None:
    assert not sees_a_host(NOTHING)


def test_a_container_that_nobody_calls_one_is_watched(tmp_path: Path) -> None:
    paper = proc(tmp_path, OTHER, "sh")
    assert unseen(wanted=None, container=None, proc=paper) == ""


def test_the_configuration_decides_where_it_says_anything(tmp_path: Path) -> None:
    paper = proc(tmp_path, OTHER, "sh")
    assert unseen(wanted=True, container="oci", proc=paper) == ""
    assert "watch_host" in unseen(wanted=False, container=None, proc=paper)


def test_a_real_namespace_without_an_init_is_no_host() -> None:
    if os.geteuid() != 0:
        missing("root, for a pid namespace")
    look = "from bot.host.enclosure import sees_a_host; print(sees_a_host())"
    inside = ("/usr/bin/unshare", "--fork", "--pid", "--mount-proc", "--kill-child")
    done = subprocess.run(
        [*inside, sys.executable, "-c", look],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        timeout=60,
        check=True,
    )
    assert done.stdout == "False\n"


def test_nobody_is_found_on_a_host_that_is_not_seen() -> None:
    facts = NoFacts("this container sees its own processes only")
    with pytest.raises(Unobservable, match="sees its own processes only"):
        facts.read(1)
    assert facts.descendants(1) == ()


def test_only_what_asks_others_than_proc_needs_no_host() -> None:
    known = detectors.known()
    outside = {name for name, found in known.items() if not found.Section.needs_host}
    assert {"endpoint", "unit_failed", "crash_loop", "timer"} <= outside
    assert not outside & {"cpu", "memory", "filesystem", "runaway_process"}
