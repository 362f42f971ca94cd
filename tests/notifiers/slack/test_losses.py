"""No answer: whether the message may have been sent, and that no class of the libraries goes without a row."""

import asyncio
import inspect
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import slack_sdk.errors
from aiohttp import client_exceptions

from dispatcher.notifiers.slack import api as api_module
from dispatcher.notifiers.slack.losses import LOSSES, Loss, loss_of
from dispatcher.notifiers.slack.losses import failure_of as failure_of_loss
from dispatcher.words.errors import Kind, Reason
from tests.http_server import CUT, CUT_BODY, GARBAGE, HANG, Answer, HttpServer
from tests.notifiers.slack.examples import TOKEN, failure, report

NOT_SENT = (Kind.OUTAGE, Reason.SERVICE_UNREACHABLE)
PERHAPS = (Kind.UNKNOWN, Reason.SERVICE_UNANSWERED)
NO_ANSWER = (Kind.TRANSIENT, Reason.SERVICE_ERROR)
BOTH = pytest.mark.parametrize("to", ["C024", "webhook:alerts"])


def elsewhere(address: str) -> dict:
    """Settings that lead to an address."""
    return {"api_url": f"{address}/api", "webhooks": {"alerts": f"{address}/services/T0/B0/key"}}


@asynccontextmanager
async def speaking(behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]):
    """A server that does something to every connection and closes it; gives its address, less `http`."""
    handlers = []

    async def serve(reader, writer):
        handlers.append(asyncio.current_task())
        with suppress(ConnectionError):
            await behave(reader, writer)
        writer.transport.abort()
        await asyncio.sleep(0)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.wait(handlers)


def classes_of(module) -> set[type[Exception]]:
    members = (value for value in vars(module).values() if inspect.isclass(value))
    return {one for one in members if issubclass(one, Exception) and one.__module__.startswith(module.__name__)}


def test_every_class_of_the_libraries_has_a_row():
    """A new one in a new version makes this fail, so that somebody says what it means."""
    known = classes_of(client_exceptions) | classes_of(slack_sdk.errors)

    assert set() == known - set(LOSSES)
    assert len(known) > 30


@pytest.mark.parametrize(
    ("error", "loss"),
    [
        (type("NewTimeout", (client_exceptions.SocketTimeoutError,), {})(), Loss.CUT),
        (ConnectionResetError(), Loss.CUT),
        (TimeoutError(), Loss.CUT),
        (AttributeError(), Loss.UNREADABLE),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "x"), Loss.UNREADABLE),
    ],
)
def test_other_classes_are_like_their_bases(error, loss):
    assert loss is loss_of(error)


@pytest.mark.parametrize("kind", [*LOSSES, ValueError, RuntimeError], ids=lambda kind: kind.__name__)
def test_what_was_not_written_was_surely_not_sent(kind):
    error = kind.__new__(kind)
    error._os_error = error._certificate_error = OSError()
    error.status = 407

    said = failure_of_loss(error, "slack.com:443", written=False)

    assert (NO_ANSWER if kind is asyncio.CancelledError else NOT_SENT) == (said.kind, said.reason)
    assert said.text.startswith("slack.com:443: ")
    assert said.text.endswith("; nothing was sent")


class TestBeforeTheRequest:
    @BOTH
    async def test_a_refused_connection_is_an_outage(self, server, notifier_for, to):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
            refused = await failure(notifier_for(server, **elsewhere(f"http://127.0.0.1:{port}")), to=to)

        assert NOT_SENT == (refused.kind, refused.reason)
        assert f"127.0.0.1:{port}: Connection refused; nothing was sent" == refused.text

    @BOTH
    async def test_a_name_that_is_none_is_an_outage(self, server, notifier_for, to):
        refused = await failure(notifier_for(server, **elsewhere("http://slack.invalid")), to=to)

        assert NOT_SENT == (refused.kind, refused.reason)
        said = "slack.invalid:80: there is no such host, or its name cannot be resolved; nothing was sent"
        assert said == refused.text

    @BOTH
    async def test_no_tls_is_an_outage(self, server, notifier_for, to):
        async def speak_plainly(reader, writer):
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await reader.read()

        async with speaking(speak_plainly) as address:
            refused = await failure(notifier_for(server, **elsewhere(f"https{address}")), to=to)

        assert NOT_SENT == (refused.kind, refused.reason)
        assert "TLS failed: " in refused.text

    @BOTH
    async def test_a_connection_that_does_not_come_about_is_an_outage(self, server, notifier_for, to):
        with socket.socket() as silent:  # takes the connection and says nothing of TLS
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            address = f"https://127.0.0.1:{silent.getsockname()[1]}"
            notifier = notifier_for(server, timeouts={"connect": "100ms"}, **elsewhere(address))
            refused = await failure(notifier, to=to)

        assert NOT_SENT == (refused.kind, refused.reason)
        assert refused.text.endswith(": no connection in time; nothing was sent")

    async def test_a_connection_cut_within_tls_is_an_outage(self, server, notifier_for):
        async def hang_up(reader, writer):
            await reader.read(1)

        async with speaking(hang_up) as address:
            refused = await failure(notifier_for(server, **elsewhere(f"https{address}")))

        assert NOT_SENT == (refused.kind, refused.reason)

    async def test_a_proxy_that_is_away_or_refuses_is_an_outage(self, server, notifier_for, monkeypatch):
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
        away = await failure(notifier_for(server, **elsewhere("https://slack.example")))
        async with HttpServer(Answer(407, "no")) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url.replace("127", "ada:secret@127"))
            refused = await failure(notifier_for(server, **elsewhere("https://slack.example")))

        assert NOT_SENT == (away.kind, away.reason) == (refused.kind, refused.reason)
        assert "slack.example:443: the proxy cannot be reached: Connection refused; nothing was sent" == away.text
        assert "slack.example:443: the proxy answers 407; nothing was sent" == refused.text

    async def test_a_proxy_that_is_nonsense_is_an_outage(self, server, notifier_for, monkeypatch):
        monkeypatch.setenv("http_proxy", "nonsense")

        refused = await failure(notifier_for(server))

        assert NOT_SENT == (refused.kind, refused.reason)


class TestAfterTheRequest:
    @BOTH
    @pytest.mark.parametrize("deed", [CUT, CUT_BODY], ids=["cut", "cut in the body"])
    async def test_a_lost_connection_leaves_it_unknown(self, server, notifier, deed, to):
        server.answer("", deed)

        lost = await failure(notifier, to=to)

        assert PERHAPS == (lost.kind, lost.reason)
        assert lost.text.endswith(": the connection ended before the answer; it may have been sent")
        assert 1 == len(server.requests)

    @BOTH
    async def test_silence_leaves_it_unknown(self, server, notifier_for, to):
        server.answer("", HANG)

        lost = await failure(notifier_for(server, timeouts={"answer": "100ms"}), to=to)

        assert PERHAPS == (lost.kind, lost.reason)
        assert lost.text.endswith(": no answer in time; it may have been sent")

    async def test_an_answer_that_never_ends_leaves_it_unknown(self, server, notifier_for):
        async def drip(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

        async with speaking(drip) as address:
            notifier = notifier_for(
                server, timeouts={"connect": "100ms", "answer": "200ms"}, **elsewhere(f"http{address}")
            )
            lost = await failure(notifier)

        assert PERHAPS == (lost.kind, lost.reason)

    @BOTH
    async def test_an_answer_that_is_no_http_is_none(self, server, notifier, to):
        server.answer("", GARBAGE)

        lost = await failure(notifier, to=to)

        assert NO_ANSWER == (lost.kind, lost.reason)
        said = "it answers something that is none of Slack's answers; nothing was sent as far as can be told"
        assert lost.text.endswith(f": {said}")

    @BOTH
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed(self, server, notifier, to, status):
        async with HttpServer() as other:
            server.answer("", Answer(status, b"", {"Location": f"{other.url}/"}))

            lost = await failure(notifier, to=to)

            assert NO_ANSWER == (lost.kind, lost.reason)
            assert "redirect" in lost.text
            assert (1, 0) == (len(server.requests), len(other.requests))

    async def test_a_connection_closed_while_idle_is_replaced(self, server, notifier):
        await report(notifier)
        server.cut()
        await server.until(lambda: server.open == 0)

        await report(notifier)

        assert (2, 2) == (len(server.requests), server.connections)

    async def test_the_second_request_is_watched_anew(self, server, notifier):
        """What was written for the first one says nothing about the second."""
        server.answer("", CUT)
        assert PERHAPS[0] is (await failure(notifier)).kind
        await server.stop()

        assert NOT_SENT[0] is (await failure(notifier)).kind

    async def test_several_in_a_row_are_no_outage(self, server, notifier):
        """Each may have been sent: it is to cost an attempt."""
        server.answer("", CUT, always=True)

        kinds = {(await failure(notifier, message_id=f"id-{number}")).kind for number in range(9)}

        assert {Kind.UNKNOWN} == kinds


async def test_closing_is_bounded(server, notifier, monkeypatch):
    await report(notifier)
    session = notifier._api._session
    close = session.close
    monkeypatch.setattr(session, "close", lambda: asyncio.sleep(3600))
    monkeypatch.setattr(api_module, "FAREWELL", 0.05)

    async with asyncio.timeout(5):
        await notifier.close()
    await close()


def test_the_words_about_tls_are_those_of_the_library():
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_message = "certificate has expired"
    lost = client_exceptions.ClientConnectorCertificateError(None, error)

    assert "TLS failed: certificate has expired" in failure_of_loss(lost, "x:443", written=False).text
    assert TOKEN not in repr(lost)
