"""Whether the place where the fleet's logs are kept answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bot.config.environment import Environment
from bot.config.settings import Settings
from bot.logs.lines import NoLogs, Wanted
from bot.runtime.checkup import Finding, fine, warn
from bot.wiring.parts import logs_of


def checks(settings: Settings, environment: Environment) -> Iterator[Finding]:
    """Ask about this host once; without an answer cards come without logs."""
    loki = logs_of(settings.logs, environment)
    if loki is None:
        if environment.loki_secret:
            yield warn("logs", "a secret is given, but logs.loki names no server")
        return
    now = datetime.now(UTC)
    since = now - timedelta(minutes=10)
    asked = Wanted(host=settings.host, service="countersign", since=since, until=now)
    try:
        loki.around(asked)
    except NoLogs as missing:
        yield warn("logs", f"{missing}. Until then other hosts' cards have no logs")
    else:
        yield fine("logs", "Loki answers")
