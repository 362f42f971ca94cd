"""A sandbox, who sends to it, and a browser that looks at its page."""

from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from helpers.ports import free_port
from helpers.sandbox import Sandbox
from tests.helpers.pages import WIDE, Complaints, Stranger

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")
def stranger():
    with Sandbox(smtp_port=free_port(), http_port=free_port()) as sandbox:
        stranger = Stranger(sandbox)
        yield stranger
        stranger.http.close()


@pytest.fixture
def send(stranger):
    """Send to a sandbox that is empty."""
    stranger.sandbox.clear()
    return stranger


@pytest.fixture(scope="module")
def browser():
    """One for all tests of a module; each gets a profile of its own in it.

    Not longer: as long as it is there, its event loop counts as running, and no other can run in this thread.
    """
    if not CHROMIUM.exists():
        pytest.fail(f"There is no {CHROMIUM}, in which the page is looked at: `sudo apt-get install chromium` gets it.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def complaints():
    complaints = Complaints()
    yield complaints
    assert complaints.unexpected() == []


@pytest.fixture
def look(browser, complaints):
    """Open an address in a window of its own, as a person with that screen and that taste."""
    contexts = []

    def look(url, viewport=WIDE, color_scheme="light"):
        context = browser.new_context(viewport=viewport, color_scheme=color_scheme)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(f"not caught: {error}"))
        page.on("dialog", lambda dialog: (complaints.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(url)
        expect(page.locator("#live")).to_have_text("live")
        return page

    expect.set_options(timeout=10_000)
    yield look
    for context in contexts:
        context.close()


@pytest.fixture
def page(look, send):
    return look(send.sandbox.url)
