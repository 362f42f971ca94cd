"""How requests go out: what is written of them, by which way, and what it means where they do not arrive."""

import asyncio
import base64
import gzip
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from dispatcher.notifiers.ledger import Ledger
from dispatcher.words.errors import Failure, Kind, Reason
from tests.http_server import Answer, HttpServer
from tests.notifiers.ledgers import Recorder
from tests.notifiers.telegram.examples import TOKEN, BotApi, agreed, failed, judged, report, texts

LARGE = {"filename": "plan.pdf", "content": base64.b64encode(bytes(30_000_000)).decode()}
"""More than the buffers between two sockets take."""


@asynccontextmanager
async def speaking(behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]):
    """A server that does something to every connection, then resets it; gives its address."""
    ended = asyncio.Event()

    async def serve(reader, writer):
        with suppress(ConnectionError):
            await behave(reader, writer)
        writer.transport.abort()
        ended.set()

    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    async with await asyncio.start_server(serve, sock=listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        await ended.wait()


async def test_a_file_that_was_not_written_whole_was_surely_not_sent(server, notifier_for):
    async def cut(reader, _):
        await reader.readuntil(b"\r\n\r\n")

    ledger = Recorder()
    async with speaking(cut) as address:
        failure = await failed(notifier_for(server, api_url=address), document=LARGE, ledger=ledger)

    assert (Kind.TRANSIENT, Reason.SERVICE_UNREACHABLE, None) == judged(failure)
    assert "the connection was lost before all was written" in failure.text
    assert ["hand over"] == [what for what, *_ in ledger.said]


async def test_a_file_that_nobody_takes_is_given_up_in_the_time_of_an_upload(server, notifier_for):
    gone = asyncio.Event()

    async def stall(_reader, _writer):
        await gone.wait()

    async with speaking(stall) as address:
        notifier = notifier_for(server, api_url=address, timeouts={"upload": "300ms"})
        failure = await failed(notifier, document=LARGE)
        gone.set()

    assert (Kind.TRANSIENT, Reason.SERVICE_UNREACHABLE, None) == judged(failure)
    assert failure.text.endswith("the connection was lost before all was written")


async def test_a_file_for_which_there_is_no_answer_may_have_been_sent(server, notifier_for):
    async def swallow(reader, _):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.partition(b":")[2]))

    async with speaking(swallow) as address:
        failure = await failed(notifier_for(server, api_url=address), document=LARGE)

    assert (Kind.UNKNOWN, Reason.SERVICE_UNANSWERED, None) == judged(failure)


async def test_fields_and_a_file_arrive_as_they_are(server, notifier):
    content = base64.b64encode(b"\r\n--x--\r\n\x00").decode()
    text = 'a\r\nb "c" \\ & ü 👍'

    await report(notifier, texts(txt=text), document={"filename": 'a"\\\r\n.txt', "content": content}, topic=7)

    (request,) = server.requests
    assert {"chat_id": "4711", "caption": text, "message_thread_id": "7"} == request.fields
    assert rb'; filename="a%22\\%0D%0A.txt"' in request.body
    assert base64.b64decode(content) == request.files["document"].content
    assert "text/plain" == request.files["document"].content_type


async def test_a_text_goes_out_as_json(server, notifier):
    await report(notifier, texts(txt="ü 👍"), to=-1001234567890)

    (request,) = server.requests
    assert "application/json" == request.headers["content-type"]
    assert ("ü 👍", "-1001234567890") == (request.json["text"], request.json["chat_id"])


async def test_a_redirect_is_not_followed(server, notifier):
    server.answer("sendMessage", Answer(307, "", {"Location": f"{server.url}/elsewhere"}))

    failure = await failed(notifier)

    assert (Kind.TRANSIENT, Reason.SERVICE_ERROR, None) == judged(failure)
    assert 1 == len(server.requests)


async def test_an_answer_may_be_compressed_and_large(server, notifier):
    result = {"message_id": 7, "text": "x" * 3_000_000}
    body = gzip.compress(json.dumps({"ok": True, "result": result}).encode())
    server.answer("sendMessage", Answer(200, body, {"Content-Encoding": "gzip"}), agreed(result))

    assert ["message 7", "message 7"] == [(await report(notifier)).reference for _ in range(2)]


async def test_an_address_may_have_a_login(server, notifier_for):
    notifier = notifier_for(server, api_url=server.url.replace("//", "//ada:hunter2@"))

    await report(notifier)
    server.answer("sendMessage", Answer(401, "no"))
    failure = await failed(notifier)
    await server.stop()
    away = await failed(notifier)

    assert [f"Basic {base64.b64encode(b'ada:hunter2').decode()}"] * 2 == [
        request.headers["authorization"] for request in server.requests
    ]
    assert f"/bot{TOKEN}/sendMessage" == server.paths[0]
    assert "hunter2" not in failure.text + away.text


async def test_a_proxy_may_ask_for_a_login_and_learns_the_way(server, notifier_for, monkeypatch):
    async with HttpServer(BotApi()) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//ada:hunter2@"))

        await report(notifier_for(server, api_url="http://telegram.invalid"))

        (request,) = proxy.requests
    assert f"Basic {base64.b64encode(b'ada:hunter2').decode()}" == request.headers["proxy-authorization"]
    assert f"/bot{TOKEN}/sendMessage" == request.path


async def test_a_proxy_that_is_away_or_refuses_is_an_outage(server, notifier_for, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    ledger = Recorder()
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    away = await failed(notifier_for(server, api_url="https://telegram.example"), ledger=ledger)
    async with HttpServer(Answer(407, "no")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//ada:hunter2@"))
        refused = await failed(notifier_for(server, api_url="https://telegram.example"), ledger=ledger)

    assert [(Kind.OUTAGE, Reason.SERVICE_UNREACHABLE, None)] * 2 == [judged(away), judged(refused)]
    assert "telegram.example: cannot be reached (the proxy answers 407)" == refused.text
    assert "hunter2" not in refused.text + caplog.text
    assert [] == ledger.said


async def test_what_is_no_http_is_quoted_without_the_token(server, notifier_for):
    async def echo(reader, writer):
        writer.write((await reader.readuntil(b"\r\n")) * 2 + b"\r\n")
        await writer.drain()

    async with speaking(echo) as address:
        failure = await failed(notifier_for(server, api_url=address))

    assert (Kind.UNKNOWN, Reason.SERVICE_UNANSWERED, None) == judged(failure)
    assert "an answer that is none" in failure.text
    assert TOKEN.partition(":")[2] not in failure.text


async def test_after_the_end_nothing_is_sent(server, notifier):
    await notifier.close()

    failure = await failed(notifier)

    assert (Kind.OUTAGE, Reason.INTERRUPTED, None) == judged(failure)
    assert [] == server.requests


async def test_one_who_asks_who_we_are_waits_for_a_free_connection(server, notifier_for):
    server.default = lambda _: Answer(200, {"ok": True, "result": {"message_id": 1}}, pause=0.2)
    server.answer("getMe", agreed({"id": 4711, "username": "test_bot"}))
    notifier = notifier_for(server, connections=1, timeouts={"connect": "100ms"})

    sending = asyncio.create_task(report(notifier, ledger=Ledger()))
    await server.until(lambda: len(server.requests) == 1)

    assert f"@test_bot at 127.0.0.1:{server.port}" == await notifier.check()
    assert not isinstance((await asyncio.gather(sending, return_exceptions=True))[0], Failure)
    assert 1 == server.peak
