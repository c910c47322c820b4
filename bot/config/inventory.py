"""Hosts out of the team's Ansible inventory (YAML): names, addresses, ports, users.

Variables of the host itself count, none of its groups: `ansible_host`, `ansible_port`,
`ansible_user`, and our own `countersign_host_key`. Ranges of names are not written out.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from bot.config.hosts import HostName, HostSection
from bot.config.yamlfile import BadConfiguration, Located, Problem, Where, parse

_OURS: Final = {
    "ansible_host": "address",
    "ansible_port": "port",
    "ansible_user": "user",
    "countersign_host_key": "host_key",
}
_LIMIT_BYTES: Final = 1_000_000
_NAME: TypeAdapter[str] = TypeAdapter(HostName)

Found = tuple[Where, Mapping[str, object]]


def hosts_in(path: Path, *, here: str) -> dict[str, HostSection]:
    """Return every host but this one; raise `BadConfiguration` with every problem."""
    located = _read(path)
    told: dict[str, Found] = {}
    for where, said in _hosts(located.values, ()):
        # A host stands in each of its groups; what is said of it anywhere counts.
        known = told.get(str(where[-1]), (where, {}))[1]
        told[str(where[-1])] = (where, {**known, **said})
    problems: list[Problem] = []
    found: dict[str, HostSection] = {}
    for name, (where, said) in told.items():
        try:
            found[_NAME.validate_python(name)] = _section(name, said)
        except ValidationError as error:
            problems.append(_problem(located, where, name, error))
    if problems:
        raise BadConfiguration(located.source, tuple(problems))
    return {name: host for name, host in found.items() if name != here}


def _read(path: Path) -> Located:
    try:
        raw = path.read_bytes()[: _LIMIT_BYTES + 1]
    except OSError as error:
        raise _unread(path, error.strerror or "unreadable") from error
    if len(raw) > _LIMIT_BYTES:
        raise _unread(path, "over 1 MB")
    holds = "groups of hosts, such as `all:`"
    return parse(raw, source=str(path), holds=holds)


def _unread(path: Path, seen: str) -> BadConfiguration:
    allowed = "an inventory in YAML that this user may read was expected"
    problem = Problem(line=None, where="hosts_from", seen=seen, allowed=allowed)
    return BadConfiguration(str(path), (problem,))


def _hosts(groups: object, where: Where) -> Iterator[Found]:
    """Yield each host of these groups and of those below, with where it stands."""
    for name, group in _items(groups):
        for host, said in _items(dict(_items(group)).get("hosts")):
            yield (*where, name, "hosts", host), dict(_items(said))
        below = dict(_items(group)).get("children")
        yield from _hosts(below, (*where, name, "children"))


def _items(value: object) -> list[tuple[str, object]]:
    found = value.items() if isinstance(value, dict) else ()
    return [(str(key), inner) for key, inner in found]


def _section(name: str, said: Mapping[str, object]) -> HostSection:
    ours = {_OURS[key]: value for key, value in said.items() if key in _OURS}
    return HostSection.model_validate({"address": name, **ours})


def _problem(
    located: Located, where: Where, name: str, error: ValidationError
) -> Problem:
    first = error.errors()[0]
    key = ".".join(map(str, first["loc"]))
    return Problem(
        line=located.line(where),
        where=f"{name}.{key}" if key else name,
        seen=f"{str(first['input'])[:80]!r} was read",
        allowed=first["msg"],
    )
