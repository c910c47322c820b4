"""Whether services can be watched and operated here, and which."""

from collections.abc import Iterator

from bot.config.settings import Settings
from bot.runtime.checkup import Finding, fail, fine, warn
from bot.wiring.parts import manager_of
from remediation.acts.service_manager import (
    JobFailed,
    ManagerUnavailable,
    NoSuchUnit,
    ServiceManager,
)


def checks(settings: Settings) -> Iterator[Finding]:
    """Ask the manager of services, and look at each that is named."""
    manager = manager_of(settings)
    if not manager.is_present():
        yield _without(manager, settings)
        return
    try:
        count = len(manager.rows())
    except (ManagerUnavailable, JobFailed) as silent:
        yield fail("services", f"{silent}: no service is watched or restarted")
        return
    yield fine("services", f"{manager.name} tells of {count}")
    declared = {service.unit for service in settings.services}
    for name in sorted({*declared, *settings.policy.services.allow}):
        yield from _named(manager, name)


def _without(manager: ServiceManager, settings: Settings) -> Finding:
    if not settings.services and not settings.policy.services.allow:
        return fine("services", f"{manager.name} does not run here; none are named")
    return warn(
        "services",
        f"{manager.name} does not run here: services are watched by their ports and "
        "addresses only, and none is restarted",
    )


def _named(manager: ServiceManager, name: str) -> Iterator[Finding]:
    try:
        facts = manager.facts(name)
    except (NoSuchUnit, ManagerUnavailable, JobFailed) as unknown:
        yield warn("services", f"{unknown}; nothing will ever be done about it")
        return
    if facts.name != name:
        yield warn("services", f"{name} is an alias: name {facts.name} instead")
    elif facts.load != "loaded":
        yield warn("services", f"{name} is {facts.load}; it cannot be operated")
