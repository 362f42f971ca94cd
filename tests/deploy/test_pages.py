"""The pages through Traefik, by the names of the box: RabbitMQ's, the mails', the daemon's."""

import asyncio
import re
import smtplib
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest
from aiohttp import web
from playwright.sync_api import expect, sync_playwright

from helpers.ports import free_port
from helpers.sandbox import Sandbox
from tests.daemon import Daemon
from tests.deploy.traefik import LOGIN, Traefik, shipped

CHROMIUM = Path("/usr/bin/chromium")
GUEST = ("guest", "guest")


@pytest.fixture
def front(tmp_path):
    """Start Traefik before pages: `front(mails="http://…")`; what is not named leads nowhere."""
    started = []

    def front(**pages):
        traefik = Traefik(tmp_path / f"etc{len(started)}", shipped(), pages)
        started.append(traefik)
        return traefik.__enter__()

    yield front
    for traefik in started:
        traefik.end()


@pytest.fixture
def sandbox():
    """The one that provision.sh starts, which knows by what name it is asked for."""
    with Sandbox(smtp_port=free_port(), http_port=free_port(), names=["mailhog.appserver.test"]) as sandbox:
        yield sandbox


def send(sandbox, subject):
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port) as connection:
        text = f"Subject: {subject}\r\nTo: ada@example.org\r\n\r\nGuten Tag\r\n"
        connection.sendmail("noreply@example.org", ["ada@example.org"], text)


def test_the_page_of_rabbitmq_has_all_its_parts(front, node):
    """Scripts, styles and pictures, and the interface behind it, where a virtual host is called `/`."""
    traefik = front(rabbitmq=node.management_url)
    page = traefik.ask("rabbit")
    parts = re.findall(r'(?:src|href)="([^"#]+\.(?:js|css|ico|svg|png))', page.text)

    assert page.status_code == 200
    assert len(parts) > 10
    assert {200} == {traefik.ask("rabbit", urljoin("/", part)).status_code for part in parts}
    assert traefik.ask("rabbit", "/api/overview").status_code == 401
    queue = "/api/queues/%2F/through%2Fthe%20proxy"
    answers = [traefik.ask("rabbit", queue, "PUT", auth=GUEST, json={})]
    answers += [traefik.ask("rabbit", queue, method, auth=GUEST) for method in ("GET", "DELETE")]
    assert [201, 200, 204] == [answer.status_code for answer in answers]
    assert "through/the proxy" == answers[1].json()["name"]


def test_security_headers_stand_on_every_answer(front, node, sandbox):
    """And nothing tells what a page is made with."""
    traefik = front(rabbitmq=node.management_url, mails=sandbox.url)
    for answer in (traefik.ask("rabbit"), traefik.ask("mailhog"), traefik.ask("dispatcher")):
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        assert "SAMEORIGIN" == answer.headers["X-Frame-Options"]
        assert "same-origin" == answer.headers["Referrer-Policy"]
        assert "Server" not in answer.headers
    assert "default-src 'none'" in traefik.ask("mailhog").headers["Content-Security-Policy"]


async def test_a_websocket_reaches_rabbitmq(front, node):
    """Its page needs none, it asks again and again; Web STOMP does, and stands behind the same route here."""
    port = free_port()
    (node.folder / "enabled_plugins").write_text("[rabbitmq_management,rabbitmq_web_stomp].\n")
    node.ctl("eval", WEB_STOMP % (port, node.folder / "enabled_plugins"))
    traefik = front(rabbitmq=f"http://127.0.0.1:{port}")

    async with open_websocket(traefik, "rabbit", "/ws") as websocket:
        await websocket.send_str("CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\n\n\0")
        connected = await websocket.receive_str(timeout=20)
        await websocket.send_str("SUBSCRIBE\nid:0\ndestination:/topic/proxy\nreceipt:1\n\n\0")
        assert (await websocket.receive_str(timeout=20)).startswith("RECEIPT")
        await websocket.send_str("SEND\ndestination:/topic/proxy\n\nGuten Tag\0")
        message = await websocket.receive_str(timeout=20)

    assert connected.startswith("CONNECTED\n")
    assert "Guten Tag\0" in message


WEB_STOMP = """
[ok = application:load(One) || One <- [rabbitmq_stomp, rabbitmq_web_stomp]],
application:set_env(rabbitmq_stomp, tcp_listeners, []),
application:set_env(rabbitmq_web_stomp, tcp_config, [{ip, "127.0.0.1"}, {port, %d}]),
rabbit_plugins:ensure("%s").
"""
"""Starts the plugin in a node that runs, where nobody else listens."""


async def test_a_websocket_reaches_the_page_of_the_mails(front):
    """MailHog's page opens one to learn of new mails; a server of this kind stands in its place."""

    async def api(request):
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        async for message in websocket:
            await websocket.send_str(f"{request.host} said: {message.data}")
        return websocket

    application = web.Application()
    application.router.add_get("/api/v2/websocket", api)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    traefik = await asyncio.to_thread(front, mails=f"http://127.0.0.1:{port}")  # it asks for the page
    async with open_websocket(traefik, "mailhog", "/api/v2/websocket") as websocket:
        await websocket.send_str("hello")
        assert "mailhog.appserver.test said: hello" == await websocket.receive_str(timeout=20)
    await runner.cleanup()


@asynccontextmanager
async def open_websocket(traefik, page, path):
    """Open a websocket as a browser would that knows where `appserver.test` is."""
    headers = {"Host": f"{page}.appserver.test", "Origin": f"http://{page}.appserver.test"}
    url = f"ws://127.0.0.1:{traefik.web}{path}"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as websocket:
        yield websocket


async def test_the_page_of_the_daemon_wants_a_login(front, node, tmp_path, virtual_host):
    """All of it, `/ready` and `/metrics` too; the password is not passed on, and it cannot be guessed quickly."""
    (tmp_path / "templates").mkdir()
    port = free_port()
    url = f"{node.url}{virtual_host}"
    async with Daemon(tmp_path, brokers__rabbitmq__url=url, service__health__port=port, measured=False):
        traefik = front(dispatcher=f"http://127.0.0.1:{port}")
        paths = ("/", "/health", "/ready", "/metrics")
        assert [401] * 4 == [traefik.ask("dispatcher", path).status_code for path in paths]
        assert traefik.ask("dispatcher", auth=("ada", "guess")).status_code == 401
        assert traefik.ask("dispatcher", auth=("guest", "guest")).status_code == 401

        answers = [traefik.ask("dispatcher", path, auth=LOGIN) for path in paths]
        assert [200] * 4 == [answer.status_code for answer in answers]
        assert answers[0].text.startswith("ready\nemail: ")
        assert answers[2].json()["ready"] is True
        assert "dispatcher_" in answers[3].text

        guesses = [asyncio.to_thread(traefik.ask, "dispatcher", auth=("ada", "guess")) for _ in range(60)]
        assert 429 in {answer.status_code for answer in await asyncio.gather(*guesses)}
        assert traefik.ask("rabbit").status_code == 502
    asked_by = [line["ClientUsername"] for line in traefik.log if line.get("DownstreamStatus") == 200]
    assert ["ada"] * 4 == asked_by
    assert not any(password in str(traefik.log) for password in (LOGIN[1], "guess"))


def test_a_browser_finds_the_pages_by_their_names(front, node, sandbox):
    """As a person on the box does: log in to RabbitMQ and see its queues; see a mail come in, and open it."""
    traefik = front(rabbitmq=node.management_url, mails=sandbox.url)
    queue = "/api/queues/%2F/seen-through-the-proxy"
    assert traefik.ask("rabbit", queue, "PUT", auth=GUEST, json={}).status_code == 201
    mapped = f"--host-resolver-rules=MAP *.appserver.test:80 127.0.0.1:{traefik.web}"
    with sync_playwright() as playwright:
        flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            mapped,
        ]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page()
        page.set_default_timeout(20_000)
        page.goto("http://rabbit.appserver.test/")
        page.locator("input[name=username]").fill("guest")
        page.locator("input[name=password]").fill("guest")
        page.get_by_role("button", name="Login").or_(page.locator("input[type=submit]")).click()
        page.get_by_role("link", name="Queues", exact=True).click()
        expect(page.get_by_role("link", name="seen-through-the-proxy")).to_be_visible()

        page.goto("http://mailhog.appserver.test/")
        expect(page.locator("#live")).to_have_text("live")
        send(sandbox, "Confirm your account")
        page.locator("#rows li").filter(has_text="Confirm your account").get_by_role("link").click()
        expect(page.get_by_role("tabpanel")).to_contain_text("Guten Tag")
        browser.close()
    assert traefik.ask("rabbit", queue, "DELETE", auth=GUEST).status_code == 204
