"""The body of an HTTP request, read no further than anybody would send."""

from fastapi import Request


async def body_of(request: Request, most: int) -> bytes | None:
    """Return the body, or None as soon as it is longer than `most` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            return None
    return bytes(body)
