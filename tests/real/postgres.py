"""A PostgreSQL server of the tests' own, on loopback, in a folder of its own."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.ports import free_port


def binaries() -> Path | None:
    """The folder of the newest installed server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def missing(what: str) -> None:
    """Skip by name on a laptop; in CI a missing program is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing; tests/services.sh installs it")
    pytest.skip(f"needs {what}")


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Start a server, yield its URL, stop it."""
    programs = binaries()
    if programs is None:
        missing("postgresql")
        return
    folder = Path(tempfile.mkdtemp(prefix="countersign-pg-"))
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    port = free_port()

    def run(*words: str) -> None:
        subprocess.run(
            words,
            check=True,
            cwd=folder,
            capture_output=True,
            user=user if os.geteuid() == 0 else None,
            timeout=60,
        )

    data = str(folder / "data")
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
    run(str(programs / "initdb"), "-D", data, "-A", "trust", "-U", "postgres")
    log = str(folder / "log")
    run(str(programs / "pg_ctl"), "-D", data, "-w", "-l", log, "-o", options, "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder)
