"""What can be wrong with a host: one condition per file, found by looking into the folder.

A new detector is a copied sibling that ends with `DETECTOR = ItsClass`.
"""

import pkgutil
from importlib import import_module
from typing import Protocol

from bot.config.settings import DetectorSection
from bot.config.yamlfile import BadConfiguration, Problem
from bot.host.host import HostContext
from bot.ports import Detector


class DetectorClass(Protocol):
    """The class of a detector. name: its module's and its section's.

    Section: the model of its part of the configuration, with the defaults.
    """

    name: str
    Section: type[DetectorSection]

    def __call__(self, section: DetectorSection, host: HostContext) -> Detector:
        """Make one for this host; `section` is an instance of `Section`."""


def known() -> dict[str, DetectorClass]:
    """Return the detectors of this folder, by name; raise `BadConfiguration`."""
    made = (_detector(found.name) for found in pkgutil.iter_modules(__path__))
    return {detector.name: detector for detector in made}


def _detector(name: str) -> DetectorClass:
    try:
        found: DetectorClass = import_module(f"{__name__}.{name}").DETECTOR
    except (ImportError, AttributeError) as error:
        problem = Problem(
            line=None,
            where=f"detector {name}",
            seen=str(error),
            allowed="CHANGELOG.md says what has moved; move or mend the file",
        )
        raise BadConfiguration(f"bot/detectors/{name}.py", (problem,)) from error
    return found
