"""Cases to remember."""

from datetime import UTC, datetime, timedelta

from memory.case import Case, Outcome, Symptoms

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def case(number: int = 1, **fields: object) -> Case:
    given = {
        "key": f"incident:{number}",
        "incident": number,
        "closed_at": DAY + timedelta(days=number),
        "host": "web-1",
        "service": "checkout",
        "condition": "cpu",
        "symptoms": "All cores are busy, requests wait",
        "cause": "A loop in the price parser",
        "action": "Restarted checkout.service",
        "action_kind": "restart",
        "outcome": Outcome.FIXED,
        "took": timedelta(seconds=40),
    }
    return Case(**given | fields)  # type: ignore[arg-type]


def symptoms(text: str = "cores are pegged", **fields: str) -> Symptoms:
    given = {"condition": "cpu", "host": "web-1", "service": "checkout", "text": text}
    return Symptoms(**given | fields)


DISK = {
    "condition": "filesystem",
    "service": "search",
    "symptoms": "No space left on /var, logs fill it",
    "cause": "Debug logging was left on",
    "action": "Removed old logs",
    "action_kind": "clean",
}
CERTIFICATE = {
    "condition": "certificate",
    "service": "gateway",
    "symptoms": "TLS handshakes fail, the certificate expired",
    "cause": "Renewal did not run",
    "action": "",
    "action_kind": "",
    "outcome": Outcome.BY_ITSELF,
}
