"""The HTTP side: health, readiness, metrics, and the bot's life with it."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from bot.http import web
from bot.runtime.telemetry import Telemetry


class Life:
    """What is started and stopped with the server."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self.seen.append("on")
        yield
        self.seen.append("off")


def application(
    *,
    life: Life | None = None,
    unhealthy: Sequence[str] = (),
    unready: Sequence[str] = (),
    routers: Sequence[APIRouter] = (),
    telemetry: Telemetry | None = None,
) -> FastAPI:
    return web.build(
        running=(life or Life()).running(),
        telemetry=telemetry or Telemetry(),
        unhealthy=lambda: unhealthy,
        unready=lambda: unready,
        routers=routers,
    )


def answer(api: FastAPI, path: str) -> tuple[int, str]:
    """Start the application, ask once, stop it."""

    async def ask() -> tuple[int, str]:
        transport = httpx.ASGITransport(app=api)
        async with (
            api.router.lifespan_context(api),
            httpx.AsyncClient(transport=transport, base_url="http://bot") as client,
        ):
            found = await client.get(path)
        return found.status_code, found.text

    return asyncio.run(ask())


def test_the_bot_lives_as_long_as_its_server() -> None:
    life = Life()
    routes = APIRouter()
    routes.get("/seen")(lambda: list(life.seen))
    during = answer(application(life=life, routers=[routes]), "/seen")
    assert during == (200, '["on"]')
    assert life.seen == ["on", "off"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_sound_bot_says_ok(path: str) -> None:
    assert answer(application(), path) == (200, "ok\n")


def test_a_dead_thread_is_unhealthy_and_unready() -> None:
    said = (503, "the poster has died\n")
    assert answer(application(unhealthy=["the poster has died"]), "/healthz") == said
    assert answer(application(unhealthy=["the poster has died"]), "/readyz") == said


def test_a_bot_without_slack_is_healthy_but_not_ready() -> None:
    away = application(unready=["not connected to Slack"])
    assert answer(away, "/healthz")[0] == 200
    assert answer(application(unready=["not connected to Slack"]), "/readyz")[0] == 503


def test_figures_are_in_the_format_of_prometheus() -> None:
    telemetry = Telemetry()
    telemetry.decided("approve", counted=False)
    telemetry.posted("chat.update", "retry")
    telemetry.failed("listener")
    telemetry.detector_failed("cpu")
    with telemetry.detector_round("cpu"):
        pass
    status, text = answer(application(telemetry=telemetry), "/metrics")
    assert status == 200
    for line in (
        'countersign_decisions_total{counted="false",verb="approve"} 1.0',
        'countersign_posts_total{method="chat.update",result="retry"} 1.0',
        'countersign_errors_total{place="listener"} 1.0',
        'countersign_detector_errors_total{detector="cpu"} 1.0',
        'countersign_detector_seconds_count{detector="cpu"} 1.0',
    ):
        assert line in text


def test_a_loops_step_counts_when_it_ended_well() -> None:
    telemetry = Telemetry()
    name = "countersign_loop_last_step_timestamp_seconds"

    def last() -> float:
        found = telemetry.registry.get_sample_value(name, {"loop": "poster"})
        assert found is not None
        return found

    def step() -> None:
        if fails:
            raise ValueError

    noted = telemetry.stepping("poster", step)
    began, fails = last(), True
    telemetry._steps.labels("poster").set(0)
    with pytest.raises(ValueError, match=r"^$"):
        noted()
    assert last() == 0
    fails = False
    noted()
    assert last() >= began


def test_other_routes_are_served_beside() -> None:
    routes = APIRouter()
    routes.get("/x")(lambda: "here")
    assert answer(application(routers=[routes]), "/x") == (200, '"here"')


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc"])
def test_nothing_describes_the_api_to_strangers(path: str) -> None:
    assert answer(application(), path)[0] == 404
