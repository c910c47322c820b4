"""What can be wrong with a host: one condition per file, found by looking into the folder.

A new detector is a copied sibling that ends with `DETECTOR = ItsClass`.
"""

import pkgutil
from importlib import import_module
from typing import Protocol

from bot.host import HostContext
from bot.ports import Detector
from bot.settings import DetectorSection


class DetectorClass(Protocol):
    """The class of a detector. name: its module's and its section's.

    Section: the model of its part of the configuration, with the defaults.
    """

    name: str
    Section: type[DetectorSection]

    def __call__(self, section: DetectorSection, host: HostContext) -> Detector:
        """Make one for this host; `section` is an instance of `Section`."""


def known() -> dict[str, DetectorClass]:
    """Return the detectors of this folder, by name."""
    modules = (
        import_module(f"{__name__}.{found.name}")
        for found in pkgutil.iter_modules(__path__)
    )
    return {module.DETECTOR.name: module.DETECTOR for module in modules}
