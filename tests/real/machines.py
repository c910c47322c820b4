"""A Debian machine of the tests' own, booted by systemd in a container; ends with them.

The root filesystem is made once and kept outside of the repository; each machine writes
into memory. It has the loopback of this one, so that a bot inside finds the tests'
workspace, and sees this repository and its Python read-only.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.real.ports import free_port
from tests.real.postgres import missing

ROOT = Path(__file__).parents[2]
BOT_USER = "countersign"
_CGROUPS = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/systemd"))


@dataclass(frozen=True, kw_only=True)
class Image:
    """What a machine's root filesystem holds. name: changes with what is in it."""

    name: str
    packages: str
    hooks: tuple[str, ...] = ()


SERVICES = Image(
    name="debian-1",
    packages="systemd,systemd-sysv,dbus,polkitd,nginx-light,python3,procps",
    hooks=(
        f'chroot "$1" useradd --system {BOT_USER}',
        'chroot "$1" systemctl disable nginx',
    ),
)
EMPTY = Image(name="empty-1", packages="systemd,systemd-sysv,dbus")
"""Nothing but Debian's smallest system that boots, and no user of ours."""
SHOWN = tuple(sorted({str(ROOT), sys.prefix, sys.base_prefix} - {"/usr"}))


@dataclass
class Machine:
    """A running machine. leader: the pid of its init, as this machine numbers it.

    http: where its nginx listens; machines that share a loopback have a port each.
    """

    leader: int
    http: int = 80

    @property
    def bus(self) -> str:
        """The address of its system bus."""
        return f"unix:path={_bus_of(self.leader)}"

    def enter(self, *words: str, user: str | None = None) -> list[str]:
        """Return the words that run a program inside of it."""
        inside = ["nsenter", "-t", str(self.leader), "-a"]
        if user is not None:
            inside += ["runuser", "-u", user, "--"]
        return [*inside, *words]

    def run(self, *words: str, check: bool = True) -> str:
        """Run a program inside as root; return what it printed."""
        done = subprocess.run(
            self.enter(*words), capture_output=True, text=True, timeout=60, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def write(self, path: str, text: str) -> None:
        """Write a file inside."""
        file = _files_of(self.leader) / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(self, path: str) -> str:
        """Read a file inside."""
        return (_files_of(self.leader) / path.lstrip("/")).read_text()

    def service(self, name: str, body: str, *, start: bool = True) -> None:
        """Install a unit and start it."""
        self.write(f"/etc/systemd/system/{name}", body)
        self.run("systemctl", "daemon-reload")
        if start:
            self.run("systemctl", "start", name, check=False)

    def show(self, name: str, *properties: str) -> Mapping[str, str]:
        """What systemd says of a unit."""
        wanted = f"--property={','.join(properties)}"
        lines = self.run("systemctl", "show", wanted, name).splitlines()
        return dict(line.split("=", 1) for line in lines)


def _files_of(pid: int) -> Path:
    return Path("/proc") / str(pid) / "root"


def _bus_of(pid: int) -> Path:
    return _files_of(pid) / "run/dbus/system_bus_socket"


@contextlib.contextmanager
def machine(
    image: Image = SERVICES,
    shown: Sequence[str] = SHOWN,
    lent: Sequence[str] = (),
    options: Sequence[str] = (),
) -> Iterator[Machine]:
    """Boot a machine, yield it, switch it off.

    shown: what it sees of this one, read-only; `OURS:ITS` where it is elsewhere there.
    lent: what it may write to, likewise. options: more words for systemd-nspawn.
    """
    if os.geteuid() != 0 or not shutil.which("systemd-nspawn"):
        missing("root, systemd-container and mmdebstrap")
        return
    root = root_of(image)
    name = f"countersign-{os.getpid()}-{time.monotonic_ns() % 1_000_000}"
    groups = [group / name for group in _CGROUPS if group.is_dir()]
    for group in groups:
        group.mkdir()
    with tempfile.TemporaryFile() as log:
        nspawn = subprocess.Popen(
            [
                "/bin/sh",
                "-c",
                _ENTER,
                "sh",
                *map(str, groups),
                "--",
                *_nspawn(root, name, shown, lent),
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )
        try:
            made = Machine(leader=_booted(nspawn))
            _prepare(made)
            if image is SERVICES:
                _move_nginx(made, free_port())
            yield made
        finally:
            _off(nspawn)
            _remove(groups)


# Each machine has a cgroup of its own; else all of them would share one.
_ENTER = (
    'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; '
    'exec "$@"'
)


def _nspawn(
    root: Path, name: str, shown: Sequence[str], lent: Sequence[str]
) -> Sequence[str]:
    return (
        "systemd-nspawn",
        "--quiet",
        f"--directory={root}",
        "--volatile=overlay",
        "--boot",
        f"--machine={name}",
        "--register=no",
        "--keep-unit",
        "--console=pipe",
        *(f"--bind-ro={path}" for path in shown),
        *(f"--bind={path}" for path in lent),
    )


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder outside of the repository, made at the first call on this machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "countersign-tests"
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / name
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_dir():
            unfinished = folder / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(made)
    return made


def root_of(image: Image) -> Path:
    """Return the root filesystem of an image, made at the first call on this machine."""
    return kept(image.name, lambda folder: _debootstrap(image, folder))


def _debootstrap(image: Image, folder: Path) -> None:
    release = Path("/etc/os-release").read_text()
    codename = release.partition("VERSION_CODENAME=")[2].partition("\n")[0]
    done = subprocess.run(
        [
            # What it mounts is in its own world: whoever clears up after one that was
            # stopped must not find the /dev and /proc of this machine in there.
            "unshare",
            "--mount",
            "mmdebstrap",
            "--variant=minbase",
            f"--include={image.packages}",
            '--customize-hook=true > "$1/etc/machine-id"',
            '--customize-hook=chmod 711 "$1/root"',
            *(f"--customize-hook={hook}" for hook in image.hooks),
            codename,
            str(folder),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def _booted(nspawn: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert nspawn.poll() is None, "the machine ended while it booted"
        children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children").read_text()
        for pid in children.split():
            if _bus_of(int(pid)).exists():
                return int(pid)
        time.sleep(0.05)
    raise AssertionError("the machine did not boot within 30 s")


def _prepare(made: Machine) -> None:
    end = time.monotonic() + 30
    while made.run("systemctl", "is-system-running", check=False).strip() != "running":
        assert time.monotonic() < end, made.run("systemctl", "--failed", check=False)
        time.sleep(0.05)


def _move_nginx(made: Machine, port: int) -> None:
    site = "/etc/nginx/sites-available/default"
    listens = re.sub(r"(listen (?:\[::\]:)?)80\b", rf"\g<1>{port}", made.read(site))
    made.write(site, listens)
    made.http = port


def _off(nspawn: subprocess.Popen[bytes]) -> None:
    children = Path(f"/proc/{nspawn.pid}/task/{nspawn.pid}/children")
    with contextlib.suppress(OSError, ProcessLookupError):
        for pid in children.read_text().split():
            os.kill(int(pid), signal.SIGRTMIN + 4)
    try:
        nspawn.wait(20)
    except subprocess.TimeoutExpired:
        nspawn.kill()
        nspawn.wait()


def _remove(groups: Sequence[Path]) -> None:
    for group in groups:
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
