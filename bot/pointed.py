"""What a rule of the team's metrics points at: the service behind a figure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointed:
    """A service of the finding's host, by its canonical name, read by nobody yet.

    rule: what in the configuration says so. actions: the only ones that may be proposed for it.
    """

    service: str
    rule: str
    actions: tuple[str, ...]
