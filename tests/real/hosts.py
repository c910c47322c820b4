"""Other hosts: machines in network namespaces of their own, with sshd, a gate and nginx."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.real.machines import BOT_USER, Image, Machine, machine
from tests.real.postgres import missing

HOSTS = Image(
    name="debian-ssh-1",
    packages="systemd,systemd-sysv,dbus,nginx-light,openssh-server,python3,iproute2",
    hooks=(
        f'chroot "$1" useradd --system {BOT_USER}',
        'chroot "$1" systemctl disable nginx ssh',
        'rm "$1"/etc/ssh/ssh_host_*',
    ),
)
GATE = f"{sys.executable} -I -m remediation.gate --stdin --allow /etc/countersign/gate.json"
LISTED = {"nginx.service": ["restart", "reset-failed"]}
_NEEDED = ("ip", "ssh-keygen", "systemd-nspawn")
_AT_ONCE = 4
_LISTEN = "0A"
_SSHD = """\
PermitRootLogin forced-commands-only
AuthorizedKeysFile /etc/ssh/gate_keys
"""
_KEY = "/etc/ssh/ssh_host_ed25519_key"


@dataclass(frozen=True, kw_only=True)
class Network:
    """A bridge on this machine; what hangs on it reaches nothing else."""

    name: str
    prefix: str

    def address(self, number: int) -> str:
        return f"{self.prefix}.{10 + number}"


@dataclass(frozen=True, kw_only=True)
class OtherHost:
    """A running machine as its neighbours see it. link: its end of the cable, here."""

    name: str
    address: str
    link: str
    machine: Machine

    @property
    def host_key(self) -> str:
        return " ".join(self.machine.read(f"{_KEY}.pub").split()[:2])

    @property
    def invocation(self) -> str:
        return self.machine.show("nginx.service", "InvocationID")["InvocationID"]

    @property
    def state(self) -> str:
        return self.machine.show("nginx.service", "ActiveState")["ActiveState"]

    @property
    def listens(self) -> bool:
        """Whether anybody there listens on port 80, as the kernel tells."""
        rows = Path(f"/proc/{self.machine.leader}/net/tcp").read_text().splitlines()
        fields = [row.split() for row in rows]
        return any(f[1].endswith(":0050") and f[3] == _LISTEN for f in fields)

    def kill_nginx(self) -> None:
        pid = self.machine.show("nginx.service", "MainPID")["MainPID"]
        self.machine.run("kill", "-9", pid)

    def unplug(self) -> None:
        """From now on nothing that is sent arrives, and nobody is told."""
        _ip("link", "set", self.link, "down")

    def plug(self) -> None:
        _ip("link", "set", self.link, "up")

    def allow(self, units: Mapping[str, Sequence[str]]) -> None:
        """Write the gate's list."""
        fields = {"version": 1, "units": units}
        self.machine.write("/etc/countersign/gate.json", json.dumps(fields))

    def log(self) -> list[str]:
        """The gate's lines in syslog."""
        words = ("journalctl", "--no-pager", "-o", "cat", "-t", "countersign-gate")
        return self.machine.run(*words, check=False).splitlines()


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """Make a bridge with an address for this machine; take it away again."""
    pid = os.getpid()
    name, prefix = f"cs{pid % 100_000}", f"10.{77 + pid // 250 % 150}.{pid % 250}"
    _ip("link", "add", name, "type", "bridge")
    try:
        _ip("addr", "add", f"{prefix}.1/24", "dev", name)
        _ip("link", "set", name, "up")
        yield Network(name=name, prefix=prefix)
    finally:
        _ip("link", "del", name)


@contextlib.contextmanager
def other_hosts(
    folder: Path, names: Sequence[str], *, units: Mapping[str, Sequence[str]] = LISTED
) -> Iterator[dict[str, OtherHost]]:
    """Boot a host for each name, with the key of `folder` and this list at its gate."""
    if os.geteuid() != 0 or not all(map(shutil.which, _NEEDED)):
        missing("root, iproute2, openssh-client, systemd-container and mmdebstrap")
    key = key_in(folder)
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(network())

        def start(number: int) -> OtherHost:
            made = stack.enter_context(_host(net, number, names[number]))
            _open(made, key, units)
            return made

        # The stack ends them one by one; they are started a few at a time.
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(start, range(len(names))))
        yield {host.name: host for host in found}


def key_in(folder: Path) -> str:
    """Make a key pair in the folder, at the first call; return the public one."""
    file = folder / "bot_key"
    if not file.exists():
        words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file))
        subprocess.run(words, check=True, timeout=30)
    return file.with_suffix(".pub").read_text().strip()


@contextlib.contextmanager
def _host(net: Network, number: int, name: str) -> Iterator[OtherHost]:
    space, link = f"{net.name}h{number}", f"{net.name}v{number}"
    _ip("netns", "add", space)
    try:
        peer = ("peer", "name", "host0", "netns", space)
        _ip("link", "add", link, "type", "veth", *peer)
        _ip("link", "set", link, "master", net.name, "up")
        _ip("-n", space, "addr", "add", f"{net.address(number)}/24", "dev", "host0")
        _ip("-n", space, "link", "set", "host0", "up")
        _ip("-n", space, "link", "set", "lo", "up")
        options = (f"--network-namespace-path=/run/netns/{space}", f"--hostname={name}")
        with machine(HOSTS, options=options) as running:
            yield OtherHost(
                name=name, address=net.address(number), link=link, machine=running
            )
    finally:
        _ip("netns", "del", space)


def _open(host: OtherHost, key: str, units: Mapping[str, Sequence[str]]) -> None:
    made = host.machine
    host.allow(units)
    made.write("/etc/ssh/sshd_config.d/gate.conf", _SSHD)
    made.write("/etc/ssh/gate_keys", f'restrict,command="{GATE}" {key}\n')
    made.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", _KEY)
    made.run("systemctl", "start", "ssh", "nginx")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=30)
