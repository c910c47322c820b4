"""What may be cleaned: can it be looked at, how much would go now, and who would delete it."""

from collections.abc import Iterator
from functools import partial

from bot.config.settings import Settings
from bot.host.looks import SPAN, Looks
from bot.runtime.checkup import Finding, fine, warn
from bot.text.words import amount
from remediation.acts.clutter import Clutter, clutter_of
from remediation.target.area import counted


def checks(settings: Settings) -> Iterator[Finding]:
    """Look into each area; nothing is deleted."""
    areas = settings.policy.cleaning.areas()
    looks = {area: partial(clutter_of, area, SPAN) for area in areas}
    for clutter in Looks().into(looks):
        yield _area(clutter, settings)


def _area(clutter: Clutter, settings: Settings) -> Finding:
    area = clutter.area
    subject = f"cleaning {area.name}"
    if clutter.trouble:
        return warn(
            subject,
            f"{clutter.trouble}: not all of it is offered. Mend the folder in "
            "policy.cleaning, or its rights",
        )
    hidden = dict(clutter.spared).get("folders that cannot be read", 0)
    blind = f", {hidden} folders in it cannot be read" if hidden else ""
    size = amount(clutter.size + clutter.beyond_bytes, "B")
    count = counted(len(clutter.files) + clutter.beyond)
    text = f"{area.folder}: {count} ({size}) could go now{blind}"
    if "" not in clutter.closed:
        return fine(subject, f"{text}; this user would delete them")
    if settings.gate.socket is not None:
        return fine(subject, f"{text}; the gate would, if its list has the folder")
    return warn(
        subject,
        f"{text}, but this user may not delete there and no gate is set, so each file "
        "will be left. Set up the gate (deploy/README.md)",
    )
