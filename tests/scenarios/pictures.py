"""README's pictures: which there are, and how one is taken of the page in a browser."""

import io
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Locator, Page

PICTURES: Final = ("card", "thread", "home", "report", "phone")
MOST_BYTES: Final = 250_000
_COLOURS = 256
_SETTLED_MS = 800


def take(page: Page, folder: Path, name: str, of: Locator | None = None) -> Path:
    """Take the page, or a part of it, as a small PNG; return the file."""
    assert name in PICTURES
    page.mouse.move(0, 0)
    page.wait_for_timeout(_SETTLED_MS)
    raw = page.screenshot() if of is None else of.screenshot()
    file = folder / f"{name}.png"
    few = Image.open(io.BytesIO(raw)).convert("RGB").quantize(_COLOURS)
    few.save(file, optimize=True)
    assert file.stat().st_size < MOST_BYTES, name
    return file
