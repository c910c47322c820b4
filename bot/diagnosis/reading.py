"""The border between a model's inquiry and the tools it may read.

A tool is a file that anybody may add, so whatever it raises ends its own reading only.
"""

import logging
from collections.abc import Mapping

from bot.diagnosis.meter import Meter
from bot.ports import CannotRead, Tool

log = logging.getLogger(__name__)


def read(tool: Tool, arguments: Mapping[str, object], meter: Meter) -> str:
    """Return what the tool says; raise `CannotRead`, also where the time is over."""
    if meter.is_late:
        raise CannotRead("there is no time left for reading")
    try:
        return tool.read(arguments)
    except CannotRead:
        raise
    except Exception as error:
        log.exception("tool.failed name=%s", tool.name)
        raise CannotRead("this tool failed") from error
