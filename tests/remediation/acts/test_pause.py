import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from remediation import signals
from remediation.action import Pause, Resume
from remediation.acts.process import perform
from remediation.outcome import Outcome, Result, Seen
from tests.remediation.victims import (
    HOST,
    SLEEPS,
    TWO_THREADS,
    agrees,
    facts_of,
    now,
    running,
    silent,
    state,
    until,
)

_PAUSES_AND_HANGS = """
import sys, time
from datetime import UTC, datetime, timedelta
from remediation.action import Pause
from remediation.target.facts import FactReader
from remediation.acts.process import perform
facts = FactReader("h").read(int(sys.argv[1]))
action = Pause(host="h", process=facts.identity, label=facts.label,
               duration=timedelta(seconds=float(sys.argv[2])))
def at(text):
    print(text.split()[0], text.split()[1], flush=True)
    if text.startswith(sys.argv[3]):
        time.sleep(600)
outcome = perform(action, recheck=lambda f: None, progress=at,
                  now=lambda: datetime.now(UTC))
print(outcome.seen, flush=True)
time.sleep(600)
"""


def _pause(pid: int, seconds: float = 60) -> Pause:
    facts = facts_of(pid)
    return Pause(
        host=HOST,
        process=facts.identity,
        label=facts.label,
        duration=timedelta(seconds=seconds),
    )


def _resume(pause: Pause) -> Resume:
    return Resume(host=HOST, process=pause.process, label=pause.label)


def _act(action: Pause | Resume) -> Outcome:
    return perform(action, recheck=agrees, progress=silent, now=now)


def test_a_paused_process_stands_still_until_it_is_resumed(tmp_path: Path) -> None:
    with running(TWO_THREADS, tmp_path) as victim:
        action = _pause(victim.pid)
        paused = _act(action)
        assert state(victim.pid) == "T"
        resumed = _act(_resume(action))
        assert state(victim.pid) in "RS"

    assert (paused.result, paused.seen) == (Result.DONE, Seen.STOPPED)
    assert "resumes by itself in 60 s" in paused.summary
    assert (resumed.result, resumed.seen) == (Result.DONE, Seen.RUNNING)
    assert resumed.summary.endswith("runs again")


def test_the_resume_is_armed_before_the_stop(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        steps = [step.text for step in _act(_pause(victim.pid)).steps]

    assert steps[0].startswith("armed the resume")
    assert steps[1].startswith("sent SIGSTOP")


@pytest.mark.promise(38)
@pytest.mark.parametrize("moment", ["armed", "sent", "never"])
def test_a_pause_ends_on_time_though_the_bot_was_killed(
    tmp_path: Path, moment: str, request: pytest.FixtureRequest
) -> None:
    rounds = 20 if request.config.getoption("--full-counts", default=False) else 1
    left_stopped = 0
    for _ in range(rounds):
        with running(SLEEPS, tmp_path) as victim:
            stopped = _paused_by_a_bot_that_dies(victim.pid, moment)
            left_stopped += not until(lambda pid=victim.pid: state(pid) in "RS", 4)
        assert stopped is (moment != "armed")

    print(
        f"promise 38 (bot killed when {moment}): {rounds} pauses, left stopped "
        f"{left_stopped}"
    )
    assert left_stopped == 0


def _paused_by_a_bot_that_dies(pid: int, moment: str) -> bool:
    """Let another process pause `pid` for 1.5 s, kill it with SIGKILL; was it stopped?"""
    bot = subprocess.Popen(
        [sys.executable, "-c", _PAUSES_AND_HANGS, str(pid), "1.5", moment],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
        start_new_session=True,
    )
    wanted = {"armed": "armed the", "sent": "sent SIGSTOP", "never": "paused"}[moment]
    with bot:
        assert bot.stdout is not None
        while bot.stdout.readline().strip() != wanted:
            pass
        stopped = moment != "armed" and until(lambda: state(pid) == "T", 1)
        bot.send_signal(signal.SIGKILL)
    return stopped


def test_who_listens_on_a_port_is_not_paused(tmp_path: Path) -> None:
    code = f"import socket\ns = socket.create_server(('127.0.0.1', 0))\n{SLEEPS}"
    with running(code, tmp_path) as victim:
        outcome = _act(_pause(victim.pid))
        assert state(victim.pid) in "RS"

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.RUNNING)
    assert "callers would hang" in outcome.summary


def test_who_stands_still_already_is_not_paused(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        victim.send_signal(signal.SIGSTOP)
        until(lambda: state(victim.pid) == "T")
        outcome = _act(_pause(victim.pid))

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.STOPPED)


def test_a_pause_without_length_is_refused(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        outcome = _act(_pause(victim.pid, seconds=0))

    assert outcome.result is Result.REFUSED


def test_without_a_helper_nothing_is_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(SLEEPS, tmp_path) as victim:
        action = _pause(victim.pid)
        monkeypatch.setattr(sys, "executable", "/bin/false")
        outcome = _act(action)
        assert state(victim.pid) in "RS"

    assert (outcome.result, outcome.seen) == (Result.REFUSED, Seen.RUNNING)


def test_another_process_is_neither_paused_nor_resumed(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        action = _pause(victim.pid)
        stale = replace(action, process=replace(action.process, image="1:2:3:4"))
        outcomes = [_act(stale), _act(_resume(stale))]
        assert state(victim.pid) in "RS"

    assert [outcome.seen for outcome in outcomes] == [Seen.CHANGED] * 2


def test_resuming_who_runs_does_nothing(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        outcome = _act(_resume(_pause(victim.pid)))

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.RUNNING)
    assert outcome.steps == ()


def test_who_exits_before_it_stands_still_is_not_called_paused(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:

        def ends(text: str) -> None:
            if text.startswith("sent"):
                victim.kill()
                victim.wait()

        outcome = perform(_pause(victim.pid), recheck=agrees, progress=ends, now=now)

    assert (outcome.result, outcome.seen) == (Result.FAILED, Seen.EXITED)


def test_who_exits_as_it_is_resumed_is_called_exited(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        action = _pause(victim.pid)
        _act(action)

        def ends(_: str) -> None:
            victim.kill()
            victim.wait()

        outcome = perform(_resume(action), recheck=agrees, progress=ends, now=now)

    assert (outcome.result, outcome.seen) == (Result.DONE, Seen.EXITED)


def test_a_stop_that_does_not_take_effect_is_taken_back(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        pidfd = os.pidfd_open(victim.pid)

        def wakes_it_again(text: str) -> None:
            if text.startswith("sent SIGSTOP"):
                until(lambda: state(victim.pid) == "T")
                waker.append(
                    subprocess.Popen([sys.executable, "-c", _WAKES, str(victim.pid)])
                )
                until(lambda: state(victim.pid) == "S")

        waker: list[subprocess.Popen[bytes]] = []
        outcome = perform(
            _pause(victim.pid), recheck=agrees, progress=wakes_it_again, now=now
        )
        for process in waker:
            process.kill()
            process.wait()
        with suppress(ProcessLookupError):
            signals.send(pidfd, signal.SIGCONT)
        os.close(pidfd)

    assert (outcome.result, outcome.seen) == (Result.FAILED, Seen.RUNNING)
    assert "the pause was taken back" in outcome.summary


_WAKES = (
    "import os, signal, sys, time\n"
    "fd = os.pidfd_open(int(sys.argv[1]))\n"
    "while True: signal.pidfd_send_signal(fd, signal.SIGCONT); time.sleep(0.001)\n"
)


def test_who_cannot_be_resumed_is_said_to_stand_still(tmp_path: Path) -> None:
    with running(SLEEPS, tmp_path) as victim:
        action = _pause(victim.pid)
        _act(action)

        def stops_it_again(_: str) -> None:
            victim.send_signal(signal.SIGSTOP)
            time.sleep(0.05)

        outcome = perform(
            _resume(action), recheck=agrees, progress=stops_it_again, now=now
        )

    assert (outcome.result, outcome.seen) == (Result.FAILED, Seen.STOPPED)
