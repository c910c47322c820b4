"""What Slack does to the bot: 429s, errors, lost answers, disconnects and outages."""

import time

from handlers.workspace.workspace import Workspace
from tests.soak.actor import Actor

POST = "chat.postMessage"
OFTEN_CALLED = (POST, "chat.update", "users.info", "response_url", "*")


class Weather(Actor):
    """Draws one fault after the other.

    outages: when each began and ended, by the monotonic clock.
    """

    def __init__(self, seed: int, workspace: Workspace, *, often: float = 1.0) -> None:
        super().__init__(seed, between=(3 / often, 9 / often))
        self._workspace = workspace
        self.outages: list[tuple[float, float]] = []
        self.disconnects = 0

    def act(self) -> None:
        kinds = [
            (self._limited, 5),
            (self._broken, 3),
            (self._cut, 2),
            (self._slow, 3),
            (self._envelopes, 4),
            (self._disconnected, 2),
            (self._outage, 1),
        ]
        self.chance.choices([k for k, _ in kinds], [n for _, n in kinds])[0]()

    def clear(self) -> None:
        """Good weather from now on."""
        self._workspace.faults.clear()

    def limited(self) -> int:
        """How many calls were answered with 429."""
        struck = self._workspace.faults.struck
        return sum(strike.fault.kind == "rate_limit" for strike in struck)

    def _limited(self) -> None:
        self._workspace.faults.rate_limit(
            self.chance.choice(OFTEN_CALLED),
            times=self.chance.randrange(1, 5),
            retry_after_seconds=self.chance.randrange(1, 4),
        )

    def _broken(self) -> None:
        self._workspace.faults.server_error(
            self.chance.choice(OFTEN_CALLED),
            times=self.chance.randrange(1, 4),
            status=self.chance.choice((500, 502, 503)),
        )

    def _cut(self) -> None:
        # The bot cannot know whether it was posted.
        self._workspace.faults.cut_after(self.chance.choice((POST, "chat.update")))

    def _slow(self) -> None:
        seconds = self.chance.uniform(0.3, 1.5)
        self._workspace.faults.slow(self.chance.choice(OFTEN_CALLED), seconds=seconds)

    def _envelopes(self) -> None:
        faults = self._workspace.faults
        match self.chance.randrange(3):
            case 0:
                faults.duplicate_envelopes()
            case 1:
                faults.retry_envelopes(after_seconds=self.chance.uniform(0, 5))
            case _:
                faults.delay_envelopes(self.chance.uniform(0.5, 12))

    def _disconnected(self) -> None:
        self.disconnects += 1
        self._workspace.disconnect(hard=self.chance.random() < 0.5)

    def _outage(self) -> None:
        began = time.monotonic()
        self._workspace.faults.outage(on=True)
        self.rest(self.chance.uniform(4, 15))
        self._workspace.faults.outage(on=False)
        self.outages.append((began, time.monotonic()))
