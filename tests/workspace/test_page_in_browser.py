"""The page as a person sees it, in a real browser without a window."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Route,
    expect,
    sync_playwright,
)
from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from handlers.workspace import ALICE, STRANGER, Stage, StageStep, Workspace
from tests.workspace.pieces import Connect, modal, plain, why

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)
# The tests of other hosts make network links beside us; the page then loads anew.
NOT_OURS = "net::ERR_NETWORK_CHANGED"
DESK = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}

pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="needs chromium (apt-get install chromium)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, workspace: Workspace) -> Iterator[Page]:
    """The page on a desktop; any error of its own in its console fails the test."""
    problems: list[str] = []

    def hear(said: ConsoleMessage) -> None:
        if said.type == "error" and NOT_OURS not in said.text:
            problems.append(said.text)

    opened = browser.new_page(viewport=DESK)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", hear)
    opened.goto(workspace.page_url)
    expect(opened.locator(".composer")).to_be_visible()
    yield opened
    opened.close()
    assert problems == []


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@pytest.fixture
def blank(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport=DESK)
    yield opened
    opened.close()


def lose(page: Page, part: str, *, times: int = 1) -> list[str]:
    """Lose the next answers of addresses with this part; return which were lost."""
    lost: list[str] = []

    def answer(route: Route) -> None:
        if len(lost) < times:
            lost.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(lambda url: part in url, answer)
    return lost


@pytest.mark.parametrize(
    ("part", "times"), [("app.js", 1), ("dom.js", 2), ("panels.css", 1), ("assets/", 4)]
)
def test_parts_that_did_not_arrive_are_fetched_again(
    workspace: Workspace, blank: Page, part: str, times: int
) -> None:
    lost = lose(blank, part, times=times)
    blank.goto(workspace.page_url)

    expect(blank.locator(".composer")).to_have_css("display", "flex")
    assert len(lost) == times


def test_a_part_that_never_arrives_is_not_asked_for_without_end(
    workspace: Workspace, blank: Page
) -> None:
    lost = lose(blank, "panels.css", times=1_000)
    blank.goto(workspace.page_url)
    end = time.monotonic() + 60
    while len(lost) < 11 and time.monotonic() < end:
        blank.wait_for_timeout(100)
    blank.wait_for_timeout(1_500)

    assert len(lost) == 11
    expect(blank.locator(".composer")).to_be_visible()


def test_news_that_did_not_arrive_are_fetched_again(
    workspace: Workspace, blank: Page, client: WebClient
) -> None:
    blank.goto(workspace.page_url)
    expect(blank.locator(".composer")).to_be_visible()
    blank.wait_for_load_state("networkidle", timeout=5000)
    lost = lose(blank, "/page/state")
    client.chat_postMessage(channel=workspace.channel_id, text="disk full on web-1")

    expect(blank.get_by_text("disk full on web-1")).to_be_visible()
    assert len(lost) == 1


def test_a_click_on_the_card_changes_the_card(
    workspace: Workspace, app: App, connect: Connect, page: Page, card: str
) -> None:
    @app.action("approve")
    def approve(ack: Ack, client: WebClient, body: dict[str, Any]) -> None:
        said = f"Approved by <@{body['user']['id']}>"
        client.chat_update(channel=workspace.channel_id, ts=card, text=said, blocks=[])
        ack()

    connect(app)
    press(page, "Approve")

    expect(page.get_by_text("Approved by @Alice Moreau")).to_be_visible()
    expect(page.get_by_text("(edited)")).to_be_visible()


def test_a_confirm_dialog_asks_before_anything_is_sent(
    workspace: Workspace, app: App, connect: Connect, page: Page, card: str
) -> None:
    rejected: list[str] = []

    @app.action("reject")
    def reject(ack: Ack) -> None:
        rejected.append(card)
        ack()

    connect(app)
    press(page, "Reject")
    expect(page.get_by_text("It cannot be undone.")).to_be_visible()
    press(page, "No")
    assert rejected == []

    press(page, "Reject")
    press(page, "Yes, reject")
    workspace.wait_for(lambda: rejected)


@pytest.mark.usefixtures("card")
def test_a_menu_opens_and_its_choice_is_sent(
    workspace: Workspace, app: App, connect: Connect, page: Page
) -> None:
    chosen: list[str] = []

    @app.action("more")
    def more(ack: Ack, action: dict[str, Any]) -> None:
        chosen.append(action["selected_option"]["value"])
        ack()

    connect(app)
    press(page, "More actions")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    workspace.wait_for(lambda: chosen == ["escalate"])


@pytest.mark.usefixtures("card")
def test_a_bot_that_does_not_answer_is_named_beside_the_button(
    app: App, connect: Connect, page: Page
) -> None:
    @app.action("approve")
    def approve(ack: Ack) -> None:
        time.sleep(3.5)
        ack()

    connect(app)
    press(page, "Approve")

    expect(page.locator(".btn.busy")).to_be_visible()
    expect(page.get_by_text("operation_timeout")).to_be_visible(timeout=6000)


def test_everybody_acts_as_whom_they_choose_and_sees_their_own_answer(
    app: App, connect: Connect, page: Page, card: str
) -> None:
    @app.action("approve")
    def approve(ack: Ack, respond: Respond) -> None:
        ack()
        respond(f"{card}: you may not", replace_original=False)

    connect(app)
    page.locator("#you").select_option(STRANGER.id)
    press(page, "Approve")
    expect(page.get_by_text("Only visible to you")).to_be_visible()

    page.locator("#you").select_option(ALICE.id)
    expect(page.get_by_text("Only visible to you")).to_be_hidden()

    page.locator("#you").select_option(STRANGER.id)
    press(page, "Dismiss")
    expect(page.get_by_text("Only visible to you")).to_be_hidden()


def test_a_modal_is_filled_in_corrected_and_submitted(
    workspace: Workspace, app: App, connect: Connect, page: Page, card: str
) -> None:
    heard: list[str] = []

    @app.action("approve")
    def approve(ack: Ack, client: WebClient, body: dict[str, Any]) -> None:
        client.views_open(trigger_id=body["trigger_id"], view=modal(why()))
        ack()

    @app.view("why")
    def submitted(ack: Ack, view: dict[str, Any]) -> None:
        said = view["state"]["values"]["why"]["why"]["value"]
        if len(said) < 5:
            ack(response_action="errors", errors={"why": "Say more, please."})
        else:
            heard.append(f"{card} {said}")
            ack()

    connect(app)
    press(page, "Approve")
    dialog = page.get_by_role("dialog")
    press(page, "Send it")
    expect(dialog.get_by_text("Please fill this in.")).to_be_visible()
    dialog.get_by_label("Why").fill("hm")
    press(page, "Send it")
    expect(dialog.get_by_text("Say more, please.")).to_be_visible()
    expect(dialog.get_by_label("Why")).to_have_value("hm")
    dialog.get_by_label("Why").fill("a deploy")
    press(page, "Send it")
    expect(dialog).to_be_hidden()

    workspace.wait_for(lambda: heard == [f"{card} a deploy"])


def test_the_thread_shows_evidence_and_the_chart(
    workspace: Workspace, client: WebClient, page: Page, card: str
) -> None:
    where = workspace.channel_id
    cell = [{"type": "raw_text", "text": text} for text in ("pid", "40412")]
    table = {"type": "table", "rows": [[cell[0]], [cell[1]]]}
    client.chat_postMessage(channel=where, thread_ts=card, text="E1", blocks=[table])
    client.files_upload_v2(
        channel=where, thread_ts=card, file=PIXEL, filename="c.png", alt_txt="CPU rises"
    )

    page.get_by_text("2 replies").click()
    thread = page.get_by_role("region", name="Thread")

    expect(thread.get_by_role("cell", name="40412")).to_be_visible()
    expect(thread.get_by_alt_text("CPU rises")).to_be_visible()
    width = thread.get_by_alt_text("CPU rises").evaluate("i => i.naturalWidth")
    assert width == 1


def test_a_thread_opens_at_its_end_though_its_chart_loads_late(
    workspace: Workspace, client: WebClient, page: Page, card: str
) -> None:
    where = workspace.channel_id
    client.files_upload_v2(channel=where, thread_ts=card, file=PIXEL, filename="c.png")
    for number in range(20):
        client.chat_postMessage(channel=where, thread_ts=card, text=f"line {number}")

    page.get_by_text("21 replies").click()

    expect(page.get_by_text("line 19")).to_be_in_viewport()


HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def test_hostile_text_stays_text(
    workspace: Workspace, client: WebClient, page: Page
) -> None:
    escaped = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")
    link = {"type": "link", "url": "javascript:window.hacked=1", "text": "press me"}
    rich = {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [link]}],
    }
    blocks = [
        {"type": "header", "text": plain(HOSTILE)},
        {"type": "section", "text": {"type": "mrkdwn", "text": escaped}},
        {"type": "section", "text": {"type": "mrkdwn", "text": HOSTILE}},
        {"type": "markdown", "text": HOSTILE + "[x](javascript:window.hacked=1)"},
        rich,
    ]
    client.chat_postMessage(channel=workspace.channel_id, text="x", blocks=blocks)

    expect(page.get_by_text("press me")).to_be_visible()
    expect(page.locator("h3")).to_have_text(HOSTILE)
    assert page.locator(".bubble a, .bubble script, .bubble img").count() == 0
    assert page.evaluate("window.hacked") is None


def test_mrkdwn_is_drawn_as_slack_draws_it(
    workspace: Workspace, client: WebClient, page: Page
) -> None:
    text = (
        f"*bold* _leaning_ ~gone~ `a*b*c` <@{ALICE.id}> <https://example.com/|there> "
        "2 &lt; 3 &amp; 4 snake_case_name 5*6*7 <!date^1767225600^{date_num}|then>\n"
        "&gt; quoted\n```\nraw *text*\n```"
    )
    client.chat_postMessage(channel=workspace.channel_id, text=text)
    drawn = page.locator(".bubble .mrkdwn")

    expect(drawn.locator("strong")).to_have_text("bold")
    expect(drawn.locator("em")).to_have_text("leaning")
    expect(drawn.locator("s")).to_have_text("gone")
    expect(drawn.locator("code")).to_have_text("a*b*c")
    expect(drawn.locator(".mention")).to_have_text("@Alice Moreau")
    expect(drawn.locator("a")).to_have_attribute("href", "https://example.com/")
    expect(drawn.locator("blockquote")).to_have_text("quoted")
    expect(drawn.locator("pre")).to_have_text("raw *text*")
    expect(drawn).to_contain_text("2 < 3 & 4 snake_case_name 5*6*7 2026-01-01")


def test_a_command_is_typed_and_answered_to_the_writer(
    app: App, connect: Connect, page: Page
) -> None:
    app.command("/sre")(lambda ack, command: ack(f"You said {command['text']}"))
    connect(app)
    box = page.get_by_role("textbox")

    box.press_sequentially("/s")
    box.press("Tab")
    box.press_sequentially("status")
    box.press("Enter")

    expect(page.get_by_text("You said status")).to_be_visible()
    box.fill("/ops status")
    box.press("Enter")
    expect(page.get_by_text("/ops is not a command here.")).to_be_visible()
    expect(box).to_have_value("/ops status")


def test_the_home_tab_is_drawn_when_it_is_opened(
    workspace: Workspace, app: App, connect: Connect, page: Page
) -> None:
    @app.event("app_home_opened")
    def opened(client: WebClient, event: dict[str, Any]) -> None:
        section = {"type": "section", "text": plain("All hosts are well")}
        view = {"type": "home", "blocks": [section]}
        client.views_publish(user_id=event["user"], view=view)

    connect(app)
    page.get_by_role("navigation").get_by_role("button", name="Countersign").click()

    expect(page.get_by_text("All hosts are well")).to_be_visible()
    assert workspace.home(ALICE.id) is not None


def test_a_permalink_opens_its_thread(
    workspace: Workspace, client: WebClient, page: Page, card: str
) -> None:
    link = client.chat_getPermalink(channel=workspace.channel_id, message_ts=card)

    page.goto(link["permalink"])

    expect(page.get_by_role("region", name="Thread")).to_contain_text("web-1 is slow")


def test_the_stage_leads_through_the_story(workspace: Workspace, page: Page) -> None:
    def stage(result: str) -> Stage:
        step = StageStep(
            id="1", title="Act one", text="It burns.", button="Light it", result=result
        )
        return Stage(title="The tour", steps=(step,))

    workspace.set_stage(stage(""), lambda _: workspace.set_stage(stage("It burned.")))
    press(page, "Light it")

    expect(page.get_by_text("It burned.")).to_be_visible()


def test_on_a_phone_the_thread_is_a_page_with_a_way_back(
    workspace: Workspace, client: WebClient, page: Page, card: str
) -> None:
    where = workspace.channel_id
    client.chat_postMessage(channel=where, thread_ts=card, text="what we know")
    page.set_viewport_size(PHONE)

    page.get_by_text("1 reply").click()
    expect(page.get_by_text("what we know")).to_be_visible()
    expect(page.locator("#main")).to_be_hidden()
    press(page, "Back")

    expect(page.locator("#main")).to_be_visible()
    expect(page.locator("#thread")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_every_button_has_a_name(page: Page, card: str) -> None:
    expect(page.get_by_text("web-1 is slow")).to_be_visible()
    page.evaluate(f"location.hash = 'thread-{card}'")
    expect(page.locator("#thread")).to_be_visible()

    nameless = page.locator("button").evaluate_all(
        "all => all.filter(b => !(b.ariaLabel || b.textContent.trim())).length"
    )

    assert nameless == 0


def test_the_page_says_when_the_workspace_stopped(browser: Browser) -> None:
    with Workspace.start() as short, browser.new_page(viewport=DESK) as page:
        page.goto(short.page_url)
        expect(page.get_by_text("Waiting for the bot")).to_be_visible()
        short.stop()

        expect(page.get_by_text("Workspace stopped")).to_be_visible()
        with pytest.raises(Error, match=re.escape("ERR_CONNECTION_REFUSED")):
            page.goto(short.page_url)
