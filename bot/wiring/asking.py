"""What people ask for is answered from here: charts, and questions in words."""

from bot.charts.pictures import Pictures
from bot.charts.plots import Plots
from bot.config.environment import Environment
from bot.config.settings import Settings
from bot.converse.asked import Sources
from bot.converse.converse import Converse
from bot.converse.model import ModelTalk
from bot.evidence.top_processes import TopProcesses
from bot.host.host import HostContext
from bot.report.reports import Reports
from bot.status import Status
from bot.storage.record import Record
from bot.wiring import parts
from bot.wiring.knowledge import Known


def plots_of(
    settings: Settings, environment: Environment, record: Record, host: HostContext
) -> Plots:
    """Return what draws, of this host and by the servers of Prometheus."""
    return Plots(
        host=host.name,
        clock=host.clock,
        pictures=Pictures(
            record=record, history=host.history, backdrops=host.backdrops
        ),
        servers=parts.servers_of(settings.prometheus, environment),
        rules=host.rules,
    )


def converse_of(
    settings: Settings,
    record: Record,
    host: HostContext,
    plots: Plots,
    status: Status,
    knows: Known,
    reports: Reports,
) -> Converse:
    """Return what answers in words; a model's where one is set."""
    sources = Sources(
        settings=settings,
        record=record,
        status=status,
        memory=knows.memory,
        shelf=knows.shelf,
        plots=plots,
        reports=reports,
        processes=TopProcesses(host).now,
    )
    if knows.model is None:
        return Converse(sources)
    talk = ModelTalk(
        knows.model,
        tools=knows.tools,
        budget=settings.model.budget,
        account=knows.account,
    )
    return Converse(sources, talk)
