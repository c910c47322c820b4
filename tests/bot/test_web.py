"""The HTTP side: health, readiness, metrics, and the bot's life with it."""

import contextlib
from collections.abc import Iterator, Sequence

import httpx
import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from bot import web
from bot.telemetry import Telemetry

LIFE: list[str] = []


@contextlib.contextmanager
def life() -> Iterator[None]:
    LIFE.append("on")
    yield
    LIFE.append("off")


def application(
    *,
    unhealthy: Sequence[str] = (),
    unready: Sequence[str] = (),
    routers: Sequence[APIRouter] = (),
    telemetry: Telemetry | None = None,
) -> TestClient:
    LIFE.clear()
    return TestClient(
        web.build(
            running=life(),
            telemetry=telemetry or Telemetry(),
            unhealthy=lambda: unhealthy,
            unready=lambda: unready,
            routers=routers,
        )
    )


def test_the_bot_lives_as_long_as_its_server() -> None:
    with application() as client:
        client.get("/healthz")
        during = list(LIFE)
    assert (during, LIFE) == (["on"], ["on", "off"])


def answer(client: TestClient, path: str) -> tuple[int, str]:
    with client:
        found: httpx.Response = client.get(path)
    return found.status_code, found.text


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


def test_other_routes_are_served_beside() -> None:
    routes = APIRouter()
    routes.get("/x")(lambda: "here")
    assert answer(application(routers=[routes]), "/x") == (200, '"here"')


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc"])
def test_nothing_describes_the_api_to_strangers(path: str) -> None:
    assert answer(application(), path)[0] == 404
