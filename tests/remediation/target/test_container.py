"""Containers are called as people call them, where somebody tells; else by their id."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remediation.target.container import name_of
from tests.fakes.patience import until
from tests.fakes.things import process

ID = "3f" * 32
OTHER = "4e" * 32


@contextmanager
def monitor(folder: Path, *arguments: str) -> Iterator[int]:
    """A process that calls itself as podman's monitor does, with these arguments."""
    program = folder / "conmon"
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o755)
    command = [program, *arguments]
    with subprocess.Popen(command, start_new_session=True) as child:
        comm = Path(f"/proc/{child.pid}/comm")
        until(lambda: comm.read_text() == "conmon\n")
        try:
            yield child.pid
        finally:
            os.killpg(child.pid, signal.SIGKILL)


@pytest.mark.parametrize(("cid", "name"), [("-c", "-n"), ("--cid", "--name")])
def test_podmans_monitor_says_the_name(tmp_path: Path, cid: str, name: str) -> None:
    with monitor(tmp_path, cid, ID, "-r", "crun", name, "web shop") as pid:
        assert name_of(ID, (pid, 1), tmp_path) == "web shop"


def test_the_monitor_of_another_container_says_nothing(tmp_path: Path) -> None:
    with monitor(tmp_path, "-c", OTHER, "-n", "web") as pid:
        assert name_of(ID, (pid,), tmp_path) == ""


def test_a_monitor_without_a_name_says_nothing(tmp_path: Path) -> None:
    with monitor(tmp_path, "-c", ID, "-n") as pid:
        assert name_of(ID, (pid,), tmp_path) == ""


@pytest.mark.parametrize(
    ("kept", "name"),
    [
        (json.dumps({"Name": "/web"}), "web"),
        (json.dumps({"Name": "/w\u202eb"}), "w\\u202eb"),
        (json.dumps({"Name": 7}), ""),
        (json.dumps(["web"]), ""),
        ("{", ""),
        ("[" * 100_000, ""),
        ("\xff", ""),
    ],
)
def test_docker_keeps_it_in_a_file(tmp_path: Path, kept: str, name: str) -> None:
    place = tmp_path / "var/lib/docker/containers" / ID
    place.mkdir(parents=True)
    (place / "config.v2.json").write_text(kept, encoding="latin-1")

    assert name_of(ID, (), tmp_path) == name


def test_the_kubelet_has_it_in_the_name_of_a_log(tmp_path: Path) -> None:
    logs = tmp_path / "var/log/containers"
    logs.mkdir(parents=True)
    (logs / f"shop-7d9f_prod_books-{ID}.log").touch()
    (logs / f"shop-7d9f_prod_cart-{OTHER}.log").touch()
    (logs / "odd").touch()

    assert name_of(ID, (), tmp_path) == "prod/shop-7d9f/books"
    assert name_of("5d" * 32, (), tmp_path) == ""


def test_nobody_tells(tmp_path: Path) -> None:
    assert name_of(ID, (4_194_304, 1), tmp_path) == ""


def test_people_read_where_a_process_lives() -> None:
    assert process(cgroup="/a", unit="web.service").home == "web.service"
    assert process(cgroup="/a", unit=None).home == "/a"
    unnamed = process(container=ID, unit="docker-x.scope")
    assert unnamed.home == "container 3f3f3f3f3f3f"
    named = process(container=ID, container_name="web")
    assert named.home == "container web (3f3f3f3f3f3f)"
