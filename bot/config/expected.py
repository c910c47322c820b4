"""Work that a team expects: what may use the host hard, when, and how hard."""

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from bot.config.policy import When
from bot.config.section import Section

Path = Annotated[str, Field(pattern=r"^[/*]", max_length=300)]
Figure = Literal["cores", "memory"]
"""What of a work a condition is about."""
_CORES: Final = frozenset({"cpu", "load", "runaway_process"})
_MEMORY: Final = frozenset({"memory", "leaking_process", "swap", "thrashing"})


def figure_of(detector: str, subject: str) -> Figure | None:
    """Return what a condition is about; None where no work can be expected to cause it."""
    if detector in _CORES or (detector, subject) == ("pressure", "cpu"):
        return "cores"
    if detector in _MEMORY or (detector, subject) == ("pressure", "memory"):
        return "memory"
    return None


class Allowance(Section):
    """cores: of CPU that it may use, averaged over a round. memory_gb: resident, together."""

    cores: Annotated[float, Field(gt=0, le=10_000)] | None = None
    memory_gb: Annotated[float, Field(gt=0, le=100_000)] | None = None

    @model_validator(mode="after")
    def _allows_something(self) -> "Allowance":
        if self.cores is None and self.memory_gb is None:
            raise ValueError("max names cores, memory_gb or both")
        return self


class ExpectedSection(Section):
    """One work: a unit, or an executable (pattern of a whole path) of one user.

    schedule: every week; without one always. What `max` does not name is not expected,
    and neither is any condition but those of the CPU and of memory.
    """

    unit: Annotated[str, Field(pattern=r"^[^\s/]{1,255}$")] | None = None
    exe: Path | None = None
    user: Annotated[str, Field(pattern=r"^\S{1,64}$")] | None = None
    schedule: When = When()
    max: Allowance

    @model_validator(mode="after")
    def _names_one_thing(self) -> "ExpectedSection":
        by_exe = self.exe is not None and self.user is not None
        if (self.unit is not None) is (self.exe is not None or self.user is not None):
            raise ValueError("name a unit, or exe and user")
        if self.unit is None and not by_exe:
            raise ValueError("exe and user belong together")
        return self

    @property
    def name(self) -> str:
        """What people call it."""
        return self.unit or f"{self.exe} of {self.user}"
