"""Where evidence comes from: one read-only source per file, found by looking here.

A new source is a copied sibling that ends with `EVIDENCE = ItsClass`.
"""

import pkgutil
from importlib import import_module
from typing import Protocol

from bot.host.host import HostContext
from bot.ports import Evidence


class EvidenceClass(Protocol):
    """The class of a source. name: its module's."""

    name: str
    is_local: bool

    def __call__(self, host: HostContext) -> Evidence:
        """Make one for this host."""


def known() -> dict[str, EvidenceClass]:
    """Return the sources of this folder, by name."""
    modules = (
        import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
    )
    return {module.EVIDENCE.name: module.EVIDENCE for module in modules}
