"""The bounds of an export as people write them: a day, or an instant, in UTC if unsaid."""

from datetime import UTC, datetime, timedelta

_EXPECTED = "is no date: write 2026-01-31, or 2026-01-31T12:00 with a zone if not UTC"


def parse_bound(text: str, *, is_end: bool = False) -> datetime:
    """Return the aware instant; a day alone begins it, as an end it is all of the day.

    Raises `ValueError` that says what was expected.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} {_EXPECTED}") from error
    at = found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    is_day = len(text.strip()) <= len("2026-01-31")
    return at + timedelta(days=1) if is_end and is_day else at
