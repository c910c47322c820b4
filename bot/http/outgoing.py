"""Sending a JSON document somewhere: one deadline, nothing followed, nothing believed."""

from collections.abc import Mapping

_ANSWER_BYTES = 100_000


class NotDelivered(Exception):
    """It did not arrive, as far as can be known; the text says why, fit for a thread."""


def post(url: str, body: Mapping[str, object], *, seconds: float) -> None:
    """Send it with POST; raise `NotDelivered` unless the answer is 2xx.

    The address is not named in the error: it may hold a secret.
    """
    import httpx2

    from bot.http.bounded import BoundedTransport, TooLarge, TooSlow

    transport = BoundedTransport(limit_bytes=_ANSWER_BYTES)
    with httpx2.Client(transport=transport) as client, transport.within(seconds):
        try:
            answer = client.post(url, json=body)
        except TooSlow as error:
            raise NotDelivered(f"no answer within {seconds:g} s") from error
        except TooLarge as error:
            raise NotDelivered("the answer was too large") from error
        except httpx2.HTTPError as error:
            raise NotDelivered("it cannot be reached") from error
    if not answer.is_success:
        raise NotDelivered(f"it answered with status {answer.status_code}")
