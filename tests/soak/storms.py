"""Alerts told through the webhook as Alertmanager tells them, until each is taken."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.fakes.telling import message, told
from tests.scenarios.test_alert_load import posted
from tests.soak.actor import Actor

TRIES = 30
"""How often one message is told that nobody takes."""


@dataclass(slots=True, kw_only=True)
class Told:
    """Alerts of one name and how many of them were taken (answered with 202).

    until: when their end is told, by the monotonic clock.
    """

    name: str
    hosts: tuple[str, ...]
    until: float
    starts_at: datetime
    is_taken: bool = False
    is_over: bool = False
    again: int = 0


class Storms(Actor):
    """Tells single alerts, flapping ones and storms, and their ends."""

    def __init__(self, seed: int, port: int, *, often: float = 1.0) -> None:
        super().__init__(seed, between=(0.5, 1.5))
        self._port = port
        self._often = often
        self._next = 0.0
        self.told: list[Told] = []
        self.untaken = 0

    def act(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self.chance.uniform(15, 40) / self._often
            self._tell(self._new(now))
        for each in self.told:
            if each.is_taken and not each.is_over and now >= each.until:
                self._end(each)

    def end(self) -> None:
        """Tell the end of all that was told."""
        for each in self.told:
            if not each.is_over:
                each.again = 0
                self._end(each)
        assert all(each.is_over for each in self.told), "the end of an alert is refused"

    def taken(self) -> dict[str, Told]:
        """What was answered with 202, by its name."""
        return {each.name: each for each in self.told if each.is_taken}

    def _new(self, now: float) -> Told:
        kind = self.chance.choices(["single", "flapping", "storm"], [4, 2, 1])[0]
        count = self.chance.randrange(30, 60) if kind == "storm" else 1
        number = len(self.told)
        made = Told(
            name=f"Soak{number}x",
            hosts=tuple(f"app-{number}-{n}" for n in range(count)),
            until=now + self.chance.uniform(0, 30),
            starts_at=datetime.now(UTC),
            again=2 if kind == "flapping" else 0,
        )
        self.told.append(made)
        return made

    def _tell(self, made: Told) -> None:
        body = self._body(made, "firing", "0001-01-01T00:00:00Z")
        made.is_taken = self._post(body) or made.is_taken

    def _end(self, made: Told) -> None:
        body = self._body(made, "resolved", datetime.now(UTC).isoformat())
        if not self._post(body):
            return
        if made.again:
            made.again -= 1
            made.starts_at = datetime.now(UTC)
            made.until = time.monotonic() + self.chance.uniform(1, 6)
            self._tell(made)
        else:
            made.is_over = True

    def _body(self, made: Told, status: str, ends_at: str) -> dict[str, object]:
        alerts = (
            told(
                made.name,
                instance=f"{host}:9100",
                status=status,
                starts_at=made.starts_at,
                ends_at=ends_at,
            )
            for host in made.hosts
        )
        return message(*alerts, group=made.name)

    def _post(self, body: object) -> bool:
        for _ in range(TRIES):
            if posted(self._port, body) == 202:
                return True
            self.untaken += 1
            time.sleep(1)
        return False
