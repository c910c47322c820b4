"""The border between a model's inquiry and the tools it may read.

A tool is a file that anybody may add, so whatever it raises ends its own reading only,
and however long it takes, the inquiry goes on in time to answer.
"""

import queue
import threading
from collections.abc import Mapping

from bot.diagnosis.meter import Meter
from bot.ports import CannotRead, Tool
from bot.runtime.loop import attempt


def read(tool: Tool, arguments: Mapping[str, object], meter: Meter) -> str:
    """Return what the tool says; raise `CannotRead`.

    It may take half of the seconds that are left. A slower tool is left behind in its
    own thread, where its own deadlines end it.
    """
    left = meter.seconds_left
    if left <= 0:
        raise CannotRead("there is no time left for reading")
    answers: queue.SimpleQueue[str | CannotRead] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: answers.put(_said(tool, arguments)),
        name=f"read {tool.name}",
        daemon=True,
    ).start()
    try:
        answer = answers.get(timeout=left / 2)
    except queue.Empty as error:
        raise CannotRead("this took too long") from error
    if isinstance(answer, CannotRead):
        raise answer
    return answer


def _said(tool: Tool, arguments: Mapping[str, object]) -> str | CannotRead:
    try:
        return attempt(
            lambda: tool.read(arguments),
            CannotRead("this tool failed"),
            name=f"tool {tool.name}",
            passing=(CannotRead,),
        )
    except CannotRead as why:
        return why
