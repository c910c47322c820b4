"""A report as a picture: incidents by how they ended, and how long they took."""

from typing import Final

from bot.charts.columns import ColumnsRequest, Stack, chart_of_columns
from bot.charts.request import days
from bot.report.figures import Ending, Report

# Of Okabe and Ito's palette, which colour-blind people can tell apart.
_COLORS: Final = {
    Ending.BY_ACTION: "#009e73",
    Ending.BY_ITSELF: "#0072b2",
    Ending.FALSE_ALARM: "#6b7885",
    Ending.OPEN: "#d55e00",
}


def picture(report: Report) -> bytes:
    """Return the PNG."""
    per = "day" if report.days == 1 else "week"
    stacks = tuple(
        Stack(
            name=ending.value,
            color=_COLORS[ending],
            values=tuple(one.endings.get(ending, 0) for one in report.stretches),
        )
        for ending in Ending
    )
    return chart_of_columns(
        ColumnsRequest(
            title=f"Incidents per {per}, by how they ended",
            subtitle=f"{days(report.since, report.until)}, days in UTC",
            starts=tuple(one.start for one in report.stretches),
            stacks=stacks,
            took=tuple(one.recover for one in report.stretches),
            took_name=f"Time to recover, median of the {per}",
        )
    )
