"""The postmortem of an incident, gathered from the record and kept where it was written.

`postmortem.py` writes the document; here is where its material comes from.
"""

from dataclasses import dataclass
from pathlib import Path

from bot.learning.postmortem import Improve, Material, postmortem
from bot.storage import store
from bot.storage.record import Record
from remediation.ledger.audit import read

FOLDER = "postmortems"
"""Below the state folder."""


def document(state_dir: Path, number: int) -> Path:
    """Return where an incident's postmortem lies, once it was written."""
    return state_dir / FOLDER / f"postmortem-{number}.md"


def forget(state_dir: Path, number: int) -> None:
    """Delete an incident's postmortem, if there is one."""
    document(state_dir, number).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A finished document. name: of its file."""

    incident: int
    name: str
    text: str


class NotKept(Exception):
    """The document could not be written to disk; its text says why, for a person."""


class Postmortems:
    """Writes postmortems.

    state_dir: the state folder. improve: lets a model say more; None where no model is
    configured.
    """

    def __init__(
        self,
        *,
        record: Record,
        state_dir: Path,
        improve: Improve | None = None,
    ) -> None:
        self._database = record.database
        self._ledger = record.ledger
        self._state_dir = state_dir
        self._improve = improve

    def write(self, number: int) -> Written:
        """Return the document; raise `store.Unknown`. May wait for the model."""
        text = postmortem(self._material(number), self._improve)
        name = document(self._state_dir, number).name
        return Written(incident=number, name=name, text=text)

    def keep(self, written: Written) -> str:
        """Save it, in place of an earlier one; return its path below the state folder.

        Raises `NotKept`.
        """
        path = document(self._state_dir, written.incident)
        fresh = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(written.text, encoding="utf-8")
            fresh.replace(path)
        except OSError as error:
            raise NotKept(error.strerror or "no reason given") from error
        return f"{FOLDER}/{written.name}"

    def _material(self, number: int) -> Material:
        with self._database.read() as tx:
            events = read(tx, incident=number)
            drawn = any(s.event.kind == "chart.due" for s in events)
            return Material(
                incident=store.get(tx, number),
                events=events,
                proposals=self._ledger.of(tx, number),
                # The poster uploads it into the thread under this name.
                charts=(f"incident-{number}.png",) if drawn else (),
            )
