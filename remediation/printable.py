"""Text from outside (process names, paths, log lines) made harmless before anyone sees it."""

_PLAIN = range(0x20, 0x7F)


def printable(raw: str | bytes, *, limit: int = 200) -> str:
    r"""Return `raw` as one line of printable ASCII, at most `limit` characters.

    Every other byte or character is shown by its number (`\x1b`, `\u202e`), so
    nothing that is invisible, reorders text, breaks lines or cannot be encoded is
    left; what was cut off is counted. Never raises.

    >>> printable(b"web\xff\n")
    'web\\xff\\n'
    >>> printable("A" * 300, limit=20)
    'AAAAAAAA… (+292 more)'
    """
    text = raw.decode(errors="surrogateescape") if isinstance(raw, bytes) else raw
    # Cut before escaping: a megabyte of argv must not become four.
    head = "".join(map(_shown, text[:limit]))
    if len(text) <= limit and len(head) <= limit:
        return head
    kept = head[: max(limit - 12, 1)]
    return f"{kept}… (+{max(len(text) - len(kept), 1)} more)"


def _shown(character: str) -> str:
    code = ord(character)
    if code in _PLAIN:
        return character
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
