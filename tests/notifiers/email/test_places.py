"""Who waits for a connection while the server is found to be away need not find it out himself."""

import asyncio
from time import monotonic

import pytest

from dispatcher.notifiers.email.places import Places
from dispatcher.words.errors import Failure, Kind, Reason
from tests.notifiers.email.examples import send
from tests.smtp_server import HANG
from tests.waiting import until

AWAY = Failure(Kind.OUTAGE, Reason.SMTP_UNREACHABLE, "away")


async def outcomes(*sends):
    return [
        (one.kind, one.reason) if isinstance(one, Failure) else one
        for one in await asyncio.gather(*sends, return_exceptions=True)
    ]


@pytest.mark.alone
async def test_all_in_hand_hear_of_an_outage_at_once(server, notifier_for):
    notifier = notifier_for(server, timeouts={"connect": "300ms", "command": "300ms"})
    server.answer("CONNECT", HANG, always=True)
    before = monotonic()

    ended = await outcomes(*(send(notifier, message_id=f"{number}") for number in range(64)))

    assert [(Kind.OUTAGE, Reason.SMTP_UNREACHABLE)] * 64 == ended
    assert monotonic() - before < 1
    assert 10 == len(server.sessions)


async def test_who_comes_later_tries_anew(server, notifier_for):
    notifier = notifier_for(server, connections=1, timeouts={"connect": "100ms", "command": "100ms"})
    server.answer("CONNECT", HANG)
    await outcomes(send(notifier), send(notifier))

    assert [{}, {}] == await outcomes(send(notifier), send(notifier))


async def test_where_the_server_has_just_been_heard_of_the_others_go_on(server, notifier_for):
    notifier = notifier_for(server, connections=2, timeouts={"connect": "300ms", "command": "300ms"})
    await send(notifier)
    server.answer("CONNECT", HANG)

    first, second, *others = await outcomes(*(send(notifier) for _ in range(20)))

    assert [{}, (Kind.OUTAGE, Reason.SMTP_UNREACHABLE)] == [first, second]
    assert [{}] * 18 == others


async def test_places_are_given_in_the_order_of_the_line():
    places, came = Places(1), []
    await places.take()

    async def wait(name):
        await places.take()
        came.append(name)
        places.free()

    waiting = [asyncio.ensure_future(wait(name)) for name in "abc"]
    await asyncio.sleep(0)
    waiting[1].cancel()
    places.free()
    await asyncio.wait(waiting)

    assert ["a", "c"] == came


async def test_a_place_that_is_given_to_one_who_is_cancelled_is_given_on():
    places = Places(1)
    await places.take()
    first, second = asyncio.ensure_future(places.take()), asyncio.ensure_future(places.take())
    await asyncio.sleep(0)

    places.free()
    first.cancel()

    await until(second.done)
    assert first.cancelled()
    assert None is second.result()


async def test_who_is_sent_away_takes_no_place_with_him():
    places = Places(1)
    await places.take()
    sent_away, cancelled = asyncio.ensure_future(places.take()), asyncio.ensure_future(places.take())
    await asyncio.sleep(0)

    places.dismiss(AWAY)
    cancelled.cancel()

    assert [(Kind.OUTAGE, Reason.SMTP_UNREACHABLE)] == await outcomes(sent_away)
    places.free()
    await asyncio.wait_for(places.take(), 1)
