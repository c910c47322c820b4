"""What a language model may read: one tool per file, found by looking here.

A new tool is a copied sibling that ends with `TOOL = ItsClass`. All are read-only.
"""

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Protocol

from bot.host.host import Facts
from bot.host.metrics import History
from bot.ports import Clock, Tool

_ANYWHERE: Final = frozenset({"past_incidents", "runbooks"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the tools read from.

    past_incidents, runbooks: search by words; None where there is nothing to search.
    """

    clock: Clock
    history: History
    facts: Facts
    past_incidents: Callable[[str], str] | None = None
    runbooks: Callable[[str], str] | None = None


class ToolClass(Protocol):
    """The class of a tool. name: its module's."""

    name: str

    def __call__(self, sources: Sources) -> Tool:
        """Make one that reads from these sources."""


def known() -> dict[str, ToolClass]:
    """Return the tools of this folder, by name."""
    modules = (
        import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
    )
    return {module.TOOL.name: module.TOOL for module in modules}


def ready(sources: Sources) -> tuple[Tool, ...]:
    """Return one of each tool, by name."""
    return tuple(made(sources) for made in known().values())


def anywhere(tools: Sequence[Tool]) -> tuple[Tool, ...]:
    """Return those that read nothing of this host, so they may explain another."""
    return tuple(tool for tool in tools if tool.name in _ANYWHERE)
