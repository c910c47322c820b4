"""How an opinion enters an incident: as prose, and as nothing else (promise 12)."""

from dataclasses import replace

from bot.lore import Diagnosis
from bot.model import Incident


def with_opinion(
    incident: Incident, diagnosis: Diagnosis | None, objections: tuple[str, ...] = ()
) -> Incident:
    """Return the incident with what was thought of it; every other field is the same."""
    return replace(incident, diagnosis=diagnosis, objections=objections)
