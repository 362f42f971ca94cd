"""The sandbox's page in a browser: what arrives is seen live, found, walked through and cleared, on every screen."""

import pytest
from playwright.sync_api import expect

from helpers.ports import free_port
from helpers.sandbox import Sandbox
from tests.helpers.pages import CONTRASTS, PHONE, WIDE, Stranger, count, open_row, rows


def test_what_arrives_is_shown_without_a_reload(page, send):
    expect(page.locator("#empty")).to_contain_text(
        "No messages yet.make demo or .venv/bin/python helpers/send.py sends some."
    )
    send.mail("Your application was submitted")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("ada@example.org")
    expect(rows(page)).to_contain_text("Your application was submitted")
    expect(page.locator("#empty")).to_be_hidden()
    expect(page.get_by_role("log")).to_have_text("E-mail to ada@example.org: Your application was submitted")
    send.telegram("The newest")
    expect(rows(page).first).to_contain_text("The newest")
    expect(page).to_have_title("(2) Dispatcher sandbox")


def test_inboxes_hold_what_is_theirs(page, send):
    send.mail("A mail")
    send.telegram("A telegram")
    send.slack("A post")
    expect(rows(page)).to_have_count(3)
    page.get_by_role("navigation", name="Inboxes").get_by_role("link", name="Telegram").click()
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("A telegram")
    for inbox, number in {"": "3", "email": "1", "telegram": "1", "slack": "1"}.items():
        expect(count(page, inbox)).to_have_text(number)
    send.slack("Another post")
    expect(count(page, "slack")).to_have_text("2")
    expect(rows(page)).to_have_count(1)


def test_the_search_narrows(page, send):
    send.mail("Build failed", text="on main")
    send.mail("Build passed", text="on main")
    expect(rows(page)).to_have_count(2)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("MAIN failed")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Build failed")
    expect(page.locator("#list-title")).to_have_text("Messages: 1 found")
    send.mail("Another failed", text="on main")
    expect(rows(page)).to_have_count(2)
    page.get_by_role("searchbox").fill("nowhere")
    expect(page.locator("#empty")).to_contain_text("Nothing holds all the words of “nowhere”")
    page.keyboard.press("Escape")
    expect(rows(page)).to_have_count(3)


def test_clear_empties_the_chosen_inbox(page, send):
    send.mail("A mail")
    send.slack("A post")
    page.get_by_role("link", name="E-mail").first.click()
    open_row(page, "A mail")
    clear = page.get_by_role("button", name="Clear E-mail")
    expect(clear).to_have_attribute("title", "Forgets all E-mail messages at once; there is no undo")
    clear.click()
    expect(page.locator("#empty")).to_contain_text("No E-mail messages yet.")
    expect(page.get_by_text("Choose a message to read it")).to_be_visible()
    assert [message["title"] for message in send.listed()] == ["A post"]
    page.get_by_role("link", name="All").click()
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator("#empty")).to_contain_text("No messages yet.")
    assert send.listed() == []


def test_one_message_is_forgotten(page, send):
    send.mail("Stays")
    send.mail("Goes")
    open_row(page, "Goes")
    page.get_by_role("button", name="Forget").click()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_text("Choose a message to read it")).to_be_visible()
    assert [message["title"] for message in send.listed()] == ["Stays"]


def test_what_somebody_else_clears_goes_from_the_page(page, send):
    send.mail("A mail")
    open_row(page, "A mail")
    send.clear()
    expect(rows(page)).to_have_count(0)
    expect(count(page, "")).to_have_text("0")
    expect(page.locator("#message")).to_contain_text("This message is gone")


def test_the_address_keeps_the_message_and_the_inbox(page, send):
    send.mail("First")
    send.mail("Second")
    page.get_by_role("link", name="E-mail").first.click()
    expect(rows(page)).to_have_count(2)
    open_row(page, "First")
    newest, oldest = (message["id"] for message in send.listed())
    assert page.url.endswith(f"#email/{oldest}")
    page.reload()
    expect(page.get_by_role("heading", name="First")).to_be_visible()
    expect(page.locator("[data-inbox=email]")).to_have_attribute("aria-current", "page")
    page.evaluate(f"location.hash = '#{newest}'")
    expect(page.get_by_role("heading", name="Second")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="First")).to_be_visible()


def test_the_list_is_walked_with_the_keys(page, send):
    for name in ("First", "Second", "Third"):
        send.mail(name)
    expect(rows(page)).to_have_count(3)
    open_row(page, "Third")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("heading", name="Second")).to_be_visible()
    page.keyboard.press("End")
    expect(page.get_by_role("heading", name="First")).to_be_visible()
    expect(page.locator("#rows [aria-current=true]")).to_contain_text("First")
    page.keyboard.press("Tab")
    expect(page.locator("#rows a:focus")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_text("Choose a message to read it")).to_be_visible()


def test_a_long_list_is_cut_and_its_rest_is_reached(page, send):
    for number in range(1, 231):
        send.webhook(f"Number {number}.")
    expect(rows(page).first).to_contain_text("Number 230.")
    expect(count(page, "")).to_have_text("230")
    expect(page.get_by_role("button", name="Older messages")).to_be_visible()
    shown = rows(page).count()
    assert shown <= 200
    page.get_by_role("button", name="Older messages").click()
    expect(rows(page).first).to_contain_text(f"Number {230 - shown}.")
    send.slack("Meanwhile")
    page.get_by_role("button", name="Back to the newest: something came").click()
    expect(rows(page).first).to_contain_text("Meanwhile")


def test_the_page_finds_the_sandbox_again(look, complaints):
    complaints.expected = ("ERR_", "Failed to load")
    with Sandbox(smtp_port=free_port(), http_port=free_port()) as sandbox:
        page = look(sandbox.url)
        sandbox.stop()
        expect(page.locator("#live")).to_have_text("reconnecting…")
        sandbox.start()
        Stranger(sandbox).mail("While you were away")
        expect(page.locator("#live")).to_have_text("live")
        expect(rows(page)).to_contain_text(["While you were away"])
        page.close()


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_everything_is_readable_on_every_screen(look, send, viewport):
    """Nothing runs off the side, and all text has the contrast that WCAG asks for (AA: 4.5), at night too."""
    long = "Donaudampfschifffahrtsgesellschaft" * 8
    send.mail(f"M {long}", text=long, html=f"<p>{long}", files=[(f"{long[:150]}.bin", b"")])
    send.telegram(f"T <b>{long}</b> <code>{long}</code>\n<pre>{long}</pre><blockquote>{long}</blockquote>")
    section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{long}* <@{long}> `{long}`"}}
    fields = {"type": "section", "fields": [{"type": "mrkdwn", "text": long}] * 4}
    context = {"type": "context", "elements": [{"type": "mrkdwn", "text": long}]}
    send.slack(f"S {long}", blocks=[section, fields, context])
    page = look(send.sandbox.url, viewport)
    expect(rows(page)).to_have_count(3)
    readable(page)
    for service in ("E-mail", "Telegram", "Slack"):
        open_row(page, f"{service} to")
        expect(page.locator(".kind")).to_contain_text(service)
        for tab in page.get_by_role("tab").all():
            tab.click()
            expect(page.get_by_role("tabpanel")).to_have_attribute("aria-busy", "false")
            readable(page)
        if viewport is PHONE:
            expect(rows(page).first).to_be_hidden()
            page.get_by_role("button", name="Messages").click()
        expect(rows(page).first).to_be_visible()


def readable(page):
    for color_scheme, background in {"light": "rgb(243, 244, 241)", "dark": "rgb(16, 19, 20)"}.items():
        page.emulate_media(color_scheme=color_scheme)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == background
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        for part in ("#message", "#scroller", ".bar"):
            width, room = page.locator(part).evaluate("(part) => [part.scrollWidth, part.clientWidth]")
            assert width <= room, f"{part} runs off the side at {page.url}"
        seen = page.evaluate(CONTRASTS)
        assert len(seen) > 5
        assert [one for one in seen if one[0] < 4.5] == [], f"hard to read when it is {color_scheme}"
