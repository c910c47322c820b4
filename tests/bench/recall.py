"""Memory's lookup among 10,000 incidents, beside embedding and raw exact search."""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bot import migrations
from bot.storage.database import connect, url_of
from memory import cases as rows
from memory.case import Case, Outcome, Symptoms
from memory.embed import MiniLm
from memory.recollect import Memory
from tests.bench.result import Result

INCIDENTS = 10_000
STORIES = 150
LOOKUPS = 200
CONDITIONS = ("cpu", "memory", "filesystem", "runaway_process", "leaking_process")
SERVICES = ("checkout", "search", "billing", "login", "gateway", "mail", "cart", "feed")
SEEN = ("climbs since the release", "is pegged", "filled up overnight", "is very slow")
CAUSES = ("unbounded cache", "a loop in the parser", "debug logging", "a stuck backup")
DONE = (("restart", "restarted it"), ("kill", "killed the process"), ("", ""))


def run() -> Iterator[Result]:
    rng = random.Random(20)
    with tempfile.TemporaryDirectory() as folder:
        database = connect(url_of(None, Path(folder)))
        migrations.migrate(database)
        embedder = MiniLm()
        memory = Memory(database, embedder, Path(folder) / "index")
        start = time.perf_counter()
        memory.remember_all(incidents(rng))
        memory.open()
        print(f"remembered {INCIDENTS} in {time.perf_counter() - start:.0f} s")
        with database.read() as tx:
            every = [
                row for parts in rows.vectors(tx).values() for row in parts.values()
            ]
        matrix = np.stack(every)
        questions = [question(rng) for _ in range(LOOKUPS)]

        def exact(asked: Symptoms) -> None:
            # The sentence that memory asks with, before its own expansion of it.
            said = f"{asked.condition} {asked.service}: {asked.text}"
            near = matrix @ embedder.query(said)
            np.argpartition(-near, 50)

        ours, floor = _side_by_side(memory.recall, exact, questions)
        print(f"health: {memory.health() or 'well'}; {len(matrix)} vectors")
        memory.close()
        database.close()
    for name, at in (("median", 0.5), ("p99", 0.99)):
        yield Result(
            name=f"memory lookup, {INCIDENTS} incidents ({name})",
            figure=_at(ours, at),
            unit="ms",
            floor_name="embedding + raw exact search",
            floor=_at(floor, at),
            goal=2.0,
        )


def incidents(rng: random.Random) -> list[Case]:
    stories = [story(rng, number) for number in range(STORIES)]
    closed = datetime(2026, 1, 1, tzinfo=UTC)
    made = []
    for number in range(INCIDENTS):
        kind, action = rng.choice(DONE)
        condition, service, symptoms, cause = rng.choice(stories)
        outcome = rng.choice(list(Outcome))
        made.append(
            Case(
                key=f"incident:{number}",
                incident=number,
                closed_at=closed + timedelta(hours=number),
                host=f"web-{number % 30}",
                service=service,
                condition=condition,
                symptoms=symptoms,
                cause=cause,
                action=action,
                action_kind=kind,
                outcome=outcome,
                took=timedelta(seconds=rng.randrange(5, 600)),
            )
        )
    return made


def story(rng: random.Random, number: int) -> tuple[str, str, str, str]:
    condition, service = rng.choice(CONDITIONS), rng.choice(SERVICES)
    symptoms = f"{condition} of {service} {rng.choice(SEEN)}, {number} requests wait"
    return condition, service, symptoms, rng.choice(CAUSES)


def question(rng: random.Random) -> Symptoms:
    condition, service = rng.choice(CONDITIONS), rng.choice(SERVICES)
    text = f"{service} {rng.choice(SEEN)}, {rng.randrange(1000)} people complain"
    return Symptoms(condition=condition, host="web-1", service=service, text=text)


def _side_by_side(
    first: Callable[[Symptoms], object],
    second: Callable[[Symptoms], object],
    questions: list[Symptoms],
) -> tuple[list[float], list[float]]:
    times: tuple[list[float], list[float]] = ([], [])
    for asked in questions:
        for work, taken in zip((first, second), times, strict=True):
            start = time.perf_counter()
            work(asked)
            taken.append((time.perf_counter() - start) * 1000)
    return times


def _at(times: list[float], share: float) -> float:
    if share == 0.5:
        return statistics.median(times)
    return statistics.quantiles(times, n=100)[round(share * 100) - 1]
