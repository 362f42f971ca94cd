"""A browser is told of what happens, as it happens, and one that is too slow costs nothing."""

import asyncio
import json
import socket

import aiohttp
import httpx
import pytest

from helpers.inboxes import events
from helpers.inboxes.store import WAITING, Listener, Store
from helpers.processes import await_that


class Browser:
    """Reads the events."""

    def __init__(self, session, sandbox):
        self.session = session
        self.url = f"{sandbox.url}api/events"

    async def __aenter__(self):
        self.answer = await self.session.get(self.url)
        assert self.answer.content_type == "text/event-stream"
        assert await self.lines() == ["retry: 1000"]
        return self

    async def __aexit__(self, *_):
        self.answer.close()

    async def lines(self):
        lines = []
        while not lines or lines[-1]:
            lines.append((await asyncio.wait_for(self.answer.content.readline(), 5)).decode().rstrip("\n"))
        return lines[:-1]

    async def next(self):
        """The next event, as its name and its data."""
        fields = dict(line.split(": ", 1) for line in await self.lines())
        return fields["event"], json.loads(fields["data"])


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def test_what_arrives_is_told_to_all(session, sandbox, send, a_mail):
    """With the summary that the list has, too."""
    async with Browser(session, sandbox) as one, Browser(session, sandbox) as other:
        number = await asyncio.to_thread(send, a_mail())

        for browser in (one, other):
            name, summary = await browser.next()
            assert name == "message"
            assert summary == sandbox.messages()[-1].summary
            assert summary["id"] == number


async def test_what_is_forgotten_is_told(session, sandbox, send, a_mail):
    """One, those of a service, all."""
    number = send(a_mail())
    async with Browser(session, sandbox) as browser:
        for path in (f"api/messages/{number}", "api/messages?service=telegram", "api/messages"):
            async with session.delete(sandbox.url + path) as answer:
                assert answer.status == 204

        assert await browser.next() == ("cleared", {"service": None, "ids": [number]})
        assert await browser.next() == ("cleared", {"service": "telegram", "ids": None})
        assert await browser.next() == ("cleared", {"service": None, "ids": None})


async def test_a_quiet_connection_shows_that_it_lives(session, sandbox, monkeypatch):
    """With a comment now and then."""
    monkeypatch.setattr(events, "STILL_HERE", 0.05)
    async with Browser(session, sandbox) as browser:
        assert await browser.lines() == [": still here"]


def test_a_browser_that_does_not_read_is_cut_off(sandbox):
    """What waits for it does not grow for ever: it connects again and asks for the list."""
    with socket.socket() as browser, httpx.Client(base_url=sandbox.url) as http:
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        browser.connect(("127.0.0.1", sandbox.http_port))
        browser.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while b"retry: 1000" not in received:
            received += browser.recv(4096)
        assert await_that(lambda: len(sandbox._store._listeners) == 1, 5)

        many = 0
        while sandbox._store._listeners:
            assert http.post(f"/slack/services/{'long-name' * 800}", json={"text": "x"}).is_success
            many += 1
            assert many < 5000

        assert many > WAITING
        browser.settimeout(10)
        while browser.recv(1 << 20):
            pass  # until it ends


def test_a_listener_has_room_for_so_many_events():
    """Then it is given up, and told no more."""
    store, gone = Store(), []
    listener = Listener(lambda: gone.append(True))
    store.listen(listener)

    for _ in range(WAITING + 5):
        store.clear()

    assert gone == [True]
    assert not store._listeners
