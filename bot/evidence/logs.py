"""What a service wrote around the onset: its errors folded by what they say, and its last words.

Services of this host are read from its journal, those of other hosts (and of this one,
where it has no journal) from where the team keeps its logs, if that is configured.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.host.host import HostContext
from bot.logs.journal import Journald
from bot.logs.lines import Kind, Lines, LogSource, NoLogs, Wanted, folded, template
from bot.model import EvidenceItem, Incident

BEFORE: Final = timedelta(minutes=10)
"""How long before the onset lines are still read."""
_ERRORS: Final = 7
_LAST: Final = 3
_LINE: Final = 160
_SERVICE: Final = "Service"


class LogsEvidence:
    """Asks one source about one service; ten kinds of lines at most."""

    name = "logs"
    is_local = False

    def __init__(self, host: HostContext, *, journal: LogSource | None = None) -> None:
        self._host = host
        self._journal = journal or Journald()

    def gather(self, incident: Incident) -> list[EvidenceItem]:
        """Return one item; none where it is about no service, or nobody keeps its lines."""
        service = self._service(incident)
        if not service or incident.is_storm:
            return []
        wanted = Wanted(
            host=incident.host,
            service=service,
            since=incident.since - BEFORE,
            until=incident.last_opened,
        )
        return self._first_of(self._sources(incident), wanted)

    def _service(self, incident: Incident) -> str:
        """Return the service as its lines are kept: by unit here, elsewhere by label."""
        facts = (fact for finding in incident.findings for fact in finding.facts)
        named = next((fact.value for fact in facts if fact.label == _SERVICE), "")
        unit = incident.unit_name or ""
        # A person's whole session is no service.
        if not unit.endswith(".service") or unit.startswith("user@"):
            unit = ""
        is_here = incident.host == self._host.name
        return (unit or named) if is_here else (named or unit)

    def _sources(self, incident: Incident) -> list[LogSource]:
        own = [self._journal] if incident.host == self._host.name else []
        return [*own, *([self._host.logs] if self._host.logs else [])]

    def _first_of(
        self, sources: Sequence[LogSource], wanted: Wanted
    ) -> list[EvidenceItem]:
        """Return what the first source with lines has, else what the last one says."""
        said: list[EvidenceItem] = []
        for source in sources:
            title = f"{source.name} of {wanted.service} around the onset"
            try:
                lines = source.around(wanted)
            except NoLogs as missing:
                said = [EvidenceItem(id="", title=title, text=f"{missing}.")]
                continue
            said = [EvidenceItem(id="", title=title, text=_told(lines, wanted.until))]
            if lines.last or lines.errors:
                break
        return said


def _told(lines: Lines, until: datetime) -> str:
    errors = folded(lines.errors)
    seen = {template(kind.newest.text) for kind in errors}
    last = folded(lines.last)
    other = [kind for kind in last if template(kind.newest.text) not in seen]
    more = len(errors) - _ERRORS
    parts = [
        *([f"({more} older kinds of errors are left out)"] if more > 0 else []),
        *(_line(kind, until) for kind in errors[-_ERRORS:]),
        *(["Its last lines:"] if errors and other else []),
        *(_line(kind, until) for kind in other[-_LAST:]),
    ]
    return "\n".join(parts) or "It wrote nothing."


def _line(kind: Kind, until: datetime) -> str:
    at = kind.newest.at
    today = at.date() == until.date()
    when = f"{at:%H:%M:%S}" if today else f"{at:%Y-%m-%d %H:%M}"
    count = f" ({kind.count} times)" if kind.count > 1 else ""
    text = kind.newest.text
    shown = text if len(text) <= _LINE else f"{text[: _LINE - 1]}…"
    return f"{when}{count} {shown}"


EVIDENCE = LogsEvidence
