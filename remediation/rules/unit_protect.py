"""Which services are never operated, whatever is listed: the machine's own and the bot's.

Standard library only: the gate asks the same rules.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from remediation.rules.kinds import FIXED
from remediation.rules.protect import OwnTree
from remediation.rules.verdict import Refusal
from remediation.target import cgroup

_SESSIONS: Final = (
    "user@*.service user-runtime-dir@*.service getty@*.service *-getty@*.service"
)


def protected_unit(
    names: tuple[str, ...], place: str, own: OwnTree
) -> Iterator[Refusal]:
    """Yield every rule that protects it; names: its own and all aliases, place: its cgroup."""
    if _is_own(names, place, own):
        reason = "it is Countersign's own service"
        yield Refusal(rule="protected.own_service", reason=reason)
    yield from of_kinds(names, "")


def of_kinds(names: tuple[str, ...], because: str) -> Iterator[Refusal]:
    """Yield every kind of protected service among the names; because: put in front."""
    for kind in FIXED:
        if any(kind.covers(exe="", script=None, unit=name) for name in names):
            yield Refusal(rule=kind.rule, reason=f"{because}{kind.reason}")
    if any(fnmatchcase(n, p) for n in names for p in _SESSIONS.split()):
        yield Refusal(
            rule="protected.login", reason=f"{because}people's sessions run in it"
        )


def _is_own(names: tuple[str, ...], place: str, own: OwnTree) -> bool:
    if own.service is None:
        return False
    above = place and cgroup.contains(place, own.service)
    return bool(above) or own.service.rpartition("/")[2] in names
