"""Whether the Prometheus servers answer the team's rules, each asked once."""

from collections.abc import Iterator, Mapping

from bot.config.environment import Environment
from bot.config.prometheus import Rule
from bot.config.settings import DetectorSection, Settings
from bot.detectors.surprise import SurpriseSection, WarmUpSection
from bot.measuring.warm_up import look
from bot.prometheus.answer import QuestionRefused, ServerSilent
from bot.prometheus.happened import EPOCH, deployed
from bot.prometheus.server import Server
from bot.runtime.checkup import Finding, fine, warn
from bot.wiring.parts import rules_of, servers_of


def checks(
    settings: Settings,
    environment: Environment,
    detectors: Mapping[str, DetectorSection],
) -> Iterator[Finding]:
    """Ask every rule; none of them keeps the bot from starting."""
    section, secrets = settings.prometheus, environment.prometheus_secrets
    for name in sorted(set(secrets) - set(section.servers)):
        yield warn(
            "prometheus",
            f"a secret is given for {name}, which is not in prometheus.servers. "
            "Name it as the server is named",
        )
    for rule, server in rules_of(section, environment):
        yield _asked(rule, server)
    for server in servers_of(section, environment).values():
        if server.section.deploys:
            yield _deploys(server, server.section.deploys)
    surprise = detectors.get("surprise")
    if isinstance(surprise, SurpriseSection) and surprise.warm_up:
        server = servers_of(section, environment)[surprise.warm_up.server]
        yield _warm_up(server, surprise.warm_up)
    asked = {section.server_of(rule) for rule in section.rules}
    asked |= {name for one in detectors.values() for name in one.asks().values()}
    for name in sorted(set(section.servers) - asked):
        yield warn("prometheus", f"no rule asks {name}, so nothing is heard from it")


def _warm_up(server: Server, section: WarmUpSection) -> Finding:
    subject = f"prometheus {server.name}, detectors.surprise.warm_up"
    try:
        look(server, section.instance, None)
    except ServerSilent as silent:
        return warn(subject, f"the server does not answer: {silent}")
    except QuestionRefused as refused:
        return warn(subject, f"{refused}. Until then surprise learns from what it sees")
    return fine(subject, f"it tells of {section.instance}")


def _deploys(server: Server, expr: str) -> Finding:
    subject = f"prometheus {server.name}, deploys"
    try:
        told = server.now(expr)
    except ServerSilent as silent:
        return warn(subject, f"the server does not answer: {silent}")
    except QuestionRefused as refused:
        return warn(subject, f"{refused}. Until then no deployment is told")
    known = len(deployed(told, EPOCH, lambda _: True))
    if known < len(told):
        return warn(
            subject,
            f"{len(told) - known} of {len(told)} values are no second of our days. Give "
            "the time of each deployment, in seconds since 1970",
        )
    return fine(subject, f"{known} deployments")


def _asked(rule: Rule, server: Server) -> Finding:
    subject = f"prometheus {server.name}, rule {rule.name}"
    try:
        series = len(server.now(rule.expr))
    except ServerSilent as silent:
        return warn(subject, f"the server does not answer: {silent}")
    except QuestionRefused as refused:
        return warn(subject, f"{refused}. Until then it tells nothing")
    if not series and rule.missing == "unknown":
        return warn(
            subject,
            "it gives no series, which is a condition of its own. Mend the expression, "
            "or set missing: well if that is how it looks when all is well",
        )
    return fine(subject, f"{series} series")
