"""A service's facts as they travel from a gate: written there, read here. Stdlib only.

No time of one host means anything on another, so the gate tells ages.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final

from remediation.gate.fields import (
    BadRequest,
    Fields,
    matching,
    number_in,
    object_of,
    one,
)
from remediation.printable import printable
from remediation.target.unit import UnitFacts, UnitIdentity, Verb, is_service_name

_TEXTS: Final = (
    *("description", "load", "active", "sub", "result", "type", "restart"),
    *("enabled", "cgroup", "file"),
)
_LISTS: Final = ("names", "needed_by", "drop_ins")
_FLAGS: Final = ("stale", "can_reload", "may_start", "may_stop")
_FIGURES: Final = ("main_pid", "exit_code", "exit_status", "restarts", "burst")
_SPANS: Final = ("interval", "start_timeout", "stop_timeout")
_TEXT: Final = 500
_LISTED: Final = 200
_LONGEST: Final = 1e9
_FIGURE: Final = 2**32
_BOOT_ID: Final = re.compile(r"[0-9a-f-]{36}")
_INVOCATION: Final = re.compile(r"(?:[0-9a-f]{32})?")


def told(facts: UnitFacts, denied: Mapping[Verb, str]) -> Fields:
    """Return what a gate answers. denied: what it would not do, and why."""
    plain = asdict(facts)
    spans = {name: _seconds(plain[name]) for name in _SPANS}
    last, changed = facts.last_start, facts.changed_at
    return {
        **asdict(facts.identity),
        **{name: plain[name] for name in (*_TEXTS, *_LISTS, *_FLAGS, *_FIGURES)},
        **spans,
        "started_ago": None if last is None else max(time.monotonic() - last, 0),
        "changed_ago": None if changed is None else _age(changed),
        "denied": {verb.value: why for verb, why in denied.items()},
    }


def facts_told(fields: Fields) -> UnitFacts:
    """Read what a gate answered; raise `BadRequest` for anything else."""
    interval, start_timeout, stop_timeout = (_span(fields, name) for name in _SPANS)
    started, changed = _span(fields, "started_ago"), _span(fields, "changed_ago")
    description, load, active, sub, result, kind, restart, enabled, cgroup, file = (
        _text(fields, name) for name in _TEXTS
    )
    names, needed_by, drop_ins = (_list(fields, name) for name in _LISTS)
    stale, can_reload, may_start, may_stop = (one(fields, f, bool) for f in _FLAGS)
    main_pid, exit_code, exit_status, restarts, burst = (
        number_in(fields, name, 0, _FIGURE) for name in _FIGURES
    )
    return UnitFacts(
        identity=_identity(fields),
        names=names,
        description=description,
        load=load,
        active=active,
        sub=sub,
        result=result,
        type=kind,
        main_pid=main_pid,
        exit_code=exit_code,
        exit_status=exit_status,
        restarts=restarts,
        restart=restart,
        enabled=enabled,
        cgroup=cgroup,
        needed_by=needed_by,
        file=file,
        drop_ins=drop_ins,
        stale=stale,
        can_reload=can_reload,
        may_start=may_start,
        may_stop=may_stop,
        burst=burst,
        interval=interval or timedelta(0),
        start_timeout=start_timeout,
        stop_timeout=stop_timeout,
        # The way of the answer counts as time that has not passed: waits get longer.
        last_start=None if started is None else _before(started),
        changed_at=None if changed is None else datetime.now(UTC) - changed,
        denied=_denied(fields),
    )


def _identity(fields: Fields) -> UnitIdentity:
    name = one(fields, "name", str)
    if not is_service_name(name):
        raise BadRequest("name: that of one service was expected")
    return UnitIdentity(
        boot_id=matching(fields, "boot_id", _BOOT_ID),
        name=name,
        invocation=matching(fields, "invocation", _INVOCATION),
    )


def _denied(fields: Fields) -> tuple[tuple[Verb, str], ...]:
    found = object_of(fields.get("denied"))
    try:
        verbs = {verb: Verb(verb) for verb in found}
    except ValueError as error:
        raise BadRequest("denied: no such verb") from error
    return tuple((verbs[v], _text(found, v)) for v in sorted(found))


def _text(fields: Fields, name: str) -> str:
    return printable(one(fields, name, str), limit=_TEXT)


def _list(fields: Fields, name: str) -> tuple[str, ...]:
    found = fields.get(name)
    if not isinstance(found, list) or len(found) > _LISTED:
        raise BadRequest(f"{name}: a list was expected")
    if not all(isinstance(word, str) for word in found):
        raise BadRequest(f"{name}: words were expected")
    return tuple(printable(word, limit=_TEXT) for word in found)


def _span(fields: Fields, name: str) -> timedelta | None:
    value = fields.get(name)
    if value is None:
        return None
    # NaN is neither greater nor smaller than anything.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= float(str(value)) <= _LONGEST:
        raise BadRequest(f"{name}: seconds were expected")
    return timedelta(seconds=float(str(value)))


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _age(then: datetime) -> float:
    return max((datetime.now(UTC) - then).total_seconds(), 0.0)


def _before(span: timedelta) -> float:
    return time.monotonic() - span.total_seconds()
