"""What each rule of the shipped catalogue is tried on: series where it should speak, and not.

Series are in promtool's notation, a value each minute. Those of services have a day's
course, noise and a week before, as services do.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Lines = Mapping[str, str]
Expected = float | tuple[float, float] | None
LONG = 8 * 1440
"""Minutes of what is compared with last week."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """lines: what is there. gives: a figure, a figure between two, or no series."""

    lines: Lines
    gives: Expected
    minutes: int = 600


NODE = 'instance="web-7:9100",job="node"'
DISK = f'{NODE},device="sda1",fstype="ext4",mountpoint="/srv"'
NIC = f'{NODE},device="eth0"'
SITE = 'instance="https://shop.example",job="blackbox"'
KUBE = 'instance="10.0.0.9:8080",job="kube-state-metrics",namespace="shop"'
POD = f'{KUBE},pod="cart-7d9f-x2x4z"'
BOX = 'namespace="shop",pod="cart-7d9f-x2x4z",container="cart"'
SHOP = 'instance="10.0.0.3:8000",job="shop"'


def counted(per_second: Callable[[int], float], *, seed: int = 7) -> str:
    """Return a counter that grows so, with noise and a day's course."""
    noise = random.Random(seed)
    total, values = 0.0, ["0"]
    for minute in range(LONG):
        day = 1 + 0.4 * math.sin(2 * math.pi * minute / 1440)
        total += 60 * per_second(minute) * day * noise.uniform(0.9, 1.1)
        values.append(f"{total:.0f}")
    return " ".join(values)


def lately(before: float, now: float, *, minutes: int = 90) -> Callable[[int], float]:
    """Return a rate that changes at the end."""
    return lambda minute: now if minute >= LONG - minutes else before


def requests(rate: Callable[[int], float]) -> Lines:
    return {f'http_requests_total{{{SHOP},code="200"}}': counted(rate)}


def buckets(quick: int, slow: int) -> Lines:
    """Return a histogram: so many requests a minute below 0.1 s, so many up to 2.5 s."""
    name, both = "http_request_duration_seconds", quick + slow
    return {
        f'{name}_bucket{{{SHOP},le="0.1"}}': f"0+{quick}x700",
        f'{name}_bucket{{{SHOP},le="2.5"}}': f"0+{both}x700",
        f'{name}_bucket{{{SHOP},le="+Inf"}}': f"0+{both}x700",
        f"{name}_count{{{SHOP}}}": f"0+{both}x700",
    }


def answers(well: int, failed: int) -> Lines:
    return {
        f'http_requests_total{{{SHOP},code="200"}}': f"0+{well}x700",
        f'http_requests_total{{{SHOP},code="503"}}': f"0+{failed}x700",
    }


def one(name: str, labels: str, values: str) -> Lines:
    return {f"{name}{{{labels}}}": f"{values}x700"}


def share(part: str, whole: str, labels: str, parts: float, of: float) -> Lines:
    return {**one(part, labels, f"{parts:g}"), **one(whole, labels, f"{of:g}")}


def avail(left: str, size: int) -> Lines:
    name = "node_filesystem"
    return {
        **one(f"{name}_avail_bytes", DISK, left),
        **one(f"{name}_size_bytes", DISK, f"{size}"),
    }


def cores(idle: int) -> Lines:
    """Return one core that is idle for so many seconds of a minute."""
    name = "node_cpu_seconds_total"
    return {
        f'{name}{{{NODE},cpu="0",mode="idle"}}': f"0+{idle}x700",
        f'{name}{{{NODE},cpu="0",mode="user"}}': f"0+{60 - idle}x700",
    }


def idle_lately(now: float) -> Lines:
    name = f'node_cpu_seconds_total{{{NODE},cpu="0",mode="idle"}}'
    steps = [f"0+48x{LONG - 60}", f"{48 * (LONG - 60) + now * 60:g}+{now * 60:g}x59"]
    return {name: " ".join(steps)}


def packets(errors: int) -> Lines:
    kinds = ("receive", "transmit")
    return {
        line: values
        for kind in kinds
        for line, values in (
            (f"node_network_{kind}_packets_total{{{NIC}}}", "0+6000x700"),
            (f"node_network_{kind}_errs_total{{{NIC}}}", f"0+{errors}x700"),
        )
    }


def restarts(values: str) -> Lines:
    return {
        f'kube_pod_container_status_restarts_total{{{POD},container="cart"}}': values,
        f'kube_pod_info{{{POD},node="node-3",uid="a1"}}': "1x700",
    }


def replicas(available: int, wanted: int) -> Lines:
    labels = f'{KUBE},deployment="cart"'
    return {
        **one("kube_deployment_status_replicas_available", labels, f"{available}"),
        **one("kube_deployment_spec_replicas", labels, f"{wanted}"),
    }


def ready(value: int) -> Lines:
    labels = f'{KUBE},node="node-3",condition="Ready",status="true"'
    return one("kube_node_status_condition", labels, f"{value}")


def job(value: int) -> Lines:
    return one(
        "kube_job_failed", f'{KUBE},job_name="report-1",condition="true"', f"{value}"
    )


def throttled(periods: int) -> Lines:
    name = "container_cpu_cfs"
    return {
        f"{name}_throttled_periods_total{{{BOX}}}": f"0+{periods}x700",
        f"{name}_periods_total{{{BOX}}}": "0+600x700",
    }


def unsynchronised(status: int, error: int) -> Lines:
    return {
        **one("node_timex_sync_status", NODE, f"{status}"),
        **one("node_timex_maxerror_seconds", NODE, f"{error}"),
    }


def unit(value: int) -> Lines:
    labels = f'{NODE},name="nginx.service",state="failed"'
    return one("node_systemd_unit_state", labels, f"{value}")


def waited(kind: str, seconds: float) -> Lines:
    name = f"node_pressure_{kind}_seconds_total"
    return {f"{name}{{{NODE}}}": f"0+{60 * seconds:g}x700"}


def queue(waiting: int) -> Lines:
    name = "node_disk_io_time_weighted_seconds_total"
    return {f'{name}{{{NODE},device="sda"}}': f"0+{60 * waiting}x700"}


def files(free: int) -> Lines:
    names = ("node_filesystem_files_free", "node_filesystem_files")
    return share(*names, DISK, free, 100)


def certificate(days: int) -> Lines:
    name = "probe_ssl_earliest_cert_expiry"
    return one(name, SITE, f"{600 * 60 + days * 86400}")


def memory(available: int) -> Lines:
    names = ("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes")
    return share(*names, NODE, available, 100)


def tracked(entries: int) -> Lines:
    name = "node_nf_conntrack_entries"
    return share(name, f"{name}_limit", NODE, entries, 100)


def opened(count: int) -> Lines:
    return share("node_filefd_allocated", "node_filefd_maximum", NODE, count, 100)


def holding(count: int) -> Lines:
    return share("process_open_fds", "process_max_fds", SHOP, count, 1024)


SICK: dict[str, Case] = {
    "target_down": Case(lines=one("up", NODE, "0"), gives=0),
    "cpu_busy": Case(lines=cores(6), gives=90),
    "memory_low": Case(lines=memory(8), gives=8),
    "disk_full": Case(lines=avail("9", 100), gives=91),
    # 600 of them are left after ten hours, and one goes each minute.
    "disk_full_soon": Case(lines=avail("1200-1", 2000), gives=10),
    "probe_failed": Case(lines=one("probe_success", SITE, "0"), gives=0),
    "certificate_ends": Case(lines=certificate(5), gives=5),
    "inodes_low": Case(lines=files(3), gives=3),
    "cpu_waiting": Case(lines=waited("cpu_waiting", 0.6), gives=60),
    "memory_stalled": Case(lines=waited("memory_stalled", 0.2), gives=20),
    "disk_queue": Case(lines=queue(20), gives=20),
    "network_errors": Case(lines=packets(120), gives=2),
    "conntrack_full": Case(lines=tracked(95), gives=95),
    "clock_off": Case(lines=one("node_timex_offset_seconds", NODE, "-2"), gives=2),
    "clock_not_synchronised": Case(lines=unsynchronised(0, 16), gives=0),
    "file_descriptors_low": Case(lines=opened(80), gives=80),
    "unit_failed": Case(lines=unit(1), gives=1),
    "rebooted": Case(
        lines=one("node_boot_time_seconds", NODE, f"{600 * 60 - 90}"), gives=90
    ),
    "pod_crash_loop": Case(lines=restarts("0x590 1 1 2 3 3 4 5 5x700"), gives=(3, 9)),
    "deployment_replicas": Case(lines=replicas(1, 4), gives=75),
    "node_not_ready": Case(lines=ready(0), gives=0),
    "job_failed": Case(lines=job(1), gives=1),
    "container_throttled": Case(lines=throttled(300), gives=50),
    # Half of the slow ones lie above the middle of their bucket.
    "latency_p99": Case(lines=buckets(90, 10), gives=(2, 2.5)),
    "error_ratio": Case(lines=answers(90, 10), gives=10),
    "traffic_drop": Case(lines=requests(lately(20, 4)), gives=(15, 25), minutes=LONG),
    "service_files": Case(lines=holding(1000), gives=97.656),
    "traffic_unusual": Case(
        lines=requests(lately(20, 60)), gives=(10, 60), minutes=LONG
    ),
    "cpu_unlike_last_week": Case(lines=idle_lately(0.2), gives=60, minutes=LONG),
}
"""Each gives a figure beyond its warning."""

WELL: dict[str, Case] = {
    "target_down": Case(lines=one("up", NODE, "1"), gives=None),
    "cpu_busy": Case(lines=cores(40), gives=33.333),
    "memory_low": Case(lines=memory(60), gives=60),
    "disk_full": Case(lines=avail("60", 100), gives=40),
    # It fills, but slowly and with much room: 1300 of 2000.
    "disk_full_soon": Case(lines=avail("1900-1", 2000), gives=None),
    "probe_failed": Case(lines=one("probe_success", SITE, "1"), gives=None),
    "certificate_ends": Case(lines=certificate(60), gives=60),
    "inodes_low": Case(lines=files(70), gives=None),
    "cpu_waiting": Case(lines=waited("cpu_waiting", 0.05), gives=5),
    "memory_stalled": Case(lines=waited("memory_stalled", 0), gives=0),
    "disk_queue": Case(lines=queue(1), gives=None),
    "network_errors": Case(lines=packets(0), gives=None),
    "conntrack_full": Case(lines=tracked(10), gives=10),
    "clock_off": Case(lines=one("node_timex_offset_seconds", NODE, "0.25"), gives=0.25),
    "clock_not_synchronised": Case(lines=unsynchronised(1, 0), gives=None),
    "file_descriptors_low": Case(lines=opened(20), gives=20),
    "unit_failed": Case(lines=unit(0), gives=None),
    "rebooted": Case(lines=one("node_boot_time_seconds", NODE, "0"), gives=None),
    # One restart of long ago.
    "pod_crash_loop": Case(lines=restarts("0x300 1x400"), gives=None),
    "deployment_replicas": Case(lines=replicas(4, 4), gives=None),
    "node_not_ready": Case(lines=ready(1), gives=None),
    "job_failed": Case(lines=job(0), gives=None),
    "container_throttled": Case(lines=throttled(6), gives=None),
    "latency_p99": Case(lines=buckets(1000, 1), gives=(0.05, 0.1)),
    "error_ratio": Case(lines=answers(1000, 1), gives=(0.09, 0.11)),
    "traffic_drop": Case(lines=requests(lambda _: 20), gives=(90, 110), minutes=LONG),
    "service_files": Case(lines=holding(64), gives=None),
    "traffic_unusual": Case(lines=requests(lambda _: 20), gives=(0, 2), minutes=LONG),
    # Quieter than a week ago.
    "cpu_unlike_last_week": Case(lines=idle_lately(0.9), gives=None, minutes=LONG),
}
"""Each gives nothing, or a figure within its warning."""

SILENT: dict[str, Case] = {
    "latency_p99": Case(lines=buckets(0, 0), gives=None),
    "error_ratio": Case(lines=answers(1, 1), gives=None),
    "deployment_replicas": Case(lines=replicas(0, 0), gives=None),
    # It has stopped altogether: its series ended two hours ago.
    "traffic_drop": Case(
        lines={
            f'http_requests_total{{{SHOP},code="200"}}': f"0+1200x{LONG - 120}",
        },
        gives=0,
        minutes=LONG,
    ),
    # It is two days old: there is no last week to compare it with.
    "traffic_unusual": Case(
        lines={
            f'http_requests_total{{{SHOP},code="200"}}': f"_x{LONG - 2880} 0+9x2880"
        },
        gives=None,
        minutes=LONG,
    ),
}
"""Where little or nothing is to be seen."""
