"""A drill's child is there, ready and bound to end, or it is not there at all."""

import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bot.drill.child import Child, NotStarted
from remediation.target.identity import open_process
from tests.fakes.drilling import awaited

SPAN = timedelta(seconds=60)


def test_it_is_known_by_its_whole_identity_and_ends_when_it_is_let_go() -> None:
    child = Child.start(SPAN)
    with open_process(child.identity.pid) as opened:
        assert opened.identity == child.identity
    assert not child.is_over
    child.let_go()
    child.let_go()
    awaited(child)
    assert not child.is_outdated


@pytest.mark.parametrize(
    "program",
    ["print('not yet', flush=True); import time; time.sleep(60)", "", "raise OSError"],
)
def test_what_does_not_say_that_it_is_ready_is_ended(
    tmp_path: Path, program: str
) -> None:
    odd = tmp_path / "odd.py"
    odd.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n{program}")
    with pytest.raises(NotStarted, match="did not say that it is ready"):
        Child.start(SPAN, odd)
    assert (tmp_path / "ran").exists()


def test_what_ends_as_soon_as_it_is_ready_leaves_nothing(tmp_path: Path) -> None:
    brief = tmp_path / "brief.py"
    brief.write_text("import os; os.write(1, b'ready'); os._exit(0)")
    # It may have ended before it could be looked at, or right after.
    with suppress(NotStarted):
        child = Child.start(SPAN, brief)
        child.let_go()
        awaited(child)
        assert not child.is_outdated


def test_a_missing_interpreter_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(NotStarted, match="No such file or directory"):
        Child.start(SPAN)
