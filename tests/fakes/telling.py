"""Messages of Alertmanager as its webhook sends them, for tests."""

from datetime import datetime

from tests.fakes.clock import START


def told(
    name: str = "HighLatency",
    *,
    instance: str = "web-7:9100",
    status: str = "firing",
    starts_at: datetime = START,
    ends_at: str = "0001-01-01T00:00:00Z",
    fingerprint: str = "",
    annotations: dict[str, str] | None = None,
    **labels: str,
) -> dict[str, object]:
    """One alert of a message."""
    named = {"alertname": name, "severity": "critical", **labels}
    return {
        "status": status,
        "labels": named | ({"instance": instance} if instance else {}),
        "annotations": {"summary": f"{name} is bad"}
        if annotations is None
        else annotations,
        "startsAt": starts_at.isoformat(),
        "endsAt": ends_at,
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": fingerprint or f"{name}{instance}".encode().hex()[:40],
    }


def message(*alerts: dict[str, object], group: str = "{}:{}") -> dict[str, object]:
    """The body of version 4."""
    return {
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "countersign",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
    }
