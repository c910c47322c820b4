"""`countersign demo` as a newcomer sees it: every act, in a real browser."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.workspace.test_page_in_browser import CHROMIUM, FLAGS

expect.set_options(timeout=60_000)

pytestmark = [
    pytest.mark.skipif(
        not Path(CHROMIUM).exists() and not os.environ.get("CI"),
        reason="needs chromium (apt-get install chromium)",
    ),
    pytest.mark.timeout(300),
]


@pytest.fixture
def demo() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The demo as a process, and the address it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "demo", "--no-browser"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                yield process, found[0]
                break
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(
            viewport={"width": 1400, "height": 1000}, device_scale_factor=1
        )
        opened.set_default_timeout(30_000)
        yield opened
        browser.close()


def become(page: Page, name: str) -> None:
    who = page.locator("#you")
    labels = who.locator("option").all_inner_texts()
    who.select_option(label=next(text for text in labels if name in text))


def messages(page: Page) -> Locator:
    return page.locator("#main article, #main .message")


def card_of(page: Page, program: str) -> Locator:
    """The newest card about this program on which something can be approved."""
    cards = messages(page).filter(has_text=program)
    return cards.filter(has=page.get_by_role("button", name="Approve")).last


def approve(page: Page, program: str) -> None:
    card_of(page, program).get_by_role("button", name="Approve").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()


def act_one(page: Page) -> None:
    """Refused as a stranger, approved as a teammate; the process dies."""
    become(page, "Chen")
    approve(page, "runaway.py")
    expect(page.get_by_text("you are not among the approvers")).to_be_visible()
    become(page, "Alice")
    approve(page, "runaway.py")
    ended = messages(page).filter(has_text="Resolved").filter(has_text="runaway.py")
    expect(ended.first).to_be_visible()
    ended.first.get_by_text(re.compile(r"\d+ replies")).click()
    expect(page.get_by_text(re.compile("Recovered: CPU")).first).to_be_visible()
    expect(page.locator("img").last).to_be_visible()


def act_memory(page: Page) -> None:
    """The same again: the card says what helped last time, and so does the thread."""
    page.get_by_role("button", name="Start the same again").click()
    card = card_of(page, "runaway.py").filter(has_text="Last time")
    expect(card).to_contain_text("it helped")
    card.get_by_text(re.compile(r"\d+ repl(y|ies)")).click()
    box = page.get_by_label("Reply in this thread")
    box.fill("@countersign what fixed it last time?")
    box.press("Enter")
    # The card, which stands at the top of the thread, says it too.
    said = page.locator("#thread-list article").filter(has_text="it helped")
    expect(said).to_have_count(2)


def act_three(page: Page) -> None:
    """A service that crashed is restarted, and stays up; a freeze keeps another down."""
    page.get_by_role("button", name="Crash the shop").click()
    card = card_of(page, "shop.service")
    expect(card).to_contain_text("Restart shop.service")
    approve(page, "shop.service")
    ended = messages(page).filter(has_text="Resolved").filter(has_text="shop.service")
    expect(ended.first).to_be_visible()
    page.get_by_role("button", name="Crash the books").click()
    card = messages(page).filter(has_text="books.service").last
    expect(card).to_contain_text("the books are being closed")
    expect(card).to_contain_text("rule policy.rules.closing")
    expect(card.get_by_role("button", name="Approve")).to_have_count(0)
    refused = page.get_by_text(re.compile("refused by policy.rules.closing"))
    expect(refused).to_be_visible()


def act_two(page: Page) -> None:
    """What changed is not killed; a card outlives the bot; the ledger proves itself."""
    page.get_by_role("button", name="Start the chameleon").click()
    expect(page.get_by_text(re.compile("is /bin/sh now"))).to_be_visible()
    approve(page, "chameleon.py")
    expect(page.get_by_text(re.compile("instead of")).first).to_be_visible()
    act_three(page)
    page.get_by_role("button", name="Kill the bot").click()
    expect(page.get_by_text(re.compile("back after"))).to_be_visible()
    approve(page, "spinner.py")
    died = page.get_by_text(re.compile(r"spinner\.py.* exited")).first
    expect(died).to_be_visible()
    page.get_by_role("button", name="countersign audit verify").click()
    expect(page.get_by_text(re.compile("chain +whole"))).to_be_visible()


def test_a_newcomer_goes_through_both_acts(
    demo: tuple[subprocess.Popen[str], str], page: Page
) -> None:
    process, address = demo
    started = time.monotonic()
    page.goto(address)
    expect(card_of(page, "runaway.py")).to_be_visible()
    print(f"seconds to the first card: {time.monotonic() - started:.1f}")
    act_one(page)
    act_memory(page)
    act_two(page)
    own = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert not [child for child in own if child.is_running()]
