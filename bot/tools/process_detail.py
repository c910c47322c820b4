"""One process as it is now: the kernel's facts, never the values of its arguments."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.llm.arguments import Arguments
from bot.ports import CannotRead
from bot.text.redact import redact
from bot.text.words import amount, seconds
from bot.tools import Sources
from remediation.target.facts import ProcessFacts
from remediation.target.identity import Gone, Unobservable


class Wanted(Arguments):
    """pid: of a process on this host."""

    pid: Annotated[int, Field(ge=1, le=4_194_304)]


class ProcessDetail:
    """Reads what `remediation/target/facts.py` knows of a pid."""

    name = "process_detail"
    description = (
        "One process of this host by pid, as it is now: program, owner, unit, parents, "
        "state, threads, memory, listening ports, and who would start it again."
    )
    parameters: Mapping[str, object] = Wanted.model_json_schema()

    def __init__(self, sources: Sources) -> None:
        self._facts = sources.facts
        self._clock = sources.clock

    def read(self, arguments: Mapping[str, object]) -> str:
        """Return the facts in lines; raise `CannotRead` where there is no such process."""
        pid = Wanted.of(arguments).pid
        try:
            process = self._facts.read(pid)
        except Gone as error:
            raise CannotRead(f"there is no process {pid} any more") from error
        except Unobservable as error:
            raise CannotRead(f"process {pid} may not be looked at") from error
        age = self._clock.now().wall - process.started_at
        return redact("\n".join(_lines(process, max(age, timedelta(0)))))


def _lines(process: ProcessFacts, age: timedelta) -> list[str]:
    parents = " < ".join(map(str, process.ancestors[:10]))
    return [
        f"Command: {process.label} (values of arguments are hidden)",
        f"Owner: {process.user}",
        f"Runs in: {process.home}",
        f"Running for: {seconds(age)}",
        f"State: {process.state}, {process.threads} threads, nice {process.nice}",
        f"Resident memory: {amount(process.rss_bytes, 'B')}",
        f"Pids of its parents: {parents or 'none'}",
        f"Listens on: {', '.join(map(str, process.ports[:20])) or 'nothing'}",
        f"Would be started again by: {process.respawner or 'nobody known'}",
    ]


TOOL = ProcessDetail
