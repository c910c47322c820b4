"""The course before a limit was passed, from a real Prometheus."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.courses import Courses
from bot.metrics import History
from bot.model import Level
from bot.prometheus.server import Server
from bot.prometheus_section import PrometheusServer, Rule
from bot.series import measured_finding, subject_of
from tests.real.prometheus import prometheus

RULE = Rule(name="cpu", expr="cpu", warning=80, unit="%")
WEB_7 = 'cpu{instance="web-7:9100"}'
WEB_8 = 'cpu{instance="web-8:9100"}'


def test_the_chart_begins_before_the_limit_was_passed(tmp_path: Path) -> None:
    history = History()
    with prometheus(tmp_path, **{WEB_7: 12.0, WEB_8: 13.0}) as real:
        section = PrometheusServer.model_validate({"url": real.url})
        server = Server(name="main", section=section)
        real.wait_for("count_over_time(cpu[1m]) > 3")
        real.target.lines[WEB_7] = 97.0
        real.wait_for("cpu == 97")
        (sample,) = server.now("cpu > 80")
        now = datetime.now(UTC)
        subject = subject_of(RULE, sample.labels, otherwise="web-1")
        found = measured_finding(RULE, sample, subject, Level.WARNING, at=now)
        courses = Courses(history, here="web-1", step=timedelta(seconds=1))
        courses.fetch([(RULE, server)], [found])

    points = history.window(found.series, now - timedelta(minutes=30))
    assert 12.0 in [value for _, value in points]
    assert 13.0 not in [value for _, value in points]
    assert all(at < now for at, _ in points)
    assert history.names() == (found.series,)
