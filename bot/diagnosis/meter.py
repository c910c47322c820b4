"""What a diagnosis has used of its budget, and what the next turn may still take."""

from collections.abc import Callable
from typing import Final

from bot import costs
from bot.costs import AskedInVain, Price, Usage
from bot.diagnosis.provider import Allowance, Reply
from bot.model_section import Budget
from bot.ports import Clock, ModelUnavailable

MOST_TOKENS_OUT: Final = 8192
LEAST_TOKENS_OUT: Final = 400
"""With fewer an answer cannot be finished."""
_CHARACTERS_PER_TOKEN: Final = 3
"""Fewer than English has (about 4): the guess before a turn should be too high."""


class Meter:
    """Counts one diagnosis. dollars: what is left for it when it begins."""

    def __init__(
        self, budget: Budget, *, model: str, dollars: float, clock: Clock
    ) -> None:
        self._budget = budget
        self._model = model
        self._dollars = dollars
        self._clock = clock
        self._began = clock.now().boot
        self._known = True
        self._spent = 0.0
        self.usage = Usage()
        self.rounds = 0

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return max(self._clock.now().boot - self._began, 0.0)

    @property
    def price(self) -> Price:
        """What it has cost so far."""
        return Price(dollars=self._spent, known=self._known)

    @property
    def is_late(self) -> bool:
        """Whether its seconds are over."""
        return self.seconds >= self._budget.seconds

    def ask(self, characters: int, turn: Callable[[Allowance], Reply]) -> Reply:
        """Take a turn with a prompt of so many characters, and count it.

        A turn whose usage nobody told counts as all it was allowed. Raises
        `ModelUnavailable`, also where a budget is used up.
        """
        allowance = self.next_turn(characters)
        all_of_it = Usage(
            tokens_in=characters // _CHARACTERS_PER_TOKEN,
            tokens_out=allowance.tokens_out,
        )
        try:
            reply = turn(allowance)
        except AskedInVain as lost:
            self._count(lost.usage, all_of_it)
            raise
        self._count(reply.usage, all_of_it)
        return reply

    def _count(self, told: Usage | None, all_of_it: Usage) -> None:
        usage = told if told is not None and told.tokens else all_of_it
        price = costs.price(self._model, usage)
        self.rounds += 1
        self.usage += usage
        self._spent += price.dollars
        self._known = self._known and price.known

    def next_turn(self, characters: int) -> Allowance:
        """Return what a turn with a prompt of so many characters may take.

        Raises `ModelUnavailable` naming the budget that is used up.
        """
        left_seconds = self._budget.seconds - self.seconds
        prompt = characters // _CHARACTERS_PER_TOKEN
        tokens_out = min(
            MOST_TOKENS_OUT, self._budget.tokens - self.usage.tokens - prompt
        )
        affordable = self._affordable(prompt)
        for what, is_over in (
            ("rounds", self.rounds >= self._budget.rounds),
            ("seconds", left_seconds <= 0),
            ("tokens", tokens_out < LEAST_TOKENS_OUT),
            ("money", affordable < LEAST_TOKENS_OUT),
        ):
            if is_over:
                reason = f"the model's budget of {what} is used up"
                raise ModelUnavailable(reason, may_retry=False)
        return Allowance(seconds=left_seconds, tokens_out=min(tokens_out, affordable))

    def is_last(self, characters: int) -> bool:
        """Say whether one more turn is affordable, but hardly two.

        A second turn is taken to carry twice the characters.
        """
        ahead = 3 * characters // _CHARACTERS_PER_TOKEN + 2 * LEAST_TOKENS_OUT
        return (
            self.rounds + 1 >= self._budget.rounds
            or self.seconds > 0.5 * self._budget.seconds
            or self.usage.tokens + ahead > self._budget.tokens
            or self._affordable(ahead) < LEAST_TOKENS_OUT
        )

    def _affordable(self, prompt: int) -> int:
        """Return the tokens of an answer that the money left pays for."""
        left = self._dollars - self._spent
        left -= costs.price(self._model, Usage(tokens_in=prompt)).dollars
        million = costs.price(self._model, Usage(tokens_out=1_000_000)).dollars
        if left <= 0:
            return 0
        return int(left / million * 1e6) if million > 0 else MOST_TOKENS_OUT
