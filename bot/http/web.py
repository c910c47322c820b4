"""The bot's HTTP side: health, readiness, metrics, and whatever routes it is given."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool

from bot.runtime.telemetry import Telemetry

Problems = Callable[[], Sequence[str]]


def build(
    *,
    running: AbstractContextManager[None],
    telemetry: Telemetry,
    unhealthy: Problems,
    unready: Problems,
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """Return the application; `running` starts and stops everything else with it.

    unhealthy: what makes a restart advisable. unready: what keeps it from serving.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(running.__enter__)
        try:
            yield
        finally:
            await run_in_threadpool(running.__exit__, None, None, None)

    api = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    @api.get("/healthz")
    def healthz() -> Response:
        return _answer(unhealthy())

    @api.get("/readyz")
    def readyz() -> Response:
        return _answer([*unhealthy(), *unready()])

    @api.get("/metrics")
    def metrics() -> Response:
        body = generate_latest(telemetry.registry)
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    for router in routers:
        api.include_router(router)
    return api


def _answer(problems: Sequence[str]) -> Response:
    text = "\n".join(problems) or "ok"
    return Response(f"{text}\n", 503 if problems else 200, media_type="text/plain")
