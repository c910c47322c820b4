"""The image is built from the Dockerfile and run under compose's restrictions, for real.

`make install-test` runs it: some minutes, and Debian's packages from the network. Docker
does not run everywhere; podman reads the same Dockerfile and is told what compose.yaml
says, but for the limits and `pid: host`, which need cgroups of their own.
"""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from handlers.workspace.people import ALICE
from handlers.workspace.workspace import Workspace
from tests.fakes.slack import whispered
from tests.real.machines import EMPTY, ROOT, Machine, machine, root_of
from tests.real.ports import free_port
from tests.real.sources import cloned, wheels

pytestmark = [pytest.mark.install, pytest.mark.timeout(900)]

SOURCE = "/usr/local/src/countersign"
ETC = "/etc/countersign"
UID = "10001"
PIP = "[global]\nno-index = true\nfind-links = /wheels\n"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Machine]:
    store = tmp_path / "containers"
    store.mkdir()
    source = cloned(tmp_path / "source")
    shown = (f"{source}:{SOURCE}", f"{wheels()}:/wheels", f"{root_of(EMPTY)}:/debian")
    with machine(EMPTY, shown, lent=[f"{store}:/var/lib/containers"]) as running:
        yield running


def typed(host: Machine, words: str, *, code: int = 0) -> str:
    done = subprocess.run(
        host.enter("bash", "-euc", f"cd {SOURCE}\n{words}"),
        capture_output=True,
        text=True,
        timeout=600,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
        check=False,
    )
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def build(host: Machine) -> None:
    host.write("/etc/pip.conf", PIP)
    typed(
        host,
        "export DEBIAN_FRONTEND=noninteractive; apt-get update; "
        "apt-get install --yes --no-install-recommends podman crun",
    )
    # No registry is asked: the base is a Debian that was made here.
    base = "tar -C /debian --exclude './run/*' -c ."
    typed(host, f"{base} | podman import - debian:bookworm-slim")
    typed(
        host,
        "podman build --isolation chroot --network host --pull=never "
        "--volume /wheels:/wheels:ro --volume /etc/pip.conf:/etc/pip.conf:ro "
        "--file deploy/Dockerfile --tag countersign .",
    )


def service() -> dict[str, Any]:
    file = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    found: dict[str, Any] = file["services"]["countersign"]
    return found


def restricted(workspace: Workspace) -> Sequence[str]:
    """What compose.yaml says, as podman's options."""
    said = service()
    assert said["read_only"] is True
    return (
        *("--network=host", "--cgroups=disabled", "--read-only"),
        *("--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096"),
        *(f"--cap-drop={name}" for name in said["cap_drop"]),
        *(f"--security-opt={name.partition(':')[0]}" for name in said["security_opt"]),
        *(f"--tmpfs={place}" for place in said["tmpfs"]),
        f"--volume={said['volumes'][0]}",
        f"--volume={ETC}/countersign.yaml:{said['volumes'][1]['target']}:ro",
        *(f"--volume={ETC}/{n}:/run/secrets/{n}:ro" for n in said["secrets"]),
        f"--env=SLACK_API_URL={workspace.api_url}",
    )


def configure(host: Machine, workspace: Workspace, port: int) -> None:
    text = (ROOT / "deploy" / "countersign.yaml").read_text()
    text = text.replace("C0123456789", workspace.channel_id)
    text = text.replace("U0123456789", ALICE.id).replace(":8080", f":{port}")
    host.write(f"{ETC}/countersign.yaml", text)
    for name, token in (
        ("slack_bot_token", workspace.bot_token),
        ("slack_app_token", workspace.app_token),
    ):
        host.write(f"{ETC}/{name}", token)
        host.run("chown", UID, f"{ETC}/{name}")
        host.run("chmod", "400", f"{ETC}/{name}")


def test_the_image_runs_without_rights_and_says_that_it_sees_no_host(
    workspace: Workspace, host: Machine
) -> None:
    build(host)
    port = free_port()
    configure(host, workspace, port)
    options = " ".join(restricted(workspace))
    typed(host, f"podman run --detach --name bot {options} countersign")
    workspace.wait_connected(60)

    pid = typed(host, "podman inspect --format '{{.State.Pid}}' bot").strip()
    rights = host.read(f"/proc/{pid}/status")
    assert f"Uid:\t{UID}\t{UID}" in rights
    assert "CapEff:\t0000000000000000" in rights and "NoNewPrivs:\t1" in rights
    typed(host, "podman exec bot touch /etc/written", code=1)
    typed(host, "podman exec bot touch /var/lib/countersign/written")
    health = service()["healthcheck"]["test"][-1].replace(":8080", f":{port}")
    typed(host, f'podman exec bot python3 -c "{health}"')

    assert workspace.command(ALICE.id, "status").acked
    assert "This host is not watched" in whispered(workspace, ALICE.id, "As of")
    typed(host, "podman stop --time 20 bot")
    assert "stopped" in typed(host, "podman logs bot 2>&1")

    doctor = f"podman run --rm {options} countersign doctor"
    said = typed(host, doctor)
    assert "WARN  host: This host is not watched" in said
    assert "FAIL" not in said
