"""What a work has used of its budget, and what the next turn may still take."""

from collections.abc import Callable
from typing import Final

from bot.config.model import Budget
from bot.diagnosis.provider import Allowance, Reply
from bot.diagnosis.till import Till, Wanted
from bot.llm import costs
from bot.llm.costs import AskedInVain, Price, Usage
from bot.ports import Clock, ModelUnavailable

MOST_TOKENS_OUT: Final = 8192
LEAST_TOKENS_OUT: Final = 400
"""With fewer an answer cannot be finished."""
ENOUGH_TOKENS_OUT: Final = 2048
"""Few answers need more, thinking included."""
CHARACTERS_PER_TOKEN: Final = 3
"""Fewer than English has (about 4): the guess before a turn should be too high."""
_TOLD_OUT: Final = 4
"""Thinking may go beyond what was allowed, but not by more than this."""


class Meter:
    """Counts one work: rounds, tokens and seconds by itself, money in its till."""

    def __init__(self, budget: Budget, *, model: str, till: Till, clock: Clock) -> None:
        self._budget = budget
        self._model = model
        self._till = till
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
    def seconds_left(self) -> float:
        """How long it may still take; not more than 0 where the time is over."""
        return self._budget.seconds - self.seconds

    def ask(self, characters: int, turn: Callable[[Allowance], Reply]) -> Reply:
        """Take a turn with a prompt of so many characters, and count it.

        A turn whose usage nobody told counts as all it was allowed; one that is told
        counts as told, as far as that can be true. Raises
        `ModelUnavailable`, also where a budget is used up.
        """
        allowance = self.next_turn(characters)
        all_of_it = Usage(
            tokens_in=characters // CHARACTERS_PER_TOKEN,
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
        usage = _believed(told, all_of_it)
        price = costs.price(self._model, usage)
        self.rounds += 1
        self.usage += usage
        self._spent += price.dollars
        self._known = self._known and price.known
        self._till.release(self.price)

    def next_turn(self, characters: int) -> Allowance:
        """Hold the money for a turn with a prompt of so many characters.

        Returns what it may take. Raises `ModelUnavailable` naming the budget that is
        used up.
        """
        left_seconds = self.seconds_left
        prompt = characters // CHARACTERS_PER_TOKEN
        tokens_out = min(
            MOST_TOKENS_OUT, self._budget.tokens - self.usage.tokens - prompt
        )
        for what, is_over in (
            ("rounds", self.rounds >= self._budget.rounds),
            ("seconds", left_seconds <= 0),
            ("tokens", tokens_out < LEAST_TOKENS_OUT),
        ):
            if is_over:
                reason = f"the model's budget of {what} is used up"
                raise ModelUnavailable(reason, may_retry=False)
        affordable = self._paid_for(prompt, tokens_out)
        return Allowance(seconds=left_seconds, tokens_out=min(tokens_out, affordable))

    def is_last(self, characters: int) -> bool:
        """Say whether one more turn is affordable, but hardly two.

        A second turn is taken to carry twice the characters.
        """
        ahead = 3 * characters // CHARACTERS_PER_TOKEN + 2 * LEAST_TOKENS_OUT
        return (
            self.rounds + 1 >= self._budget.rounds
            or self.seconds > 0.5 * self._budget.seconds
            or self.usage.tokens + ahead > self._budget.tokens
            or not self._can_pay(ahead)
        )

    def _can_pay(self, ahead: int) -> bool:
        left = self._till.left(self.price)
        return left > 0 and left >= self._cost(ahead, LEAST_TOKENS_OUT)

    def _paid_for(self, prompt: int, tokens_out: int) -> int:
        """Hold money for the prompt and an answer; return the answer's tokens."""
        wanted = Wanted(
            least=self._cost(prompt, LEAST_TOKENS_OUT),
            enough=self._cost(prompt, min(tokens_out, ENOUGH_TOKENS_OUT)),
            most=self._cost(prompt, tokens_out),
            is_known=costs.price(self._model, Usage()).known,
        )
        for_answer = self._till.hold(self.price, wanted) - self._cost(prompt, 0)
        each = self._cost(0, 1_000_000) / 1e6
        # A hair more: what was multiplied comes back a hair smaller.
        return int(for_answer / each + 1e-6) if each > 0 else tokens_out

    def _cost(self, tokens_in: int, tokens_out: int) -> float:
        usage = Usage(tokens_in=tokens_in, tokens_out=tokens_out)
        return costs.price(self._model, usage).dollars


def _believed(told: Usage | None, all_of_it: Usage) -> Usage:
    """Return what a turn used: a server that lies must not use up a day's money."""
    if told is None or not told.tokens:
        return all_of_it
    most_out = _TOLD_OUT * all_of_it.tokens_out
    return Usage(
        tokens_in=min(told.tokens_in, CHARACTERS_PER_TOKEN * all_of_it.tokens_in),
        tokens_out=min(told.tokens_out, most_out),
        tokens_thinking=min(told.tokens_thinking, most_out),
    )
