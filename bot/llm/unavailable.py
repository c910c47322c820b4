"""Why a model did not answer, said once for all providers and fit for the card."""

from typing import Final

from bot.ports import ModelUnavailable

SHAPELESS: Final = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RecursionError,
)
"""What client libraries raise for an answer of another shape; none documents it."""


def refused(status: int) -> ModelUnavailable:
    """Say what an HTTP status means."""
    if status in (401, 403):
        reason = "the model's server refused the API key"
        return ModelUnavailable(reason, may_retry=False)
    if status == 404:
        reason = "the model's server knows no such model (setting model.name)"
        return ModelUnavailable(reason, may_retry=False)
    if status == 429:
        reason = "the model's quota or rate limit is used up"
        return ModelUnavailable(reason, may_retry=True)
    if status >= 500 or status == 408:
        return ModelUnavailable("the model's server is overloaded", may_retry=True)
    return ModelUnavailable("the model's server refused the question", may_retry=False)


def too_slow(seconds: float) -> ModelUnavailable:
    """Say that the time is over."""
    reason = f"the model gave no answer within {seconds:.0f} s"
    return ModelUnavailable(reason, may_retry=True)


def too_large() -> ModelUnavailable:
    """Say that nobody will read that much."""
    return ModelUnavailable("the model's answer was too large", may_retry=False)


def not_reached() -> ModelUnavailable:
    """Say that there was no connection, or that it broke."""
    reason = "the model's server could not be reached"
    return ModelUnavailable(reason, may_retry=True)


def senseless() -> ModelUnavailable:
    """Say that the answer has not the shape of an answer."""
    reason = "the model's server gave no sensible answer"
    return ModelUnavailable(reason, may_retry=False)
