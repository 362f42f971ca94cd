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
    assert 4 == len(server.sessions)


async def test_who_comes_later_tries_anew(server, notifier_for):
    notifier = notifier_for(server, connections=1, timeouts={"connect": "100ms", "command": "100ms"})
    server.answer("CONNECT", HANG)
    await outcomes(send(notifier), send(notifier))

    assert [{}, {}] == await outcomes(send(notifier), send(notifier))


async def test_where_the_server_is_heard_of_meanwhile_even_he_goes_on_who_could_not_connect(server, notifier_for):
    server.pause = 0.05
    notifier = notifier_for(server, connections=2, timeouts={"connect": "300ms", "command": "300ms"})
    await send(notifier)
    server.answer("CONNECT", HANG)

    assert [{}] * 20 == await outcomes(*(send(notifier) for _ in range(20)))

    assert 1 == notifier._pool.size


async def test_places_are_given_in_the_order_of_the_line():
    places, came = Places(1), []
    await places.__aenter__()

    async def wait(name):
        async with places:
            came.append(name)

    waiting = [asyncio.ensure_future(wait(name)) for name in "abc"]
    await asyncio.sleep(0)
    waiting[1].cancel()
    places.leave()
    await asyncio.wait(waiting)

    assert ["a", "c"] == came
    assert 0 == places.taken


async def test_a_place_that_is_given_to_one_who_is_cancelled_is_given_on():
    places = Places(1)
    await places.__aenter__()
    first, second = asyncio.ensure_future(places.__aenter__()), asyncio.ensure_future(places.__aenter__())
    await asyncio.sleep(0)

    places.leave()
    first.cancel()

    await until(second.done)
    assert first.cancelled()
    assert None is second.result()
    assert 1 == places.taken


async def test_who_is_sent_away_takes_no_place_with_him():
    places = Places(1)
    await places.__aenter__()
    sent_away, cancelled = asyncio.ensure_future(places.__aenter__()), asyncio.ensure_future(places.__aenter__())
    await asyncio.sleep(0)

    places.dismiss(AWAY)
    cancelled.cancel()

    assert [(Kind.OUTAGE, Reason.SMTP_UNREACHABLE)] == await outcomes(sent_away)
    places.leave()
    await asyncio.wait_for(places.__aenter__(), 1)


async def test_more_places_let_in_who_waits_and_fewer_nobody_until_enough_are_out():
    places = Places(1)
    await places.__aenter__()
    waiting = [asyncio.ensure_future(places.__aenter__()) for _ in range(3)]
    await asyncio.sleep(0)

    places.resize(3)
    await asyncio.wait(waiting[:2])
    assert (3, False) == (places.taken, waiting[2].done())

    places.resize(1)
    places.leave()
    places.leave()
    await asyncio.sleep(0)
    assert (1, False) == (places.taken, waiting[2].done())
    places.leave()
    await waiting[2]


async def test_who_gives_way_is_the_next_one():
    places, came = Places(2), []
    await places.__aenter__()

    async def wait(name):
        async with places:
            if name == "first":
                places.resize(1)
                await places.give_way()
            came.append(name)

    waiting = [asyncio.ensure_future(wait(name)) for name in ("first", "b", "c")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [] == came

    places.leave()
    await asyncio.wait(waiting)

    assert (["first", "b", "c"], 0) == (came, places.taken)


@pytest.mark.parametrize("sent_away", [False, True])
async def test_who_gave_way_in_vain_goes_out_once(sent_away):
    places = Places(1)
    await places.__aenter__()

    async def wait():
        async with places:
            await places.give_way()

    places.resize(2)
    waiting = asyncio.ensure_future(wait())
    places.resize(1)
    await asyncio.sleep(0)
    if sent_away:
        places.dismiss(AWAY)
    else:
        waiting.cancel()
    await asyncio.wait([waiting])

    assert 1 == places.taken
