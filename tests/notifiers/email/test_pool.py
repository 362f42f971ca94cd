"""The pool: bounded, kept, replaced, and never used again after something went wrong."""

import asyncio
import math
from time import monotonic

import pytest

from dispatcher.notifiers.email.pool import AHEAD, PATIENCE
from dispatcher.notifiers.email.replies import Phase
from dispatcher.words.errors import Failure, Kind, Reason
from tests.notifiers.email.examples import send
from tests.smtp_server import CUT, HANG, SmtpServer
from tests.waiting import until


async def test_a_connection_is_used_for_the_next_mail(server, notifier):
    for _ in range(3):
        await send(notifier)

    assert 3 == len(server.mails)
    assert 1 == len(server.sessions)


async def test_no_more_connections_are_open_than_the_settings_allow(server, notifier_for):
    notifier = notifier_for(server, connections=3)

    await asyncio.gather(*(send(notifier) for _ in range(20)))

    assert 20 == len(server.mails)
    assert 3 == server.peak
    assert 3 == len(server.sessions)


async def test_a_connection_is_replaced_after_enough_mails(server, notifier_for):
    notifier = notifier_for(server, mails_per_connection=2)

    for _ in range(5):
        await send(notifier)
    await notifier.close()

    assert [0, 0, 1, 1, 2] == [mail.session for mail in server.mails]
    assert ["QUIT"] * 3 == [session.verbs()[-1] for session in server.sessions]


async def test_the_successor_of_a_connection_is_open_before_it_is_replaced(server, notifier_for):
    notifier = notifier_for(server, mails_per_connection=20)
    for _ in range(20 - AHEAD):
        await send(notifier)

    await server.until(lambda: 2 == server.seen["EHLO"])
    for _ in range(20):
        await send(notifier)
    await server.until(lambda: 3 == server.seen["EHLO"])
    await notifier.close()

    assert [0] * 20 + [1] * 15 == [mail.session for mail in server.mails]
    assert 3 == len(server.sessions)  # the third was opened for the next ones, like the second


async def test_a_successor_that_cannot_be_had_troubles_nobody(server, notifier_for):
    notifier = notifier_for(server, mails_per_connection=20)
    await send(notifier)
    server.answer("CONNECT", "421 4.7.0 too many")
    ended = [await send(notifier) for _ in range(45)]

    assert [{}] * 45 == ended
    assert 46 == len(server.mails)


async def test_a_successor_that_does_not_come_keeps_nobody_who_parts(server, notifier_for):
    notifier = notifier_for(server, mails_per_connection=20)
    await send(notifier)
    server.answer("CONNECT", HANG)
    for _ in range(19 - AHEAD):
        await send(notifier)
    await server.until(lambda: 2 == server.seen["CONNECT"])

    async with asyncio.timeout(3):
        await notifier.close()


async def test_a_connection_that_is_idle_for_too_long_is_parted_from(server, notifier_for):
    notifier = notifier_for(server, idle="50ms", connections=2)
    await asyncio.gather(send(notifier), send(notifier))

    await server.until(lambda: 2 == server.seen["QUIT"])
    await send(notifier)

    assert 3 == len(server.sessions)


async def test_the_one_that_was_used_last_is_used_next_and_the_others_grow_old(server, notifier_for):
    notifier = notifier_for(server, connections=2)
    await asyncio.gather(send(notifier), send(notifier))

    for _ in range(3):
        await send(notifier)

    assert 1 == len({mail.session for mail in server.mails[2:]})


async def test_a_connection_that_the_server_closed_while_idle_is_replaced_unheard(server, notifier):
    await send(notifier)
    server.end(0)
    await server.until(lambda: 0 == server.open)

    assert {} == await send(notifier)

    assert [0, 1] == [mail.session for mail in server.mails]


@pytest.mark.parametrize("farewell", [CUT, HANG, "421 4.4.2 idle for too long", b"what?\r\n"])
async def test_a_kept_connection_that_fails_on_its_first_command_is_replaced_at_once(server, notifier_for, farewell):
    notifier = notifier_for(server, timeouts={"command": "200ms"})
    await send(notifier)
    server.answer("MAIL", farewell)

    assert {} == await send(notifier)

    assert [0, 1] == [mail.session for mail in server.mails]


async def test_it_is_replaced_once_and_no_more(server, notifier):
    await send(notifier)
    server.answer("MAIL", CUT, CUT)

    with pytest.raises(Failure) as caught:
        await send(notifier)

    assert Reason.SMTP_CUT is caught.value.reason
    assert 2 == sum("MAIL" in session.verbs() for session in server.sessions)


async def test_a_kept_connection_that_fails_on_a_later_command_is_a_failure(server, notifier):
    await send(notifier)
    server.answer("RCPT", CUT)

    with pytest.raises(Failure) as caught:
        await send(notifier)

    assert (Kind.TRANSIENT, Reason.SMTP_CUT) == (caught.value.kind, caught.value.reason)


@pytest.mark.parametrize("point", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "DOT"])
async def test_a_cancelled_send_takes_its_connection_with_it(server, notifier_for, point):
    notifier = notifier_for(server, timeouts={"connect": "500ms"})
    server.answer(point, HANG)
    sending = asyncio.ensure_future(send(notifier))
    await server.until(lambda: 1 == server.seen[point])
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    server.mails.clear()

    assert {} == await send(notifier)

    assert [1] == [mail.session for mail in server.mails]


async def test_a_send_that_is_cancelled_while_it_waits_for_a_connection_leaves_no_trace(server, notifier_for):
    notifier = notifier_for(server, connections=1)
    server.answer("DOT", HANG)
    first = asyncio.ensure_future(send(notifier))
    await server.until(lambda: 1 == server.seen["DOT"])
    second = asyncio.ensure_future(send(notifier))
    await asyncio.sleep(0)
    for one in (second, first):
        one.cancel()
    await asyncio.wait([first, second])

    assert {} == await send(notifier)


async def test_a_bug_in_the_middle_of_a_conversation_takes_the_connection_with_it(server, notifier):
    async def broken(connection):
        await connection.command(Phase.MAIL, "MAIL FROM:<a@example.org>")
        raise KeyError

    with pytest.raises(KeyError):
        await notifier._pool.use(broken)
    await send(notifier)

    assert [1] == [mail.session for mail in server.mails]


@pytest.mark.parametrize("answer", ["250 ok", "503 5.5.1 no", CUT, HANG])
async def test_after_a_refusal_the_server_forgets_or_the_connection_goes(server, notifier_for, answer):
    notifier = notifier_for(server, timeouts={"command": "200ms"})
    server.answer("DATA", "451 4.3.0 not now")
    server.answer("RSET", answer)

    with pytest.raises(Failure):
        await send(notifier)
    assert {} == await send(notifier)

    assert [0 if answer == "250 ok" else 1] == [mail.session for mail in server.mails]


async def test_a_server_that_is_too_busy_for_a_mail_gets_half_as_many_connections(server, notifier_for):
    notifier = notifier_for(server)
    assert 4 == notifier._pool.size
    for left in (2, 1, 1):
        server.answer("DATA", "421 4.3.2 busy")
        await asyncio.gather(*(send(notifier) for _ in range(8)), return_exceptions=True)

        assert left == notifier._pool.size


async def test_a_server_that_wants_no_connection_more_is_busy_and_not_away(server, notifier_for):
    notifier = notifier_for(server, connections=2)
    server.answer("DOT", HANG)
    first = asyncio.ensure_future(send(notifier))
    await server.until(lambda: 1 == server.seen["DOT"])
    server.answer("CONNECT", "421 4.7.0 too many connections")

    with pytest.raises(Failure) as caught:
        await notifier.check()

    assert (Kind.THROTTLED, Reason.SMTP_BUSY) == (caught.value.kind, caught.value.reason)
    assert 1 == notifier._pool.size
    first.cancel()
    await asyncio.wait([first])


@pytest.mark.parametrize("point", ["CONNECT", "EHLO"])
async def test_a_mail_for_which_the_server_wants_no_connection_more_goes_out_on_another(server, notifier_for, point):
    server.pause = 0.05
    notifier = notifier_for(server, connections=2)
    first = asyncio.ensure_future(send(notifier))
    await server.until(lambda: 1 == server.seen["DATA"])
    server.answer(point, "421 4.7.0 too many connections")

    assert [{}, {}] == await asyncio.gather(first, send(notifier))

    assert [0, 0] == [mail.session for mail in server.mails]
    assert 1 == notifier._pool.size


async def test_it_waits_for_another_so_many_times_and_no_more(server, notifier_for):
    server.pause = 0.2
    notifier = notifier_for(server, connections=2)
    first = asyncio.ensure_future(send(notifier))
    await server.until(lambda: 1 == server.seen["DATA"])
    server.answer("CONNECT", "421 4.7.0 too many connections", always=True)
    notifier._pool._width.limit = lambda _: None  # as if there were always room for it

    with pytest.raises(Failure) as caught:
        await send(notifier)

    assert (Kind.THROTTLED, Reason.SMTP_BUSY) == (caught.value.kind, caught.value.reason)
    assert PATIENCE + 2 == server.seen["CONNECT"]
    assert {} == await first


async def test_nobody_takes_a_server_that_answers_the_others_for_one_that_is_away(server, notifier_for):
    server.pause = 0.2
    notifier = notifier_for(server, connections=2)
    first = asyncio.ensure_future(send(notifier))
    await server.until(lambda: 1 == server.seen["DATA"])
    server.answer("CONNECT", CUT, always=True)
    notifier._pool._heard = math.inf  # as if it answered others all the time
    notifier._pool._width.limit = lambda _: None  # and there were always room

    with pytest.raises(Failure) as caught:
        await send(notifier)

    assert (Kind.THROTTLED, Reason.SMTP_BUSY) == (caught.value.kind, caught.value.reason)
    assert PATIENCE + 2 == server.seen["CONNECT"]
    assert {} == await first


async def test_of_those_who_come_together_nobody_takes_a_limit_for_an_outage(notifier_for):
    async with Limited() as server:
        server.limit = 1
        notifier = notifier_for(server)

        assert [{}] * 4 == await asyncio.gather(*(send(notifier) for _ in range(4)))


async def test_who_waits_for_another_and_is_cancelled_takes_no_place_with_him(server, notifier_for):
    notifier = notifier_for(server, connections=2)
    server.answer("DOT", HANG)
    first = asyncio.ensure_future(send(notifier))
    await server.until(lambda: 1 == server.seen["DOT"])
    server.answer("CONNECT", "421 4.7.0 too many connections")
    second = asyncio.ensure_future(send(notifier))
    await until(lambda: 1 == notifier._pool.size)
    for one in (second, first):
        one.cancel()
    await asyncio.wait([first, second])

    assert {} == await send(notifier)
    assert 0 == notifier._pool._places.taken


async def test_one_more_is_opened_only_when_one_that_is_replaced_has_gone(server, notifier_for):
    server.pause = 0.01
    notifier = notifier_for(server, connections=3, mails_per_connection=2)

    await asyncio.gather(*(send(notifier) for _ in range(30)))

    assert (30, 3) == (len(server.mails), server.peak)


@pytest.mark.alone
async def test_many_mails_that_take_long_go_out_side_by_side_soon(server, notifier_for):
    server.pause = 0.1
    notifier = notifier_for(server)
    before = monotonic()

    await asyncio.gather(*(send(notifier, message_id=f"{number}") for number in range(300)))

    assert 300 == len(server.mails)
    assert server.peak >= 20
    assert monotonic() - before < 3, "10 at once would need that, and one 30"


class Limited(SmtpServer):
    """A server that takes so many connections at once."""

    limit = 10
    refused = 0

    async def converse(self, reader, writer):
        if self.open > self.limit:
            self.refused += 1
            writer.write(b"421 4.7.0 too many connections from you\r\n")
            await writer.drain()
        else:
            await super().converse(reader, writer)


async def test_a_limit_of_the_server_is_found_and_kept_to_without_troubling_any_mail(notifier_for):
    async with Limited(pause=0.02) as server:
        notifier = notifier_for(server, mails_per_connection=20)

        ended = await asyncio.gather(*(send(notifier, message_id=f"{number}") for number in range(400)))

        assert [{}] * 400 == ended
        assert 400 == len(server.mails)
        assert 10 == notifier._pool.size
        assert 1 <= server.refused <= 10


async def test_a_limit_that_becomes_lower_is_followed_at_once(notifier_for):
    async with Limited(pause=0.01) as server:
        server.limit = 50
        notifier = notifier_for(server, mails_per_connection=10, connections=16)
        await asyncio.gather(*(send(notifier) for _ in range(200)))
        assert server.peak > 4
        server.limit = 3

        ended = await asyncio.gather(*(send(notifier) for _ in range(300)))

        assert [{}] * 300 == ended
        assert notifier._pool.size <= 3


class Narrow(SmtpServer):
    """A server that writes so many mails to its disk at once, as long as `wide` is not set."""

    def __init__(self):
        super().__init__()
        self.wide = True
        self._disk = asyncio.Semaphore(2)

    async def _text(self, session):
        if self.wide:
            await asyncio.sleep(0.02)
        else:
            async with self._disk:
                await asyncio.sleep(0.005)
        return await super()._text(session)


@pytest.mark.alone
async def test_a_server_that_becomes_slow_gets_fewer_connections(notifier_for):
    async with Narrow() as server:
        notifier = notifier_for(server)
        await asyncio.gather(*(send(notifier) for _ in range(500)))
        assert notifier._pool.size >= 20
        server.wide = False

        sends = [asyncio.ensure_future(send(notifier)) for _ in range(3000)]
        await until(lambda: notifier._pool.size <= 8)

        for one in sends:
            one.cancel()
        await asyncio.wait(sends)


async def test_closing_parts_politely_from_all_connections(server, notifier_for):
    notifier = notifier_for(server, connections=3)
    await asyncio.gather(*(send(notifier) for _ in range(6)))

    await notifier.close()
    await server.until(lambda: 0 == server.open)

    assert ["QUIT"] * 3 == [session.verbs()[-1] for session in server.sessions]


async def test_closing_does_not_wait_for_a_server_that_does_not_answer(server, notifier_for):
    notifier = notifier_for(server, timeouts={"quit": "100ms"})
    await send(notifier)
    server.answer("QUIT", HANG)

    async with asyncio.timeout(2):
        await notifier.close()


async def test_a_mail_under_way_is_finished_after_closing_and_its_connection_parted_from(server, notifier):
    connection = await notifier._pool.open()
    await notifier.close()

    async def nothing(_):
        assert connection.usable

    await notifier._pool._lend(connection, nothing)
    await notifier.close()

    assert ["EHLO", "QUIT"] == server.sessions[0].verbs()
