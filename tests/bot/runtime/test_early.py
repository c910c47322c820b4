"""Rounds out of turn: the kernel tells of a stall, and whoever measures it is asked."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.kernel.roots import Roots
from bot.kernel.triggers import Triggers
from bot.runtime.early import EarlyRounds
from tests.detectors.pieces import BURN, as_root, child
from tests.fakes.patience import until


class Told(Triggers):
    """Triggers that tell what a test says."""

    def __init__(self, *names: str) -> None:
        super().__init__({})
        self.names = frozenset(names)

    def told(self) -> frozenset[str]:
        return self.names


def planned(known: set[str], *told: str) -> list[str]:
    asked: list[str] = []
    EarlyRounds(known, asked.append, arm=lambda: Told(*told)).look()
    return asked


def test_who_measures_memory_is_asked_at_once() -> None:
    assert planned({"cpu", "memory", "pressure"}, "memory") == ["memory", "pressure"]


def test_who_compares_one_round_with_the_next_is_not_asked() -> None:
    known = {"blocked_processes", "iowait", "pressure"}

    assert planned(known, "io") == ["iowait", "pressure"]


def test_nobody_is_asked_without_a_stall() -> None:
    assert planned({"memory", "pressure"}) == []


def test_who_is_switched_off_is_not_asked() -> None:
    assert planned({"memory"}, "memory") == []


@pytest.fixture
def triggers() -> Iterator[Triggers]:
    """A trigger that more burners than cores set off."""
    made = Triggers({"cpu": b"some 100000 2000000"})
    yield made
    made.close()
    assert made.armed == frozenset()


def test_the_kernel_itself_tells_of_a_stall(triggers: Triggers) -> None:
    if not as_root and not triggers.armed:
        pytest.skip("this kernel lets only root ask for it")
    with ExitStack() as burners:
        for _ in range((os.cpu_count() or 1) + 1):
            burners.enter_context(child(BURN))
        until(lambda: "cpu" in triggers.told())


def test_the_triggers_of_the_product_are_taken_by_this_kernel() -> None:
    made = Triggers()

    assert made.armed <= {"memory", "io"}
    assert not as_root or made.armed == {"memory", "io"}
    made.close()


def test_a_kernel_that_refuses_is_silent(tmp_path: Path) -> None:
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure" / "io").mkdir()

    made = Triggers(roots=Roots(proc=tmp_path))

    assert (made.armed, made.told()) == (frozenset(), frozenset())


def test_nothing_is_left_open() -> None:
    before = len([*Path("/proc/self/fd").iterdir()])

    Triggers().close()

    assert len([*Path("/proc/self/fd").iterdir()]) == before
