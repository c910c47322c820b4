"""README's pictures, taken of a bot at work that has a month behind it.

`make pictures` keeps them (`COUNTERSIGN_PICTURES`); else they are taken and thrown away.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from handlers.workspace.workspace import Workspace
from tests.fakes.month import EXPORT, live
from tests.real.databases import fresh
from tests.scenarios.pictures import PICTURES, take
from tests.scenarios.stage import Bot, config, me, until
from tests.workspace.test_page_in_browser import CHROMIUM, FLAGS

KEPT = os.environ.get("COUNTERSIGN_PICTURES")
WILD = """
import os, signal
if os.geteuid() == 0:
    os.nice(-8)
    os.setuid(65534)
signal.alarm(200)
while True:
    pass
"""
"""It is to be seen, also on a machine that has other work: so it goes first, as root."""
DESK = {"width": 1080, "height": 1000}
WIDE = {"width": 1320, "height": 960}
NAMESPACE = (
    *("/usr/bin/unshare", "--fork", "--pid", "--mount-proc", "--kill-child"),
    # Another process beside the bot, as on any host.
    *("/bin/sh", "-c", 'sleep 600 & exec "$@"', "sh"),
)
"""In which the bot sees its own processes, and nothing else that this machine does."""
PHONE = {"width": 390, "height": 844}
expect.set_options(timeout=120_000)

pytestmark = [
    pytest.mark.skipif(
        not Path(CHROMIUM).exists() and not os.environ.get("CI"),
        reason="needs chromium (apt-get install chromium)",
    ),
    pytest.mark.timeout(300),
]


@pytest.fixture
def bot(workspace: Workspace, tmp_path: Path) -> Iterator[Bot]:
    """The bot, with a month of incidents in its database."""
    state = tmp_path / "state"
    state.mkdir()
    with fresh("sqlite", state) as database:
        live(database, datetime.now(UTC))
    made = Bot(
        workspace=workspace,
        folder=tmp_path,
        config=_watchful(workspace),
        inside=NAMESPACE if os.geteuid() == 0 else (),
    )
    made.start()
    # A card asks memory once: the month must be remembered before there is one.
    until(lambda: EXPORT in made.run("memory", "list").stdout, 90)
    yield made
    made.close()
    print(made.log[-3000:])


def _watchful(workspace: Workspace) -> dict[str, object]:
    """The tests' quick configuration, with the memory of the host as well."""
    quick = config(workspace)
    detectors = quick["detectors"]
    assert isinstance(detectors, dict)
    soon = {"interval": "1s", "for": "4s", "keep_firing_for": "4s"}
    shown = {"memory": {"interval": "1s", "for": "30m"}}
    own = {"runaway_process": {**soon, "warning": 30, "critical": 45}}
    users = ["nobody" if os.geteuid() == 0 else me()]
    return {
        **quick,
        "watch_host": True,
        "detectors": {**detectors, **shown, **own},
        "policy": {"cooldown": "0s", "processes": {"users": users}},
        "verify": {"window": "5s"},
    }


@pytest.fixture
def page(workspace: Workspace) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(viewport=DESK, device_scale_factor=2)
        opened.set_default_timeout(60_000)
        opened.goto(workspace.page_url)
        yield opened
        browser.close()


@pytest.fixture
def wild(bot: Bot, tmp_path: Path) -> Iterator[None]:
    """Beside that bot a process that runs wild until it is ended, or the test is over."""
    assert bot.process is not None
    (pid,) = (child.pid for child in psutil.Process(bot.process.pid).children())
    beside = ("/usr/bin/nsenter", "-t", str(pid), "-p", "-m") if bot.inside else ()
    script = tmp_path / "export.py"
    script.write_text(WILD)
    process = subprocess.Popen(
        [*beside, sys.executable, str(script)], env={"PATH": os.defpath}
    )
    threading.Thread(target=process.wait, daemon=True).start()
    yield
    process.kill()
    process.wait()


def card_of(page: Page, words: str) -> Locator:
    return page.locator("#main article").filter(has_text=words).last


@pytest.mark.usefixtures("wild")
def test_each_picture_of_readme_is_taken(page: Page, tmp_path: Path) -> None:
    folder = Path(KEPT) if KEPT else tmp_path
    card = card_of(page, "export.py").filter(has_text="Approve")
    expect(card).to_contain_text("What I think")
    expect(card).to_contain_text("Last time")
    taken = [take(page, folder, "card", card)]
    page.set_viewport_size(PHONE)
    card.evaluate("card => card.scrollIntoView({block: 'start'})")
    taken.append(take(page, folder, "phone"))
    page.set_viewport_size(WIDE)
    approve(page, card)
    taken.append(take(page, folder, "thread"))
    page.get_by_role("button", name="Close thread").click()
    page.set_viewport_size(DESK)
    ask(page, "/sre report 30d")
    taken.append(take(page, folder, "report"))
    page.get_by_role("button", name="Countersign").first.click()
    expect(page.get_by_text("The last seven days")).to_be_visible()
    page.set_viewport_size({**DESK, "height": 800})
    taken.append(take(page, folder, "home"))
    assert {file.stem for file in taken} == set(PICTURES)


def approve(page: Page, card: Locator) -> None:
    """Approve it, and follow its thread to the end."""
    card.get_by_role("button", name="Approve").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    ended = card_of(page, "export.py").filter(has_text="Resolved")
    expect(ended).to_be_visible()
    ended.get_by_text("replies").click()
    thread = page.locator("#thread-list")
    expect(thread).to_contain_text("ledger head")
    expect(thread.locator("figure")).to_have_count(2)


def ask(page: Page, words: str) -> None:
    """Type a command, and wait for its answer and chart."""
    box = page.get_by_label("Message #ops-alerts")
    box.fill(words)
    box.press("Enter")
    report = card_of(page, "Time to recover")
    expect(report).to_be_visible()
    expect(page.locator("#main figure")).to_be_visible()
    box.blur()
    report.evaluate("report => report.scrollIntoView({block: 'start'})")
