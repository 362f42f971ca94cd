"""The table of what the Bot API answers, row by row, through the real notifier and over a real socket."""

import asyncio
import inspect
import socket
import ssl
from datetime import timedelta

import pytest
import telegram.error
from aiohttp import client_exceptions

from dispatcher.notifiers.streak import LIMIT
from dispatcher.notifiers.telegram.losses import CODES, LOSSES, judge_library, loss_of
from dispatcher.words.errors import Failure, Kind, Reason
from tests.conftest import Certificates
from tests.http_server import CUT, CUT_BODY, GARBAGE, HANG, Answer, HttpServer
from tests.notifiers.telegram.examples import BotApi, agreed, failed, judged, methods, refused, report

K, R = Kind, Reason
SECONDS_30 = timedelta(seconds=30)

ROWS = [
    (
        refused(429, "Too Many Requests: retry after 7", retry_after=7),
        K.THROTTLED,
        R.RATE_LIMITED,
        timedelta(seconds=7),
    ),
    (refused(429, "Too Many Requests: retry after 7"), K.THROTTLED, R.RATE_LIMITED, SECONDS_30),
    (refused(429, "", retry_after=0), K.THROTTLED, R.RATE_LIMITED, SECONDS_30),
    (refused(429, "", retry_after=10**30), K.THROTTLED, R.RATE_LIMITED, timedelta(days=7)),
    (refused(429, "", retry_after="soon"), K.THROTTLED, R.RATE_LIMITED, SECONDS_30),
    (Answer(429, "<html>slow down</html>"), K.THROTTLED, R.RATE_LIMITED, SECONDS_30),
    (refused(401, "Unauthorized"), K.OUTAGE, R.BAD_TOKEN, None),
    (refused(404, "Not Found"), K.OUTAGE, R.BAD_TOKEN, None),
    (Answer(404, "<html>no such page</html>"), K.OUTAGE, R.BAD_TOKEN, None),
    (refused(400, "Logged out"), K.OUTAGE, R.BAD_TOKEN, None),
    (refused(403, "Forbidden: bot was blocked by the user"), K.RECIPIENT, R.BLOCKED, None),
    (refused(403, "Forbidden: bot can't initiate conversation with a user"), K.RECIPIENT, R.BLOCKED, None),
    (refused(400, "Bad Request: USER_IS_BLOCKED"), K.RECIPIENT, R.BLOCKED, None),
    (refused(403, "Forbidden: bot was kicked from the supergroup chat"), K.RECIPIENT, R.KICKED, None),
    (refused(403, "Forbidden: bot is not a member of the channel chat"), K.RECIPIENT, R.KICKED, None),
    (refused(403, "Forbidden: user is deactivated"), K.RECIPIENT, R.DEACTIVATED, None),
    (refused(400, "Bad Request: INPUT_USER_DEACTIVATED"), K.RECIPIENT, R.DEACTIVATED, None),
    (refused(403, "Forbidden: bot can't send messages to bots"), K.RECIPIENT, R.REFUSED, None),
    (refused(403, ""), K.RECIPIENT, R.REFUSED, None),
    (refused(400, "Bad Request: chat not found"), K.RECIPIENT, R.CHAT_NOT_FOUND, None),
    (refused(400, "bad request: CHAT NOT FOUND"), K.RECIPIENT, R.CHAT_NOT_FOUND, None),
    (refused(400, "Bad Request: user not found"), K.RECIPIENT, R.CHAT_NOT_FOUND, None),
    (refused(400, "Bad Request: PEER_ID_INVALID"), K.RECIPIENT, R.CHAT_NOT_FOUND, None),
    (refused(400, "Bad Request: group is deactivated"), K.RECIPIENT, R.CHAT_NOT_FOUND, None),
    (refused(403, "Forbidden: the group chat was deleted"), K.RECIPIENT, R.CHAT_NOT_FOUND, None),
    (refused(400, "Bad Request: message thread not found"), K.RECIPIENT, R.CHAT_NOT_FOUND, None),
    (refused(400, "Bad Request: not enough rights to send text messages"), K.RECIPIENT, R.NO_RIGHTS, None),
    (refused(400, "Bad Request: have no rights to send a message"), K.RECIPIENT, R.NO_RIGHTS, None),
    (refused(400, "Bad Request: TOPIC_CLOSED"), K.RECIPIENT, R.NO_RIGHTS, None),
    (refused(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), K.RECIPIENT, R.NO_RIGHTS, None),
    (refused(403, "Forbidden: CHAT_WRITE_FORBIDDEN"), K.RECIPIENT, R.NO_RIGHTS, None),
    (refused(400, "Bad Request: CHAT_SEND_PHOTOS_FORBIDDEN"), K.RECIPIENT, R.NO_RIGHTS, None),
    (refused(400, "Bad Request: can't parse entities: no"), K.CONTENT, R.BAD_MARKUP, None),
    (refused(400, "Bad Request: ENTITIES_TOO_LONG"), K.CONTENT, R.BAD_MARKUP, None),
    (refused(400, "Bad Request: message is too long"), K.CONTENT, R.TOO_LARGE, None),
    (refused(400, "Bad Request: message caption is too long"), K.CONTENT, R.TOO_LARGE, None),
    (refused(400, "Bad Request: message text is empty"), K.CONTENT, R.NO_TEXT, None),
    (refused(400, "Bad Request: text must be non-empty"), K.CONTENT, R.NO_TEXT, None),
    (refused(400, "Bad Request: BUTTON_URL_INVALID"), K.CONTENT, R.CONTENT_REFUSED, None),
    (refused(400, "Bad Request: wrong file identifier/HTTP URL specified"), K.CONTENT, R.BAD_ATTACHMENT, None),
    (refused(400, "Bad Request: failed to get HTTP URL content"), K.CONTENT, R.BAD_ATTACHMENT, None),
    (refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"), K.CONTENT, R.BAD_ATTACHMENT, None),
    (refused(400, "Bad Request: the moon is full"), K.CONTENT, R.CONTENT_REFUSED, None),
    # A proxy before Telegram knows nothing of texts and chats.
    (Answer(400, "<html>no certificate was sent</html>"), K.TRANSIENT, R.SERVICE_ERROR, None),
    (Answer(403, "<html>forbidden by the company</html>"), K.TRANSIENT, R.SERVICE_ERROR, None),
    (Answer(403, {"error": "blocked"}), K.TRANSIENT, R.SERVICE_ERROR, None),
    (refused(413, "Request Entity Too Large"), K.CONTENT, R.TOO_LARGE, None),
    (Answer(413, "<html>too large</html>"), K.CONTENT, R.TOO_LARGE, None),
    (refused(409, "Conflict: terminated by other getUpdates request"), K.TRANSIENT, R.SERVICE_ERROR, None),
    (refused(418, "I am a teapot"), K.TRANSIENT, R.SERVICE_ERROR, None),
    (Answer(302, "", {"Location": "https://example.org/"}), K.TRANSIENT, R.SERVICE_ERROR, None),
    (refused(500, "Internal Server Error"), K.TRANSIENT, R.SERVICE_ERROR, None),
    (Answer(502, "<html>bad gateway</html>"), K.TRANSIENT, R.SERVICE_ERROR, None),
    (Answer(503, b"\xff\xfe"), K.TRANSIENT, R.SERVICE_ERROR, None),
    (Answer(599, ["odd"]), K.TRANSIENT, R.SERVICE_ERROR, None),
    # The code in the answer counts more than that of HTTP.
    (Answer(200, {"ok": False, "error_code": 403, "description": "Forbidden: x"}), K.RECIPIENT, R.REFUSED, None),
    (
        Answer(400, {"ok": False, "error_code": 500, "description": 17, "parameters": []}),
        K.TRANSIENT,
        R.SERVICE_ERROR,
        None,
    ),
    (Answer(200, "<html>please log in</html>"), K.UNKNOWN, R.SERVICE_UNANSWERED, None),
    (Answer(200, b'{"ok": true, "resu'), K.UNKNOWN, R.SERVICE_UNANSWERED, None),
    (Answer(200, [1, 2]), K.UNKNOWN, R.SERVICE_UNANSWERED, None),
    (Answer(200, b"[" * 100_000), K.UNKNOWN, R.SERVICE_UNANSWERED, None),
    (agreed({"message_id": "many"}), K.UNKNOWN, R.SERVICE_UNANSWERED, None),
    (agreed("yes"), K.UNKNOWN, R.SERVICE_UNANSWERED, None),
    (Answer(200, b"no gzip", {"Content-Encoding": "gzip"}), K.UNKNOWN, R.SERVICE_UNANSWERED, None),
    (CUT, K.UNKNOWN, R.SERVICE_UNANSWERED, None),
    (CUT_BODY, K.UNKNOWN, R.SERVICE_UNANSWERED, None),
    (GARBAGE, K.UNKNOWN, R.SERVICE_UNANSWERED, None),
]


@pytest.mark.parametrize(("answer", "kind", "reason", "wait"), ROWS)
async def test_a_row_of_the_table(server, notifier, answer, kind, reason, wait):
    server.answer("sendMessage", answer)

    failure = await failed(notifier)

    assert (kind, reason, wait) == judged(failure)
    assert failure.text.startswith(f"127.0.0.1:{server.port}")
    assert 0 == failure.pieces
    assert ["sendMessage"] == methods(server), "the library must not try again by itself"


@pytest.mark.parametrize("code", [401, 404])
async def test_a_refused_token_says_where_to_look(server, notifier, code):
    server.answer("sendMessage", refused(code, "No"))

    failure = await failed(notifier)

    advice = "check notifiers.telegram.token and notifiers.telegram.api_url"
    assert failure.text == f"127.0.0.1:{server.port} answered the message to 4711 with: {code} No; {advice}"


async def test_no_answer_in_time_leaves_it_unknown(server, notifier_for):
    server.answer("sendMessage", HANG)

    failure = await failed(notifier_for(server, timeouts={"answer": "300ms"}))

    assert (K.UNKNOWN, R.SERVICE_UNANSWERED, None) == judged(failure)
    assert "it may have been sent" in failure.text


async def test_an_answer_that_trickles_in_is_not_waited_for_without_end(notifier_for):
    async def trickle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            try:
                await writer.drain()
                async with asyncio.timeout(0.05):
                    await reader.read(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                return
            if reader.at_eof():
                writer.close()

    server = HttpServer()
    listener = await asyncio.start_server(trickle, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    quick = {"connect": "100ms", "upload": "100ms", "answer": "200ms"}

    failure = await failed(notifier_for(server, timeouts=quick))

    listener.close()
    assert (K.UNKNOWN, R.SERVICE_UNANSWERED, None) == judged(failure)


async def test_a_refused_connection_is_an_outage(server, notifier):
    await server.stop()

    assert (K.OUTAGE, R.SERVICE_UNREACHABLE, None) == judged(await failed(notifier))


async def test_a_server_without_an_address_is_an_outage(server, notifier_for):
    notifier = notifier_for(server, api_url="http://no-such-host.invalid")

    failure = await failed(notifier)

    assert (K.OUTAGE, R.SERVICE_UNREACHABLE, None) == judged(failure)
    assert "no-such-host.invalid" in failure.text


async def test_a_certificate_that_nobody_trusts_is_an_outage(notifier_for, certificates: Certificates):
    async with HttpServer(BotApi(), tls=_server_tls(certificates)) as server:
        failure = await failed(notifier_for(server))

        assert [] == server.requests
    assert (K.OUTAGE, R.SERVICE_UNREACHABLE, None) == judged(failure)
    assert "CERTIFICATE_VERIFY_FAILED" in failure.text


async def test_a_connection_that_does_not_come_about_in_time_was_surely_not_used(notifier_for):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(address)
        server = HttpServer()
        server.port = address[1]

        failure = await failed(notifier_for(server, timeouts={"connect": "300ms"}))

        for one in waiting:
            one.close()
    assert (K.OUTAGE, R.SERVICE_UNREACHABLE, None) == judged(failure)
    assert "nothing was sent" in failure.text


async def test_what_goes_wrong_for_several_messages_in_a_row_is_an_outage(server, notifier):
    server.answer("sendMessage", *[refused(500)] * (2 * LIMIT))

    kinds = [(await failed(notifier, message_id=f"id-{at}", to=at % 2 + 1)).kind for at in range(LIMIT)]

    assert [K.TRANSIENT] * (LIMIT - 1) + [K.OUTAGE] == kinds


@pytest.mark.parametrize(("asked", "expected"), [(refused(502), K.OUTAGE), (None, K.TRANSIENT)])
async def test_where_one_chat_alone_is_in_trouble_the_bot_asks_who_it_is(server, notifier, asked, expected):
    server.answer("sendMessage", refused(500), always=True)
    if asked is not None:
        server.answer("getMe", asked, always=True)

    kinds = [(await failed(notifier, message_id=f"id-{at}")).kind for at in range(LIMIT + 1)]

    assert [K.TRANSIENT] * (LIMIT - 1) + [expected] * 2 == kinds


async def test_the_first_success_ends_an_outage(server, notifier):
    server.answer("sendMessage", *[refused(500)] * LIMIT, agreed({"message_id": 1}), refused(500))
    before = [(await failed(notifier, message_id=f"id-{at}", to=at + 1)).kind for at in range(LIMIT)]
    await report(notifier)

    assert (K.OUTAGE, K.TRANSIENT) == (before[-1], (await failed(notifier, message_id="after", to=7)).kind)


async def test_one_message_that_always_fails_is_no_outage(server, notifier):
    server.answer("sendMessage", refused(500), always=True)

    assert {K.TRANSIENT} == {(await failed(notifier)).kind for _ in range(2 * LIMIT)}


@pytest.mark.parametrize("between", [agreed({"message_id": 1}), refused(403, "Forbidden: bot was blocked by the user")])
async def test_an_answer_in_between_ends_the_row(server, notifier, between):
    answers = [refused(500)] * (LIMIT - 1)
    server.answer("sendMessage", *answers, between, *answers)

    sends = [report(notifier, message_id=f"id-{at}") for at in range(2 * LIMIT - 1)]
    outcomes = [(await asyncio.gather(send, return_exceptions=True))[0] for send in sends]

    kinds = [outcome.kind if isinstance(outcome, Failure) else None for outcome in outcomes]
    assert 2 * LIMIT - 2 == kinds.count(K.TRANSIENT)
    assert K.OUTAGE not in kinds


def test_every_exception_of_the_library_is_in_the_table():
    there = {kind for _, kind in inspect.getmembers(telegram.error, inspect.isclass) if issubclass(kind, Exception)}

    assert there == set(CODES)


def test_every_exception_of_the_library_below_it_is_in_the_table():
    there = {kind for _, kind in inspect.getmembers(client_exceptions, _is_an_error_of_its_own)}

    assert there == {kind for kind in LOSSES if kind.__module__ == client_exceptions.__name__}


def _is_an_error_of_its_own(value) -> bool:
    return inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == client_exceptions.__name__


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (telegram.error.InvalidToken("no"), K.OUTAGE, R.BAD_TOKEN),
        (telegram.error.Forbidden("Forbidden: bot was kicked from it"), K.RECIPIENT, R.KICKED),
        (telegram.error.BadRequest("Chat not found"), K.RECIPIENT, R.CHAT_NOT_FOUND),
        (telegram.error.ChatMigrated(17), K.CONTENT, R.CONTENT_REFUSED),
        (telegram.error.Conflict("two"), K.TRANSIENT, R.SERVICE_ERROR),
        (telegram.error.TimedOut(), K.TRANSIENT, R.SERVICE_ERROR),
        (telegram.error.TelegramError("odd"), K.TRANSIENT, R.SERVICE_ERROR),
    ],
)
def test_an_exception_of_the_library_that_slips_through_is_judged_by_what_it_stands_for(error, kind, reason):
    assert (kind, reason, None) == judged(judge_library(error, "here"))


@pytest.mark.parametrize(
    ("error", "kinds"),
    [
        (client_exceptions.ClientOSError("?"), [K.OUTAGE, K.TRANSIENT, K.UNKNOWN]),
        (client_exceptions.ServerDisconnectedError(), [K.OUTAGE, K.TRANSIENT, K.UNKNOWN]),
        (client_exceptions.ClientPayloadError(), [K.TRANSIENT, K.TRANSIENT, K.UNKNOWN]),
        (client_exceptions.InvalidURL("http:"), [K.OUTAGE, K.TRANSIENT, K.UNKNOWN]),
        (ssl.SSLError(1, "[SSL] bad record mac"), [K.OUTAGE, K.TRANSIENT, K.UNKNOWN]),
        (TimeoutError(), [K.OUTAGE, K.TRANSIENT, K.UNKNOWN]),
        (OSError("?"), [K.OUTAGE, K.TRANSIENT, K.UNKNOWN]),
        (RuntimeError("?"), [K.TRANSIENT, K.TRANSIENT, K.UNKNOWN]),
    ],
)
def test_what_it_means_that_there_is_no_answer_depends_on_how_far_the_request_came(error, kinds):
    far = [(False, False), (True, False), (True, True)]

    assert kinds == [loss_of(error, begun=begun, written=written).kind for begun, written in far]


def _server_tls(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.cert, certificates.key)
    return context
