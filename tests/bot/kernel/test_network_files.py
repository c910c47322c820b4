"""/proc/net and /sys/class/net as they are here, and as they are nowhere."""

import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.kernel import interfaces, snmp, sockets
from bot.kernel.interfaces import Traffic
from bot.kernel.roots import Roots, read_file


def test_what_went_over_loopback_is_counted() -> None:
    before = interfaces.traffic(Roots())["lo"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(20):
            sender.sendto(bytes(1000), ("127.0.0.1", 9))
    after = interfaces.between(before, interfaces.traffic(Roots())["lo"])

    assert after is not None
    assert after.sent >= 20 and after.received_bytes >= 20_000


def test_loopback_is_no_card() -> None:
    assert "lo" not in interfaces.links(Roots())
    assert interfaces.links(Roots(), more=["lo"])["lo"].is_up


def test_a_list_longer_than_a_page_is_read_to_its_end() -> None:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(100)]
    ports = {server.getsockname()[1] for server in servers}
    try:
        listening = {s.port for s in sockets.listeners(Roots())}
        whole = Path("/proc/net/tcp").read_bytes().count(b"\n")
        read = read_file("/proc/net/tcp").count(b"\n")
    finally:
        for server in servers:
            server.close()

    assert ports <= listening
    # Others open and close sockets meanwhile, but not a page of them.
    assert read == pytest.approx(whole, abs=20)
    assert read > 100


def test_connections_of_this_host_are_counted() -> None:
    before = snmp.read(Roots())
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    after = snmp.read(Roots())

    assert after["Tcp.ActiveOpens"] > before["Tcp.ActiveOpens"]
    assert {"Tcp.RetransSegs", "TcpExt.ListenOverflows"} <= after.keys()


@pytest.mark.parametrize("read", [interfaces.traffic, snmp.read])
@given(text=st.binary(max_size=400))
def test_files_of_any_bytes_are_read(
    read: Callable[[Roots], dict[str, Traffic | int]], text: bytes
) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "net").mkdir()
        for name in ("dev", "snmp", "netstat"):
            (Path(folder) / "net" / name).write_bytes(text)

        found = read(Roots(proc=Path(folder)))

    assert all(isinstance(value, Traffic) or value >= 0 for value in found.values())
