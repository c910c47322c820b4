"""Who the bot is to a server of the team's, and whom it trusts there."""

import ssl
from pathlib import Path

from bot.config.server import ServerSection


def bearing(section: ServerSection, secret: str | None) -> dict[str, str]:
    """Return the header with the token; none where a user is named, or no secret given."""
    is_token = secret and section.user is None
    return {"Authorization": f"Bearer {secret}"} if is_token else {}


def signed_in(section: ServerSection, secret: str | None) -> tuple[str, str] | None:
    """Return user and password for basic authentication, where a user is named."""
    return None if section.user is None else (section.user, secret or "")


def trusting(
    ca_file: Path | None, cert_file: Path | None = None, key_file: Path | None = None
) -> ssl.SSLContext | None:
    """Return whom to trust and as whom to call; None for what the machine trusts.

    Raises `OSError` for files that cannot be read or are none.
    """
    if ca_file is None and cert_file is None:
        return None
    context = ssl.create_default_context(cafile=ca_file)
    if cert_file is not None:
        context.load_cert_chain(cert_file, key_file)
    return context
