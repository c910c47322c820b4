"""People who click: quickly, twice, two at once, against each other, too late, or not at all."""

import re
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from handlers.workspace.delivery import Delivery
from handlers.workspace.message import Message, elements
from handlers.workspace.operate import NotPossible
from handlers.workspace.people import ALICE, BOB, GUEST, OUTSIDER, STRANGER
from handlers.workspace.workspace import Workspace
from tests.soak.actor import Actor
from tests.soak.villains import Villains

APPROVERS = frozenset({ALICE.id, BOB.id})
TRIES = 4
"""How often somebody clicks again to whom Slack says that it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """One click and what became of it. at, ended: by the wall clock."""

    at: float
    ended: float
    who: str
    button: str
    value: str
    card: str
    done: Delivery

    @property
    def hook(self) -> str:
        """Name of the way on which it can be answered."""
        return str(self.done.sent.get("response_url", "")).rpartition("/")[2]


class Crowd(Actor):
    """Looks at the channel like everybody, and gives each new button its fate.

    ours: says whether a card's text is about what the soak itself made; nobody clicks
    on anything else.
    """

    def __init__(
        self, seed: int, workspace: Workspace, villains: Villains, folder: str
    ) -> None:
        super().__init__(seed, between=(0.3, 0.5))
        self._workspace = workspace
        self._villains = villains
        self._folder = folder
        self._hands = ThreadPoolExecutor(16, thread_name_prefix="hand")
        self._busy: list[Future[None]] = []
        self._seen: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._asks_at = 0.0
        self.clicks: list[Click] = []
        self.is_calm = False

    def act(self) -> None:
        for post in self._workspace.posts():
            if self._is_new(post, "approve") and self._is_ours(post):
                self._give_fate(post.ts)
            elif self._is_new(post, "again") and self.chance.random() < 0.3:
                self._do(self._press, ALICE.id, post.ts, "Propose again")
        if not self.is_calm and time.monotonic() >= self._asks_at:
            self._asks_at = time.monotonic() + self.chance.uniform(10, 25)
            self._do(self._talk, self.chance.randrange(4))
        for done in [one for one in self._busy if one.done()]:
            self._busy.remove(done)
            done.result()

    def stop(self) -> None:
        super().stop()
        self._hands.shutdown()
        for one in self._busy:
            one.result()

    def _is_new(self, post: Message, button: str) -> bool:
        """Say whether it has such a button that nobody has seen yet."""
        value = _value_of(post, button)
        key = (post.ts, f"{button} {value}")
        if value is None or key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _is_ours(self, post: Message) -> bool:
        text = post.all_text()
        return self._villains.named_in(text) or self._folder in text

    def _give_fate(self, ts: str) -> None:
        fates: list[tuple[Callable[[str, float], None], int]] = [
            (self._approve, 5),
            (self._reject, 2),
            (self._twice, 3),
            (self._both, 3),
            (self._against, 3),
            (self._others_first, 2),
            (self._look_first, 2),
            (self._choose, 2),
            (self._nobody, 1),
        ]
        fate = self.chance.choices([f for f, _ in fates], [n for _, n in fates])[0]
        # Some are quick, some come when it is over.
        after = self.chance.choice((0, 0.5, 2, 6, 20))
        self._do(fate, ts, after)

    # --- fates ------------------------------------------------------------------------

    def _approve(self, ts: str, after: float) -> None:
        time.sleep(after)
        self._press(ALICE.id, ts, "Approve")

    def _reject(self, ts: str, after: float) -> None:
        time.sleep(after)
        self._press(BOB.id, ts, "Reject")

    def _twice(self, ts: str, after: float) -> None:
        time.sleep(after)
        self._at_once(ts, [(ALICE.id, "Approve")] * 2)

    def _both(self, ts: str, after: float) -> None:
        time.sleep(after)
        self._at_once(ts, [(ALICE.id, "Approve"), (BOB.id, "Approve")] * 2)

    def _against(self, ts: str, after: float) -> None:
        time.sleep(after)
        self._at_once(ts, [(ALICE.id, "Approve"), (BOB.id, "Reject")])

    def _others_first(self, ts: str, after: float) -> None:
        others = (STRANGER.id, GUEST.id, OUTSIDER.id)
        self._at_once(ts, [(who, "Approve") for who in others])
        self._approve(ts, after)

    def _look_first(self, ts: str, after: float) -> None:
        self._at_once(ts, [(BOB.id, "Simulate"), (ALICE.id, "Take")])
        self._approve(ts, after)

    def _choose(self, ts: str, after: float) -> None:
        time.sleep(after)
        with suppress(NotPossible):
            options = _others_of(self._workspace.message(ts))
            if options:
                self._record(
                    ts, BOB.id, lambda: self._workspace.choose(BOB.id, ts, options[-1])
                )

    def _nobody(self, ts: str, after: float) -> None:
        """Leave it: it ends by itself."""

    def _talk(self, kind: int) -> None:
        match kind:
            case 0:
                self._workspace.command(ALICE.id, "status")
            case 1:
                pid = self._villains.sleeper()
                self._workspace.command(STRANGER.id, f"kill web-1:{pid}")
            case 2:
                self._workspace.mention(BOB.id, "why is the CPU so busy?")
            case _:
                self._workspace.open_home(ALICE.id)

    # --- hands ------------------------------------------------------------------------

    def _at_once(self, ts: str, presses: Iterable[tuple[str, str]]) -> None:
        hands = [
            threading.Thread(target=self._press, args=(who, ts, button))
            for who, button in presses
        ]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()

    def _press(self, who: str, ts: str, button: str) -> None:
        """Click; again where Slack says that it failed and the button still stands."""
        for _ in range(TRIES):
            try:
                click = self._record(
                    ts, who, lambda: self._workspace.click(who, ts, button)
                )
            except NotPossible:
                return  # the card was redrawn without it before
            if click.done.acked:
                return
            time.sleep(2)

    def _record(self, ts: str, who: str, press: Callable[[], Delivery]) -> Click:
        at = time.time()
        done = press()
        action = done.sent["actions"][0]
        option = action.get("selected_option") or action
        click = Click(
            at=at,
            ended=time.time(),
            who=who,
            button=str(action["action_id"]),
            value=str(option.get("value", "")),
            card=ts,
            done=done,
        )
        with self._lock:
            self.clicks.append(click)
        return click

    def _do(self, what: Callable[..., None], *arguments: object) -> None:
        self._busy.append(self._hands.submit(what, *arguments))


def _value_of(post: Message, action_id: str) -> str | None:
    found = (b["value"] for b in post.buttons() if b["action_id"] == action_id)
    return next(found, None)


def _others_of(post: Message) -> list[str]:
    """The menu's other candidates."""
    values = (
        str(option["value"])
        for _, element in elements(post.blocks)
        for option in element.get("options", [])
    )
    return [value for value in values if re.match(r"choose ", value)]
