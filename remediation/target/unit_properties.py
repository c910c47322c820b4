"""A unit's properties as systemd names them, turned into our facts. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from remediation.printable import printable
from remediation.target.identity import boot_id
from remediation.target.unit import UnitFacts, UnitIdentity

FOREVER: Final = 2**64 - 1
"""What systemd says for a time that never comes."""


def facts_of(values: Mapping[str, Any]) -> UnitFacts:
    """Return the facts; `values`: properties of org.freedesktop.systemd1.{Unit,Service}."""

    def text(key: str) -> str:
        return printable(str(values.get(key, "")), limit=500)

    def texts(*keys: str) -> tuple[str, ...]:
        return tuple(printable(str(v)) for key in keys for v in values.get(key, ()))

    return UnitFacts(
        identity=UnitIdentity(
            boot_id=boot_id(),
            name=text("Id"),
            invocation=bytes(values.get("InvocationID", b"")).hex(),
        ),
        names=texts("Names"),
        description=text("Description"),
        load=text("LoadState"),
        active=text("ActiveState"),
        sub=text("SubState"),
        result=text("Result"),
        type=text("Type"),
        main_pid=int(values.get("MainPID", 0)),
        exit_code=int(values.get("ExecMainCode", 0)),
        exit_status=int(values.get("ExecMainStatus", 0)),
        restarts=int(values.get("NRestarts", 0)),
        restart=text("Restart"),
        enabled=text("UnitFileState"),
        cgroup=text("ControlGroup"),
        needed_by=tuple(sorted(set(texts("RequiredBy", "BoundBy", "ConsistsOf")))),
        file=text("FragmentPath"),
        drop_ins=texts("DropInPaths"),
        stale=bool(values.get("NeedDaemonReload", False)),
        can_reload=bool(values.get("CanReload", False)),
        may_start=not values.get("RefuseManualStart", False),
        may_stop=not values.get("RefuseManualStop", False),
        burst=int(values.get("StartLimitBurst", 0)),
        interval=timedelta(microseconds=_finite(values.get("StartLimitIntervalUSec"))),
        start_timeout=_span(values.get("TimeoutStartUSec")),
        stop_timeout=_span(values.get("TimeoutStopUSec")),
        last_start=_since_boot(values.get("InactiveExitTimestampMonotonic")),
        changed_at=instant(values.get("StateChangeTimestamp")),
    )


def _finite(value: int | None) -> int:
    return 0 if value is None or value == FOREVER else value


def _span(value: int | None) -> timedelta | None:
    return None if value in (None, FOREVER) else timedelta(microseconds=_finite(value))


def _since_boot(value: int | None) -> float | None:
    return value / 1e6 if value else None


def instant(value: int | None) -> datetime | None:
    """Return a time in microseconds since 1970; None for 0, which is never."""
    return datetime.fromtimestamp(value / 1e6, UTC) if value else None
