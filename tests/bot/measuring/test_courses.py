"""The course before a limit was passed, from a real Prometheus."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.config.prometheus import PrometheusServer, Rule
from bot.host.backdrop import Backdrops
from bot.host.metrics import History
from bot.measuring.courses import AFTER, BEFORE, SLOW, Begun, Courses
from bot.measuring.series import measured_finding, subject_of
from bot.model import Finding, Level
from bot.prometheus.server import Server
from tests.real.prometheus import RealPrometheus, prometheus

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
        courses = Courses(history, Backdrops(), here="web-1", step=timedelta(seconds=1))
        courses.fetch([(RULE, server)], Begun(found=[found]))

    points = history.window(found.series, now - timedelta(minutes=30))
    assert 12.0 in [value for _, value in points]
    assert 13.0 not in [value for _, value in points]
    assert all(at < now for at, _ in points)
    assert history.names() == (found.series,)


def test_yesterdays_course_lies_behind_todays(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    minute = timedelta(minutes=1)
    start = now - timedelta(days=1, hours=2)
    past = {
        f'{WEB_7[:-1]},job="fleet"}}': [(start + n * minute, 41.0) for n in range(240)]
    }
    backdrops = Backdrops()
    with prometheus(tmp_path, past=past, **{WEB_7: 97.0}) as real:
        server, found = begun(real)
        courses = Courses(History(), backdrops, here="web-1")
        courses.fetch([(RULE, server)], Begun(found=[found]))

    yesterday = backdrops.of(found.series).yesterday
    assert {value for _, value in yesterday} == {41.0}
    assert min(at for at, _ in yesterday) <= now - BEFORE + SLOW
    assert max(at for at, _ in yesterday) >= now + AFTER - SLOW


def test_what_began_before_the_bot_is_drawn_from_further_back(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    start, minute = now - timedelta(hours=2), timedelta(minutes=1)
    past = {
        f'{WEB_7[:-1]},job="fleet"}}': [(start + n * minute, 97.0) for n in range(115)]
    }
    history = History()
    with prometheus(tmp_path, past=past, **{WEB_7: 97.0}) as real:
        server, found = begun(real)
        courses = Courses(history, Backdrops(), here="web-1")
        courses.fetch([(RULE, server)], Begun(found=[found], is_late=True))

    first, _ = history.window(found.series, start)[0]
    assert first <= now - timedelta(hours=1)


def begun(real: RealPrometheus) -> tuple[Server, Finding]:
    section = PrometheusServer.model_validate({"url": real.url})
    server = Server(name="main", section=section)
    real.wait_for("cpu == 97")
    (sample,) = server.now("cpu")
    subject = subject_of(RULE, sample.labels, otherwise="web-1")
    at = datetime.now(UTC)
    return server, measured_finding(RULE, sample, subject, Level.WARNING, at=at)
