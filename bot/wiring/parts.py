"""What the commands share: configuration, database, host, detectors."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from bot import detectors, migrations
from bot.actions.window import Window
from bot.alertmanager.server import AlertmanagerServer
from bot.blame.expected import ExpectedWork
from bot.config.alerts import AlertsSection
from bot.config.environment import Environment
from bot.config.hosts import HostSection
from bot.config.logs import LogsSection
from bot.config.prometheus import PrometheusSection, Rule
from bot.config.settings import DetectorSection, Loaded, Settings, load
from bot.detectors.surprise import SurpriseSection
from bot.drill.drill import Drill
from bot.drill.watching import DrillDetector
from bot.host.enclosure import NOTHING, NoFacts, unseen
from bot.host.host import HostContext, HostSampler
from bot.host.metrics import History
from bot.inbound.inbox import Inbox
from bot.kernel.roots import PROC
from bot.logs.loki import Loki
from bot.measuring.habits import Habits
from bot.measuring.warm_up import WarmUp
from bot.model import Finding
from bot.ports import Clock, Detector, Wakeable
from bot.prometheus.server import Server
from bot.quiet.in_step import InStep
from bot.quiet.unpaged import Unpaged, Why
from bot.storage.database import BadDatabase, Database, connect, url_of
from bot.storage.lead import Alone, Leads, Shared
from bot.storage.record import Record
from remediation.acts.fleet import Fleet
from remediation.acts.observe import Observer, claimant_of
from remediation.acts.service_manager import ServiceManager
from remediation.acts.supervisord import Supervisord
from remediation.acts.systemd import Systemd
from remediation.gate.client import GateClient
from remediation.gate.door import SocketDoor
from remediation.gate.gated_services import GatedServices
from remediation.gate.remote_services import RemoteServices
from remediation.gate.ssh import SshDoor, SshHost
from remediation.rules.protect import OwnTree
from remediation.target.facts import FactReader
from remediation.target.identity import open_process

_NO_ROOM_BYTES: Final = 1_000_000
_OF_THE_DISK: Final = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")


def configured(environment: Environment) -> Loaded:
    """Read the configuration file; raise `BadConfiguration` with all its problems."""
    return load(environment.config, sections())


def sections() -> dict[str, type[DetectorSection]]:
    """Return the model of each known detector's section."""
    return {name: found.Section for name, found in detectors.known().items()}


def database_of(environment: Environment) -> Database:
    """Open the database and bring its schema up to date."""
    database = connect(url_of(environment.database_url, environment.state_dir))
    with usable(environment):
        migrations.migrate(database)
    return database


@contextmanager
def usable(environment: Environment) -> Iterator[None]:
    """Turn what the database refuses within into `BadDatabase`, with what mends it."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        advice = (
            f"The disk of {environment.state_dir} is full: make room there"
            if _lacks_room(error.orig, environment.state_dir)
            else "Check that it is reachable and whole; `countersign doctor` looks at "
            "it, a backup can replace it"
        )
        raise BadDatabase(
            f"the database cannot be used ({reason}). {advice}"
        ) from error


def _lacks_room(error: BaseException | None, folder: Path) -> bool:
    """Say whether SQLite fails for want of room, which it mostly calls an I/O error."""
    # The driver's own errors have no name.
    name = getattr(error, "sqlite_errorname", "")
    if not name.startswith(_OF_THE_DISK):
        return False
    try:
        return shutil.disk_usage(folder).free < _NO_ROOM_BYTES
    except OSError:
        return False


def lead_of(database: Database, clock: Clock, host: str) -> Leads:
    """Return who says whether this bot leads: SQLite has one, PostgreSQL several."""
    if database.engine.dialect.name != "postgresql":
        return Alone(database)
    with open_process(os.getpid()) as me:
        claimant = claimant_of(me.identity)
    return Shared(database, clock, host=host, claimant=claimant)


def host_context(
    settings: Settings, environment: Environment, clock: Clock, history: History
) -> HostContext:
    """Return what detectors and evidence sources are given.

    Where the bot does not see a host, its figures and processes cannot be read either.
    """
    gate = gate_of(settings)
    services = manager_of(settings)
    why = unseen(wanted=settings.watch_host, container=environment.container)
    return HostContext(
        name=settings.host,
        sampler=HostSampler(clock, proc=NOTHING if why else PROC),
        facts=NoFacts(why) if why else FactReader(settings.host, gate),
        history=history,
        clock=clock,
        services=GatedServices(services, gate) if gate else services,
        declared=settings.services,
        timers=settings.timers,
        rules=rules_of(settings.prometheus, environment),
        servers=tuple(servers_of(settings.prometheus, environment).values()),
        alerts=settings.alerts,
        logs=logs_of(settings.logs, environment),
        unseen=why,
    )


def servers_of(
    section: PrometheusSection, environment: Environment
) -> dict[str, Server]:
    """Return the servers that may be asked, by name."""
    secrets = environment.prometheus_secrets
    return {
        name: Server(name=name, section=found, secret=secrets.get(name))
        for name, found in section.servers.items()
    }


def rules_of(
    section: PrometheusSection, environment: Environment
) -> tuple[tuple[Rule, Server], ...]:
    """Return each rule with the server that it asks."""
    servers = servers_of(section, environment)
    return tuple((rule, servers[section.server_of(rule)]) for rule in section.rules)


def warm_up_of(
    loaded: Loaded, environment: Environment, habits: Habits, clock: Clock
) -> WarmUp | None:
    """Return what learns of the time before, where the configuration says from whom."""
    section = loaded.detectors.get("surprise")
    if not isinstance(section, SurpriseSection) or section.warm_up is None:
        return None
    servers = servers_of(loaded.settings.prometheus, environment)
    return WarmUp(
        habits=habits,
        server=servers[section.warm_up.server],
        clock=clock,
        instance=section.warm_up.instance,
        back=section.warm_up.back,
    )


def alertmanager_of(
    section: AlertsSection, environment: Environment
) -> AlertmanagerServer | None:
    """Return the Alertmanager, where the configuration names one."""
    found = section.alertmanager
    secret = environment.alertmanager_secret
    return None if found is None else AlertmanagerServer(section=found, secret=secret)


def in_step_of(
    settings: Settings, environment: Environment, record: Record, inbox: Inbox
) -> InStep | None:
    """Return what brings mutes and silences in line, where there is an Alertmanager."""
    server = alertmanager_of(settings.alerts, environment)
    if server is None:
        return None
    return InStep(
        host=settings.host,
        record=record,
        inbox=inbox,
        section=settings.alerts,
        server=server,
    )


def logs_of(section: LogsSection, environment: Environment) -> Loki | None:
    """Return where the fleet's logs are kept, if that is configured."""
    if section.loki is None:
        return None
    return Loki(section=section.loki, secret=environment.loki_secret)


def expected_of(
    settings: Settings, host: HostContext, unpaged: Unpaged
) -> ExpectedWork:
    """Return what knows the declared work; what is seen of it goes to the digest."""

    def seen(finding: Finding, said: str) -> None:
        unpaged.add(finding, Why.EXPECTED, said)

    return ExpectedWork(settings.expected, host, seen)


def manager_of(settings: Settings) -> ServiceManager:
    """Return whoever starts and stops services on this host."""
    socket = settings.supervisord.socket
    return Systemd() if socket is None else Supervisord(socket)


def fleet_of(
    settings: Settings, environment: Environment, own: ServiceManager
) -> Fleet:
    """Return who starts and stops services on this host and on each configured one."""
    others = {
        name: RemoteServices(name, gate_at(name, found, environment))
        for name, found in settings.hosts.items()
    }
    return Fleet(here=settings.host, own=own, others=others)


def gate_at(name: str, found: HostSection, environment: Environment) -> GateClient:
    """Return the gate of another host."""
    host = SshHost(
        name=name,
        address=found.address,
        port=found.port,
        user=found.user,
        key=environment.ssh_key,
        host_key=found.host_key,
        known_hosts=found.known_hosts or environment.state_dir / "known_hosts",
    )
    return GateClient(SshDoor(host))


def gate_of(settings: Settings) -> GateClient | None:
    """Return the gate, where the configuration names one."""
    path = settings.gate.socket
    return None if path is None else GateClient(SocketDoor(Path(path)))


def observer_of(settings: Settings, fleet: Fleet, lead: Leads) -> Observer:
    """Return what looks at the targets of executors that died."""
    with open_process(os.getpid()) as me:
        here = me.identity
    gate = gate_of(settings)
    return Observer(here, fleet=fleet, gate=gate, is_present=lead.is_present)


def window_of(loaded: Loaded, host: HostContext) -> Window:
    """Return how long the effect of an action is measured."""
    detectors = loaded.detectors.items()
    return Window(
        loaded.settings.verify.window,
        {name: section.interval for name, section in detectors},
        [rule for rule, _ in host.rules],
        settle=loaded.settings.alerts.settle,
    )


def drill_of(
    settings: Settings,
    host: HostContext,
    record: Record,
    own: OwnTree,
    poster: Wakeable,
) -> Drill:
    """Return what runs drills; their child lives as long as an approval may take."""
    return Drill(
        host=settings.host,
        record=record,
        lasts=settings.policy.approval_ttl,
        drilled=own.drilled,
        poster=poster,
        unseen=host.unseen,
    )


def watching(loaded: Loaded, host: HostContext, drill: Drill) -> list[Detector]:
    """Return every detector that runs, the drill's own among them."""
    own = DrillDetector(host.name, drill, host.facts, host.clock)
    return [*enabled_detectors(loaded, host), own]


def enabled_detectors(loaded: Loaded, host: HostContext) -> list[Detector]:
    """Build every detector that is not switched off and has something to measure."""
    known = detectors.known()
    return [
        known[name](section, host)
        for name, section in loaded.detectors.items()
        if section.enabled and not (host.unseen and section.needs_host)
    ]
