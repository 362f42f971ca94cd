"""The conversation byte by byte: what a server may do wrong, at each point, and what the mail's fate is then."""

import asyncio
import contextlib
import socket

import pytest
import uvloop

from dispatcher.notifiers.email import EmailNotifier
from dispatcher.notifiers.email.connect import Connector
from dispatcher.notifiers.email.connection import Lost
from dispatcher.notifiers.email.replies import Phase
from dispatcher.words.errors import Failure, Kind, Reason
from tests.faults.sink import Sink
from tests.notifiers.email.examples import report, send, settings, texts
from tests.notifiers.email.puppet import AGREED, TAKEN, Puppet
from tests.notifiers.ledgers import Recorder
from tests.smtp_server import CUT, HANG, ONE_BY_ONE, SmtpServer
from tests.waiting import until

TWO = ["ada@example.org", "bob@example.org"]
SMALL, LARGE = texts(txt="Hello\n"), texts(txt="0123456789\n" * 800_000)
CUT_OFF = (Kind.TRANSIENT, Reason.SMTP_CUT)
UNKNOWN = (Kind.UNKNOWN, Reason.SMTP_UNANSWERED)
BUSY = (Kind.THROTTLED, Reason.SMTP_BUSY)
LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])


@pytest.fixture
async def puppet():
    async with Puppet() as puppet:
        yield puppet


@pytest.fixture
def notifier(puppet, notifier_for):
    quick = {"command": "300ms", "data": "300ms", "final_reply": "300ms"}
    return notifier_for(puppet, timeouts=quick)


async def fate(notifier, **what):
    """Send to two; give how that failed for both, and what the ledger was told."""
    ledger = Recorder()
    with pytest.raises(Failure) as caught:
        await report(notifier, ledger=ledger, to=TWO, parameters={}, **{"rendered": SMALL, **what})
    return (caught.value.kind, caught.value.reason), [said[0] for said in ledger.said]


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 1000])
async def test_answers_may_come_in_pieces(puppet, notifier, size):
    puppet.group = pieces(b"250-2.1.0 ok\r\n" + AGREED, size)
    puppet.final = pieces(b"250-2.0.0 taken\r\n" + TAKEN, size)

    for _ in range(2):
        assert {} == await send(notifier, rendered=SMALL)

    assert (1, 2) == (len(puppet.sent), puppet.mails)


async def test_a_mail_is_two_writes(puppet, notifier):
    await send(notifier, rendered=SMALL)
    writes = []
    (connection, _) = notifier._pool._kept._waiting[0]
    transport = connection._wire._transport

    class Counting:
        def __getattr__(self, name):
            return getattr(transport, name)

        def write(self, data):
            writes.append(bytes(data))
            transport.write(data)

    connection._wire._transport = Counting()
    await send(notifier, rendered=SMALL)

    assert [True, True] == [writes[0].startswith(b"MAIL"), writes[0].endswith(b"DATA\r\n")]
    assert [2, True] == [len(writes), writes[1].endswith(b"\r\n.\r\n")]


async def test_after_a_mail_without_an_answer_the_dot_waits_until_the_text_is_not_hung_up_on(puppet, notifier):
    puppet.final = [CUT]
    assert (UNKNOWN, ["hand over"]) == await fate(notifier)

    puppet.text = [CUT]
    assert (CUT_OFF, []) == await fate(notifier), "it was known not to have had the dot"

    assert {} == await send(notifier, rendered=SMALL)
    puppet.text = [CUT]
    assert (UNKNOWN, ["hand over"]) == await fate(notifier), "it has taken a mail, and is trusted again"


async def test_each_answer_belongs_to_its_recipient(puppet, notifier):
    puppet.group = [b"250 ok\r\n250 ok\r\n550 5.1.1 not him\r\n452 4.5.3 enough\r\n250 ok\r\n354 go on\r\n"]
    to = [f"{name}@example.org" for name in "abcd"]
    ledger = Recorder()

    failures = (await report(notifier, ledger=ledger, to=to, parameters={})).failures

    assert {1: Reason.NO_SUCH_RECIPIENT} == {slot: one.reason for slot, one in failures.items()}
    expected = [("hand over", (0, 3)), ("serve", (0, 3)), ("hand over", (2,)), ("serve", (2,))]
    assert expected == [said[:2] for said in ledger.said]
    assert 1 == len(puppet.sent)


@pytest.mark.parametrize(
    "refused", [b"250 ok\r\n550 5.1.1 no\r\n550 5.1.1 no\r\n", b"250 ok\r\n" + b"450 4.7.1 no\r\n" * 2]
)
async def test_a_text_that_is_asked_for_though_nobody_was_taken_is_a_lone_dot(puppet, notifier, refused):
    puppet.group = [refused + b"354 go on\r\n"]

    assert {0, 1} == set(await send(notifier, to=TWO, parameters={}))
    assert {} == await send(notifier)

    assert 1 == len(puppet.sent)
    assert b"DATA\r\n.\r\nRSET\r\nMAIL" in puppet.sent[0]


@pytest.mark.parametrize("answer", [b"554 5.5.1 nobody\r\n", b"503 5.5.1 no\r\n", b"421 bye\r\n", CUT, HANG])
async def test_where_nobody_was_taken_it_is_all_one_what_becomes_of_data(puppet, notifier, answer):
    puppet.group = [b"250 ok\r\n550 5.1.1 no\r\n550 5.1.1 no\r\n", answer]

    failures = await send(notifier, to=TWO, parameters={})

    assert {Reason.NO_SUCH_RECIPIENT} == {failure.reason for failure in failures.values()}
    assert {} == await send(notifier)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (b"250 ok\r\n250 ok\r\n530 5.7.0 log in\r\n", None),
        (b"550 5.7.1 not you\r\n250 ok\r\n250 ok\r\n", (Kind.CONTENT, Reason.SENDER_REFUSED)),
        (b"451 4.3.0 no\r\n503 5.5.1 no\r\n503 5.5.1 no\r\n", (Kind.TRANSIENT, Reason.SMTP_TEMPORARY)),
    ],
)
async def test_who_leaves_after_a_text_was_agreed_to_sends_none(puppet, notifier, answers, expected):
    puppet.group = [answers + b"354 go on\r\n"]
    if expected is None:  # it is taken for the recipient's fault, and the other one is served
        assert {1: Reason.SMTP_LOGIN} == {
            slot: one.reason for slot, one in (await send(notifier, to=TWO, parameters={})).items()
        }
        return

    assert (expected, []) == await fate(notifier)
    await puppet.until(lambda: 0 == puppet.open)

    assert puppet.sent[0].endswith(b"DATA\r\n")
    assert 0 == puppet.mails
    assert {} == await send(notifier)


OK = b"250 ok\r\n"
POSITIONS = {
    "MAIL": lambda deed: {"group": [deed]},
    "the first RCPT": lambda deed: {"group": [OK, deed]},
    "the second RCPT": lambda deed: {"group": [OK * 2, deed]},
    "DATA": lambda deed: {"group": [OK * 3, deed]},
    "the text": lambda deed: {"text": [CUT if deed is HANG else deed]},  # a text that is read has been sent
    "the final dot": lambda deed: {"final": [deed]},
}


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize(
    "deed",
    [b"421 4.3.2 bye\r\n", CUT, HANG, b"what?\r\n", b"250 " + b"x" * 20_000 + b"\r\n", b"250-ok\r\n550 no\r\n"],
    ids=["421", "cut", "hang", "malformed", "20 kB", "two codes"],
)
async def test_each_thing_that_can_go_wrong_at_each_position(puppet, notifier, position, deed, kept):
    if kept:
        assert {} == await send(notifier, rendered=SMALL)
        puppet.mails = 0
    for name, says in POSITIONS[position](deed).items():
        setattr(puppet, name, says)
    if kept and position == "MAIL":
        assert {} == await send(notifier, rendered=SMALL)  # it was lost while idle: replaced, and nobody hears of it
        assert 2 == len(puppet.sent)
        return

    outcome, said = await fate(notifier, rendered=LARGE if position == "the text" else SMALL)

    busy = deed == b"421 4.3.2 bye\r\n"
    assert (BUSY if busy else UNKNOWN if position == "the final dot" else CUT_OFF) == outcome
    assert (["hand over"] if position == "the final dot" else []) == said
    assert (1 if position == "the final dot" else 0) == puppet.mails
    assert {} == await send(notifier, rendered=SMALL)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"552 5.3.4 too large\r\n", (Kind.CONTENT, Reason.TOO_LARGE)),
        (b"451 4.3.0 no\r\n", (Kind.TRANSIENT, Reason.SMTP_TEMPORARY)),
        (b"421 4.3.2 bye\r\n", BUSY),
        (b"250 2.0.0 taken\r\n", CUT_OFF),
    ],
)
async def test_an_answer_before_the_end_of_the_text_takes_nothing(puppet, notifier, answer, expected):
    puppet.text = [0.05, answer, HANG]

    assert (expected, []) == await fate(notifier, rendered=LARGE)

    assert 0 == puppet.mails
    assert {} == await send(notifier, rendered=SMALL)


@pytest.mark.parametrize(
    ("surplus", "expected"), [(b"250 more\r\n", CUT_OFF), (b"250", CUT_OFF), (b"\r\n", CUT_OFF), (b"421 bye\r\n", BUSY)]
)
async def test_what_nobody_asked_for_ends_the_connection_before_a_text(puppet, notifier, surplus, expected):
    puppet.group = [OK * 3 + b"354 go on\r\n" + surplus]

    assert (expected, []) == await fate(notifier)

    assert 0 == puppet.mails
    assert {} == await send(notifier)


@pytest.mark.parametrize("surplus", [b"250 more\r\n", b"2", b"421 4.4.2 idle\r\n", CUT])
async def test_what_nobody_asked_for_while_idle_costs_the_connection_alone(puppet, notifier, surplus):
    puppet.idle = [surplus]
    await send(notifier)
    await until(lambda: not notifier._pool._kept or not notifier._pool._kept._waiting[0][0].usable)

    assert {} == await send(notifier)

    assert 2 == len(puppet.sent)


@pytest.mark.parametrize("surplus", [b"250 more\r\n", b"421 4.4.2 idle\r\n"])
async def test_what_follows_the_last_answer_in_its_segment_costs_the_connection_alone(puppet, notifier, surplus):
    puppet.final = [TAKEN + surplus]

    for _ in range(2):
        assert {} == await send(notifier)

    assert 2 == len(puppet.sent)


@pytest.mark.parametrize(("surplus", "expected"), [(b"250 more\r\n", CUT_OFF), (b"421 bye\r\n", BUSY)])
async def test_what_follows_ehlo_in_its_segment_is_no_answer_to_mail(puppet, notifier, surplus, expected):
    puppet.hello = [b"250-test.example\r\n250 PIPELINING\r\n" + surplus]

    assert (expected, []) == await fate(notifier)
    assert {} == await send(notifier)


async def test_a_server_that_lets_us_in_and_hangs_up_is_away(notifier_for):
    async def hang_up(reader, writer):
        writer.write(b"220 hello\r\n")
        await reader.readline()
        writer.write(b"250 hello\r\n")
        writer.close()

    away = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    server = SmtpServer()
    server.port = away.sockets[0].getsockname()[1]

    with pytest.raises(Failure) as caught:
        await send(notifier_for(server))

    assert Kind.OUTAGE is caught.value.kind
    away.close()


async def test_the_patience_is_for_each_answer_and_not_for_all(puppet, notifier):
    puppet.group = [OK, 0.2, OK, 0.2, OK, 0.2, b"354 go on\r\n"]

    assert {} == await send(notifier, to=TWO, parameters={})


async def test_commands_hold_no_control_characters(puppet, notifier):
    connection = await notifier._pool.open()

    with pytest.raises(ValueError, match="control characters"):
        await connection.command(Phase.IDLE, "NOOP\r\nQUIT")

    connection.abort()
    assert [b""] == puppet.sent


def stuck(loop, deed):
    """Open a connection whose text stays here, for the server does not read, and do something then."""

    async def main():
        silent, seen = asyncio.Event(), []

        async def agree(reader, writer):
            writer.write(b"220 hello\r\n")
            await reader.readline()
            writer.write(b"250 hello\r\n")
            writer.transport.pause_reading()
            await silent.wait()
            writer.transport.resume_reading()
            taken = bytearray()
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(65536):
                    taken += piece
            seen.append(bytes(taken))
            writer.close()

        listener = socket.create_server(("127.0.0.1", 0))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # whoever connects gets the same
        server = await asyncio.start_server(agree, sock=listener)
        scripted = SmtpServer()
        scripted.port = server.sockets[0].getsockname()[1]
        connection = await Connector(settings(scripted, timeouts={"data": "300ms"}))()
        end = connection._wire._transport.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        said = []
        writing = asyncio.ensure_future(connection.text(b"x" * 65_000, lambda: said.append("hand over"), said.append))
        await asyncio.sleep(0.05)
        assert ["hand over"] == said
        outcome = await deed(writing, server)
        assert not connection.usable
        silent.set()
        await until(lambda: bool(seen))
        assert not seen[0].endswith(b"\r\n.\r\n")
        assert ["hand over"] == said
        server.close()
        return outcome

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(main())


@LOOPS
def test_a_short_text_that_has_not_left_in_time_was_not_sent(loop):
    async def wait(writing, _):
        with pytest.raises(Lost, match="no answer in time") as caught:
            await writing
        return caught.value.phase

    assert Phase.BODY is stuck(loop, wait)


@LOOPS
def test_a_short_text_that_has_not_left_when_we_are_interrupted_never_leaves(loop):
    async def interrupt(writing, _):
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    stuck(loop, interrupt)


@LOOPS
@pytest.mark.parametrize("rendered", [SMALL, LARGE], ids=["small", "large"])
def test_a_ledger_that_breaks_leaves_it_unknown(loop, rendered):
    class Broken(Recorder):
        def serve(self, slots, *, pieces=0):
            raise KeyError(slots)

    async def main():
        complaints = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with SmtpServer() as server:
            notifier = EmailNotifier(settings(server))
            with pytest.raises(Failure) as caught:
                await report(notifier, ledger=Broken(), rendered=rendered)
            await notifier.close()
        assert complaints
        assert UNKNOWN == (caught.value.kind, caught.value.reason)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


@pytest.mark.parametrize("options", [(), ("-p",), ("-e",)], ids=["pipelined", "one by one", "no extensions"])
async def test_a_server_of_strangers_gets_the_same_mails(tmp_path, notifier_for, options):
    async with Sink(tmp_path / "mails", *options) as sink:
        notifier = notifier_for(sink)
        to = [f"user{number}@example.org" for number in range(60)]

        for rendered in (SMALL, texts(txt="0123456789\n.\n" * 50_000)):
            assert {} == await send(notifier, to=to, parameters={}, rendered=rendered)

        await until(lambda: 2 == len(sink.mails))
        assert [1, 50_001] == sorted(mail.data.count(b"0123456789\n") + 1 for mail in sink.mails)
        await notifier.close()


async def test_what_is_not_offered_is_not_done(notifier_for):
    async with SmtpServer(keywords=ONE_BY_ONE) as server:
        server.answer("MAIL", "451 4.3.0 not now")
        notifier = notifier_for(server)

        with pytest.raises(Failure):
            await send(notifier)

        assert ["EHLO", "MAIL", "RSET"] == server.sessions[0].verbs()
        await notifier.close()
