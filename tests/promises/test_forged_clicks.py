"""Promises 2 and 6: whatever is changed in a click, the action it names is done or none."""

import asyncio
import copy
import json
import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest

from handlers.workspace.delivery import ACK_SECONDS, Envelope
from handlers.workspace.message import Message
from handlers.workspace.people import ALICE, BOB, GUEST, OUTSIDER, STRANGER
from handlers.workspace.wire import Json
from handlers.workspace.workspace import Workspace
from tests.scenarios.stage import Bot, card_of, config, villain

pytestmark = [pytest.mark.promise(6), pytest.mark.timeout(600)]

ODD: tuple[object, ...] = (
    None,
    "",
    0,
    -1,
    True,
    [],
    {},
    [None],
    {"id": None},
    "x" * 2000,
    "x" * 200_000,
    "' OR 1=1; DROP TABLE proposals; --",
    '{"approve": true}',
    "\x00",
    "\ud800",
    "U07ALICE001\n",
    "\uff20everyone",
    "../../etc/passwd",
    "%s%n{0.__class__}",
    1e308,
)

Path = tuple[str | int, ...]

SLEEP = "import signal, time\nsignal.alarm(110)\ntime.sleep(110)"
QUIET = {
    name: {"enabled": False}
    for name in (
        "cpu",
        "memory",
        "filesystem",
        "leaking_process",
        "runaway_process",
    )
}
"""No detector: the cards are asked for, so other load of this machine opens none."""


def _asked_for(workspace: Workspace, pid: int) -> Message:
    """The card of a process that somebody asked to terminate."""
    workspace.command(STRANGER.id, f"kill web-1:{pid}")
    return card_of(workspace, pid, "Proposed action")


@contextmanager
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A foreign host that must never hear from the bot."""
    heard: list[bytes] = []

    class Hear(BaseRequestHandler):
        def handle(self) -> None:
            heard.append(self.request.recv(200))

    with ThreadingTCPServer(("127.0.0.1", 0), Hear) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], heard
        server.shutdown()


def _paths(value: object, here: Path = ()) -> Iterator[Path]:
    if here:
        yield here
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*here, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _paths(inner, (*here, index))


def _with(payload: Json, path: Path, value: object, *, drop: bool = False) -> Json:
    changed = copy.deepcopy(payload)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    if drop:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return changed


def deliver(workspace: Workspace, payloads: list[Json]) -> list[bool]:
    """Send envelopes as Slack would, eighty at a time; return which were acknowledged."""
    done: list[bool] = []

    async def some(part: list[Json]) -> list[bool]:
        return list(await asyncio.gather(*(_send(workspace, p) for p in part)))

    for start in range(0, len(payloads), 80):
        done += workspace._server.run(some(payloads[start : start + 80]))
    return done


async def _send(workspace: Workspace, payload: Json) -> bool:
    # Not through the workspace's own sender: it cannot write a lone surrogate, JSON can.
    sockets = workspace._sockets
    envelope = Envelope(type="interactive", payload=payload)
    ack: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
    sockets._acks[envelope.envelope_id] = ack
    try:
        socket = sockets._open()[0].socket
        await socket.send_text(json.dumps(envelope.as_slack()))
        await asyncio.wait_for(ack, ACK_SECONDS)
    except TimeoutError:
        return False
    else:
        return True
    finally:
        del sockets._acks[envelope.envelope_id]


def _rows(bot: Bot) -> tuple[list[tuple[str, str, str]], list[tuple[str, str]]]:
    with sqlite3.connect(bot.folder / "state" / "countersign.db") as db:
        known = db.execute(
            "SELECT id, state, digest FROM proposals ORDER BY id"
        ).fetchall()
        votes = db.execute("SELECT proposal, person FROM votes").fetchall()
    db.close()
    return known, votes


def failures(bot: Bot) -> tuple[list[str], int]:
    """Tracebacks that passed through our code, and how many were Bolt's alone."""
    traces = bot.log.split("Traceback (most recent call last)")[1:]
    ours = [t for t in traces if "/handlers/" in t or "/remediation/" in t]
    return ours, len(traces) - len(ours)


def _approve_by(payload: Json, person: str, action: Json) -> Json:
    made = copy.deepcopy(payload)
    made["user"]["id"] = person
    made["actions"] = [action]
    return made


def test_no_changed_field_changes_an_action_or_starts_one(  # noqa: PLR0915 - three attacks on one card, in order
    workspace: Workspace, bot: Bot, *, full_counts: bool
) -> None:
    # Two approvers are needed, so one honest vote never executes: whatever does was forged.
    policy = {**bot.config["policy"], "approvals": 2, "candidates": ["terminate"]}  # type: ignore[dict-item]
    bot.config = config(workspace, policy=policy, detectors=QUIET)
    bot.start()
    chance = random.Random(7)
    with (
        villain(SLEEP) as process,
        villain(SLEEP) as other,
        listener() as (port, heard),
    ):
        card, second = (_asked_for(workspace, p.pid) for p in (process, other))
        assert "2 approvers needed" in card.all_text()
        honest = workspace.click(STRANGER.id, card.ts, "Simulate").sent
        approve = {**honest["actions"][0], "action_id": "approve"}
        foreign = workspace.click(STRANGER.id, second.ts, "Simulate").sent
        other_value = foreign["actions"][0]["value"]
        before, _ = _rows(bot)

        # Whoever may not approve stays out whatever else is changed.
        by_nobody = []
        base = _approve_by(honest, STRANGER.id, approve)
        paths = list(_paths(base))
        for path in paths:
            by_nobody += [_with(base, path, value) for value in ODD]
            by_nobody.append(_with(base, path, None, drop=True))
        for person in (GUEST, OUTSIDER, STRANGER):
            stranger = copy.deepcopy(base)
            stranger["user"] = {"id": person.id, "team_id": person.team_id}
            by_nobody.append(stranger)
            by_nobody.append(_with(stranger, ("user", "team_id"), workspace.team_id))
        by_nobody += _elsewhere_urls(base, port)
        if not full_counts:
            by_nobody = chance.sample(by_nobody, 180) + _elsewhere_urls(base, port)
        done = deliver(workspace, by_nobody)

        # An approver's click whose binding is changed counts for nothing.
        mine = _approve_by(honest, ALICE.id, approve)
        bound: list[Path] = [
            ("actions", 0, "value"),
            ("container", "message_ts"),
            ("container", "channel_id"),
            ("user", "team_id"),
            ("user", "id"),
        ]
        unbound = [_with(mine, path, value) for path in bound for value in ODD if value]
        unbound += [
            _with(mine, ("actions", 0, "value"), other_value),
            _with(mine, ("container", "message_ts"), second.ts),
            _with(
                foreign | {"user": mine["user"], "actions": [approve]},
                ("type",),
                "block_actions",
            ),
            _with(mine, ("container",), {"type": "view", "view_id": "V1"}),
            _with(
                mine,
                ("user",),
                {"id": workspace.bot_user_id, "team_id": workspace.team_id},
            ),
        ]
        unbound = (
            [p for p in unbound if p["user"]["id"] != BOB.id]
            if full_counts
            else chance.sample(unbound[:-5], 30) + unbound[-5:]
        )
        done += deliver(workspace, unbound)
        after, votes = _rows(bot)
        assert votes == [], "a forged click counted"
        assert after == before, "a forged click changed a proposal"

        # What a click carries beside its binding changes nothing.
        beside = [
            _with(mine, path, value)
            for path in paths
            if path[0]
            in ("message", "response_url", "trigger_id", "state", "token", "api_app_id")
            for value in ("forged", None, {"a": "b"}, [])
        ]
        done += deliver(workspace, beside if full_counts else chance.sample(beside, 30))
        after, votes = _rows(bot)
        assert {person for _, person in votes} <= {ALICE.id}
        assert {proposal for proposal, _ in votes} <= {approve["value"]}
        assert after == before
        assert process.poll() is None
        assert other.poll() is None

        # The card is none the worse for it: a second person's honest click executes.
        workspace.click(ALICE.id, card.ts, "Approve")
        workspace.click(BOB.id, card.ts, "Approve")
        assert process.wait(15) == -15
        assert other.poll() is None
        assert heard == [], "a foreign host was called"
    escaped, bolts = failures(bot)
    print(
        f"promise 6: {len(done)} forged clicks, acknowledged "
        f"{sum(done)}, actions changed 0, executions 0, foreign "
        f"requests {len(heard)}, escaped exceptions {len(escaped)} (before any listener, "
        f"in Bolt itself: {bolts})"
    )
    assert not escaped, escaped[:3]


def _elsewhere_urls(base: Json, port: int) -> list[Json]:
    return [
        _with(base, ("response_url",), url)
        for url in (
            f"http://127.0.0.1:{port}/a",
            f"http://hooks.slack.com@127.0.0.1:{port}/a",
            f"https://hooks.slack.com@127.0.0.1:{port}/a",
            f"http://localhost:{port}/hooks.slack.com",
            f"https://hooks.slack.com.localhost:{port}/a",
            f"http://127.0.0.1:{port}\\@hooks.slack.com/a",
            f"//127.0.0.1:{port}/a",
            "https://[hooks.slack.com",
            "file:///etc/passwd",
            "https://hooks.slack.com:bad/",
            f"http://127.0.0.1:{port}#https://hooks.slack.com/",
        )
    ]


def test_every_button_answers_a_forged_value_without_failing(
    workspace: Workspace, bot: Bot
) -> None:
    bot.config = config(workspace, detectors=QUIET)
    bot.start()
    verbs = (
        "approve",
        "reject",
        "simulate",
        "take",
        "again",
        "undo",
        "menu",
        "say_why",
    )
    with villain(SLEEP) as process:
        card = _asked_for(workspace, process.pid)
        honest = workspace.click(STRANGER.id, card.ts, "Simulate").sent
        forged = []
        for verb in verbs:
            for value in (
                "",
                "x",
                "web-1~abcdef~" + "A" * 16,
                "x" * 2000,
                "\x00",
                "\ud800",
                "choose x",
                "choose \ud800",
                "mute",
                None,
                7,
            ):
                made = copy.deepcopy(honest)
                made["user"]["id"] = (
                    BOB.id if verb in ("say_why", "menu") else STRANGER.id
                )
                made["actions"][0] |= {"action_id": verb, "value": value}
                # Not on any card: take, again, undo and mute must find nothing.
                made["container"]["message_ts"] = (
                    "1.000001" if value != "\ud800" else "\ud800"
                )
                forged.append(made)
        done = deliver(workspace, forged)
        known, votes = _rows(bot)
        assert process.poll() is None
    assert votes == []
    assert {state for _, state, _ in known} == {"pending"}
    escaped, _ = failures(bot)
    print(
        f"promise 6: {len(forged)} forged values over {len(verbs)} buttons, unanswered "
        f"{done.count(False)}, escaped exceptions {len(escaped)}"
    )
    assert not escaped, escaped[:3]
    assert all(done)
