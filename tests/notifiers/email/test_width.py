"""The rule that finds out how many connections a server can do with, on servers that are only reckoned."""

import heapq
from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.notifiers.email.width import FEW, LONGEST_PAUSE, Width

MOST = 50

patient = settings(deadline=None)


class Server:
    """What works at so many mails at once, each of which takes so long; the others wait in line.

    Args:
        slots: how many mails at once.
        service: seconds for one; how much they differ from mail to mail is up to it.
        most: so many connections there may be by the settings.

    Attributes:
        limit: the connections it takes.
        refused: when it refused one.
        ended: when each mail was done.
        widths: what the width was then.

    """

    def __init__(self, slots: int, service: Callable[[], float], most: int = MOST) -> None:
        self.width = Width(most)
        self.service = service
        self.limit = most
        self.refused: list[float] = []
        self.ended: list[float] = []
        self.widths: list[int] = []
        self.now = 0.0
        self.resize(slots)
        self._under_way: list[tuple[float, float]] = []

    def resize(self, slots: int) -> None:
        """Work at so many from now on."""
        self._slots = [self.now] * slots

    def serve(self, mails: int) -> None:
        """Take mails, of which there are always more."""
        for _ in range(mails):
            while len(self._under_way) < self.width.value:
                if len(self._under_way) >= self.limit:
                    self.refused.append(self.now)
                    self.width.limit(len(self._under_way))
                else:
                    begins = max(heapq.heappop(self._slots), self.now)
                    ends = begins + self.service()
                    heapq.heappush(self._slots, ends)
                    heapq.heappush(self._under_way, (ends, self.now))
            in_use = len(self._under_way)
            self.now, began = heapq.heappop(self._under_way)
            self.width.learn(self.now - began, in_use)
            self.ended.append(self.now)
            self.widths.append(self.width.value)

    def rate(self, first: int, last: int) -> float:
        """Give the mails a second between two of them."""
        return (last - first) / (self.ended[last - 1] - self.ended[first - 1])


def always(seconds: float) -> Callable[[], float]:
    return lambda: seconds


def about(seconds: float, seed: int) -> Callable[[], float]:
    """Half as long up to one and a half times as long."""
    random = Random(seed)
    return lambda: seconds * random.uniform(0.5, 1.5)


@pytest.mark.parametrize("seconds", [0.0003, 0.02, 0.1, 1])
@pytest.mark.parametrize("slots", [1, 2, 3, 5, 8, 13, 21, 34, 50, 1000])
def test_a_server_is_used_as_well_as_it_can_be_after_a_few_hundred_mails(slots, seconds):
    for service in (always(seconds), about(seconds, 1), about(seconds, 2)):
        server = Server(slots, service)

        server.serve(2500)

        best = min(slots, MOST) / seconds
        assert server.rate(500, 2500) >= 0.9 * best
        assert sum(server.widths) / len(server.widths) <= max(2 * slots, 2 * FEW)


@patient
@given(slots=st.integers(1, 200), seconds=st.floats(0.0001, 10), seed=st.integers())
def test_it_is_so_whatever_the_server_is_like(slots, seconds, seed):
    server = Server(slots, about(seconds, seed))

    server.serve(3000)

    assert server.rate(500, 3000) >= 0.8 * min(slots, MOST) / seconds


def test_times_that_differ_very_much_only_take_it_longer():
    kept_up = []
    for seed in range(20):
        random = Random(seed)
        server = Server(1000, lambda random=random: random.expovariate(10))
        server.serve(4000)
        kept_up.append(server.rate(2000, 4000) / (MOST / 0.1))

    assert sorted(kept_up)[10] >= 0.9
    assert min(kept_up) >= 0.5


def test_where_mails_take_long_many_go_out_side_by_side_soon():
    server = Server(1000, always(0.1))

    server.serve(3000)

    soon = next(time for time, width in zip(server.ended, server.widths, strict=True) if width >= 20)
    assert soon <= 1.0
    assert MOST == max(server.widths)


def test_where_our_own_processor_is_the_limit_few_connections_are_enough():
    server = Server(1, about(0.0003, 3))

    server.serve(20_000)

    assert sum(server.widths) / len(server.widths) <= 2 * FEW


def test_a_server_that_can_do_with_fewer_gets_fewer_soon_and_more_again_when_it_can():
    server = Server(1000, always(0.02))
    server.serve(1000)
    assert server.width.value >= 37

    server.resize(5)
    before = server.now
    while server.width.value > 10:
        server.serve(10)
    assert server.now - before <= 10

    server.resize(1000)
    before = server.now
    while server.width.value < 37:
        server.serve(10)
    assert server.now - before <= 20


def test_a_server_that_takes_longer_for_each_mail_but_as_many_keeps_its_connections():
    times = [0.02]
    server = Server(1000, lambda: times[0])
    server.serve(1000)

    times[0] = 0.2
    server.serve(4000)

    assert server.rate(2000, 5000) >= 0.9 * MOST / 0.2


def test_a_limit_is_found_and_kept_to_and_asked_about_ever_less_often():
    server = Server(1000, always(0.1))
    server.limit = 10

    while server.now < 600:
        server.serve(100)

    assert 10 == server.width.value
    assert len(server.refused) <= 20
    waits = [later - earlier for earlier, later in zip(server.refused, server.refused[1:], strict=False)]
    assert waits[0] >= 5
    assert waits[-1] >= LONGEST_PAUSE


@patient
@given(limit=st.integers(1, 49), seconds=st.floats(0.005, 1), seed=st.integers())
def test_a_limit_that_falls_is_followed_and_one_that_goes_is_noticed(limit, seconds, seed):
    server = Server(1000, about(seconds, seed))
    server.serve(500)

    server.limit = limit
    server.width.limit(limit)
    server.serve(500)
    assert max(server.widths[500:]) <= limit + 1

    server.limit = MOST
    server.resize(1000)
    before = server.now
    while server.width.value <= min(limit, MOST - 15) and server.now - before < 200:
        server.serve(20)
    assert server.now - before < 200


def test_what_all_hear_who_are_under_way_together_counts_once():
    server = Server(1000, always(0.1))
    server.serve(1000)
    many = server.width.value

    for _ in range(many // 2):
        server.width.halve()

    assert many // 2 == server.width.value


def test_a_server_that_has_enough_of_every_mail_gets_one_at_a_time():
    width = Width(MOST)

    for _ in range(20):
        width.halve()

    assert 1 == width.value
    assert width.is_held


deeds = st.lists(
    st.one_of(
        st.tuples(st.just("learn"), st.floats(0, 1000), st.floats(0, 1.2)),
        st.tuples(st.just("limit"), st.integers(0, 100)),
        st.tuples(st.just("halve")),
    ),
    max_size=300,
)


@patient
@given(most=st.integers(1, 1000), deeds=deeds)
def test_it_stays_within_its_bounds_whatever_happens(most: int, deeds: Sequence[tuple]):
    width = Width(most)
    for name, *how in deeds:
        if name == "learn":
            for _ in range(20):
                width.learn(how[0], max(int(how[1] * width.value), 1))
        else:
            getattr(width, name)(*how)

        assert 1 <= width.value <= most


@pytest.mark.parametrize("most", [1, 2, 4])
def test_few_are_used_from_the_start(most):
    server = Server(1000, always(0.1), most)

    server.serve(500)

    assert {most} == set(server.widths)
