"""Whether others can tell their alerts, and whether their Alertmanager can be asked."""

from collections.abc import Iterator

from bot.alertmanager.standing import NotSaid
from bot.config.environment import Environment
from bot.config.settings import Settings
from bot.runtime.checkup import Finding, fine, warn
from bot.wiring.parts import alertmanager_of


def checks(settings: Settings, environment: Environment) -> Iterator[Finding]:
    """Ask it once; it keeps no bot from starting."""
    server = alertmanager_of(settings.alerts, environment)
    if server is None:
        return
    if environment.webhook_token is None:
        yield warn(
            "alerts",
            "alerts.alertmanager is given, and no COUNTERSIGN_WEBHOOK_TOKEN: nothing "
            "can be told. Set it, and give it to the receiver in Alertmanager",
        )
    try:
        standing = server.standing()
    except NotSaid as silent:
        yield warn("alertmanager", f"{server.section.url} does not help: {silent}")
        return
    alerts, silences = len(standing.alerts), len(standing.silences)
    yield fine("alertmanager", f"{alerts} alerts and {silences} silences now")
