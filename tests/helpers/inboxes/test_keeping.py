"""What is kept is bounded, in number and in bytes, and the oldest go first."""

import asyncio

from helpers.inboxes.mail import Mail
from helpers.inboxes.store import Listener, Store


def a_mail(size=0):
    return lambda number, now: Mail(
        number, now, "a@example.org", ("b@example.org",), b"Subject: x\r\n\r\n" + b"x" * size
    )


def numbers(store):
    return [message.id for message in store.all()]


def test_only_the_last_are_kept():
    """Memory is not for ever; ids go on."""
    store = Store(kept=3)
    for _ in range(5):
        store.add(a_mail())

    assert numbers(store) == [3, 4, 5]


def test_the_bytes_are_bounded_too():
    """A large one pushes out several small ones."""
    store = Store(kept_bytes=20_000)
    for size in (2000, 2000, 2000, 2000, 6000):
        store.add(a_mail(size))

    assert numbers(store)[-1] == 5
    assert numbers(store)[0] > 1
    assert sum(message.weight for message in store.all()) <= 20_000
    assert len(store.all()) > 1


def test_the_newest_stays_however_large_it_is():
    """Somebody wants to look at it."""
    store = Store(kept_bytes=100)
    store.add(a_mail())
    store.add(a_mail(10_000))

    assert numbers(store) == [2]


def test_room_is_counted_again_after_forgetting():
    """What was deleted weighs nothing any more."""
    store = Store(kept_bytes=10_000)
    for _ in range(3):
        store.add(a_mail(4000))
        store.clear("email")
    store.add(a_mail(1000))
    store.add(a_mail(1000))

    assert numbers(store) == [4, 5]


async def test_what_made_room_is_told():
    """So that a page that shows it can take it away."""
    store = Store(kept=1)
    listener = Listener(lambda: None)
    store.listen(listener)
    store.add(a_mail())
    store.add(a_mail())

    told = [await asyncio.wait_for(listener.next(), 5) for _ in range(3)]

    assert [(event.name, event.data.get("id"), event.data.get("ids")) for event in told] == [
        ("message", 1, None),
        ("message", 2, None),
        ("cleared", None, [1]),
    ]
