"""Many messages at once, for a service that takes only so many."""

import os
from collections import Counter
from time import monotonic

import pytest

from tests.e2e.bot_api import BotApi
from tests.e2e.conftest import Publisher, Starter
from tests.waiting import until

pytestmark = pytest.mark.alone

SPEED = int(os.environ.get("SPEED", "8"))
"""So many times as fast as Telegram's own paces, with which this takes more than three minutes: SPEED=1."""

CHAT, BOT = SPEED, 30 * SPEED
"""Messages a second: to one chat, to all of them."""

MANY = 200
BUSY = "4711"


def most_within(times: list[float], seconds: float) -> int:
    """Give how many of these, in order, fell into the fullest span of that length."""
    most = first = 0
    for at, time in enumerate(times):
        while times[first] <= time - seconds:
            first += 1
        most = max(most, at - first + 1)
    return most


@pytest.mark.timeout(400)
async def test_one_busy_chat_and_many_others(start: Starter, api: BotApi, telegram_publisher: Publisher):
    daemon = await start(
        notifiers__telegram__token="1234567:test",
        notifiers__telegram__api_url=api.url,
        notifiers__telegram__pace__chat=f"{CHAT}/s",
        notifiers__telegram__pace__bot=f"{BOT}/s",
        service__retry__ladder="10s,60s",
    )
    begin = monotonic()
    for number in range(MANY):
        await telegram_publisher.publish(to=BUSY, parameters={"name": f"busy {number}"})
        await telegram_publisher.publish(to=number + 1, parameters={"name": f"other {number}"})

    await until(lambda: len(api.taken) >= 2 * MANY, within=1.5 * MANY / CHAT + 30, what="all of them")
    took = api.taken[-1][0] - begin
    busy = [time for time, chat, _ in api.taken if chat == BUSY]
    others = [time - begin for time, chat, _ in api.taken if chat != BUSY]
    print(
        f"\n{MANY} to one chat at {CHAT}/s: {(MANY - 1) / (busy[-1] - busy[0]):.2f}/s; "
        f"the fullest second of the bot had {most_within([time for time, _, _ in api.taken], 1)}; "
        f"{MANY} others done after {max(others):.1f} s, all after {took:.1f} s"
    )

    # Nothing lost, nothing twice, in order.
    assert [f"Hello <b>busy {number}</b>" for number in range(MANY)] == api.to(BUSY)
    assert dict.fromkeys(map(str, range(1, MANY + 1)), 1) == Counter(chat for _, chat, _ in api.taken if chat != BUSY)
    # The pace of the chat, the limit of the bot.
    assert 0.9 * CHAT <= (MANY - 1) / (busy[-1] - busy[0]) <= 1.1 * CHAT
    assert most_within(busy, 10) <= 1.1 * 10 * CHAT + 1
    assert most_within([time for time, _, _ in api.taken], 1) <= 1.1 * BOT
    # The others are long done when the busy chat has had a quarter of its messages.
    assert max(others) <= MANY / CHAT / 4
    # No attempt was counted.
    await until(lambda: sum(line.get("outcome") == "accepted" for line in daemon.log) == 2 * MANY)
    assert {1} == {line["attempt"] for line in daemon.log if line["event"] == "settled"}
    assert 0 == await telegram_publisher.waiting("telegram.dead")


async def test_all_chats_together_get_no_more_than_the_bot_may_send(
    start: Starter, api: BotApi, telegram_publisher: Publisher
):
    """At a rate far below what the daemon can do: it is the limit that holds it back."""
    rate, seconds = 20, 5
    await start(
        notifiers__telegram__token="1234567:test",
        notifiers__telegram__api_url=api.url,
        notifiers__telegram__pace__bot=f"{rate}/s",
    )
    for number in range(MANY):
        await telegram_publisher.publish(to=number + 1)

    await until(lambda: len(api.taken) >= MANY, within=2 * MANY / rate + 30, what="all of them")
    times = [time for time, _, _ in api.taken]
    print(f"\nthe fullest {seconds} s had {most_within(times, seconds)}, all came within {times[-1] - times[0]:.1f} s")

    assert dict.fromkeys(map(str, range(1, MANY + 1)), 1) == Counter(chat for _, chat, _ in api.taken)
    assert most_within(times, seconds) <= 1.1 * seconds * rate
    assert times[-1] - times[0] <= 1.3 * MANY / rate


async def test_a_429_makes_the_whole_sender_wait_and_costs_no_attempt(
    start: Starter, api: BotApi, telegram_publisher: Publisher
):
    daemon = await start(notifiers__telegram__token="1234567:test", notifiers__telegram__api_url=api.url)
    api.answers = [429]
    begin = monotonic()
    first = await telegram_publisher.publish(to=1, parameters={"name": "first"})
    await until(lambda: not api.answers)
    for number in range(3):
        await telegram_publisher.publish(to=1, parameters={"name": f"later {number}"})
    await telegram_publisher.publish(to=2, parameters={"name": "elsewhere"})

    await until(lambda: len(api.taken) == 5)
    assert ["first", "later 0", "later 1", "later 2"] == [text[9:-4] for text in api.to(1)]
    assert min(time for time, _, _ in api.taken) - begin >= 3
    await until(lambda: sum(line.get("outcome") == "accepted" for line in daemon.log) == 5)
    assert {1} == {line["attempt"] for line in daemon.log if line["event"] == "settled"}
    assert "rate-limited" == daemon.settled(first)[0]["reason"]


async def test_without_a_token_messages_wait_and_one_line_says_so(
    start: Starter, api: BotApi, telegram_publisher: Publisher
):
    for number in range(12):
        await telegram_publisher.publish(to=number + 1)

    daemon = await start()
    assert ["telegram: off, no token; 12 waiting"] == [
        line["event"] for line in daemon.log if line["event"].startswith("telegram:")
    ]
    assert 12 == await telegram_publisher.waiting()
    daemon.terminate()
    assert 0 == await daemon.ended()

    await start(notifiers__telegram__token="1234567:test", notifiers__telegram__api_url=api.url)
    await until(lambda: len(api.taken) == 12)
    assert 0 == await telegram_publisher.waiting()
