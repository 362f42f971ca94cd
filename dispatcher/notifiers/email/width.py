"""How many connections to have to a server of which nobody knows how many it can do with: found out by trying.

With `w` mails under way side by side, each of which takes `t` seconds, `w / t` mails go out in a second. While the
server keeps up, `t` stays as it is when `w` grows; where it does not, or where all wait for our own processor, `t`
grows with `w` and nothing is won. So one width after the other is tried, twice as many at first, and kept where at
least `WORTH` of what could have been won was won. Fewer are tried, too, and kept where less than that was lost.

A server that says that it has enough of us (421) is believed at once. After that one more is tried only when some time
went by, each time more, until one is taken.

No clock, no input and no output in here: time is what mails took, divided among those side by side.
"""

from math import log

FEW = 4
"""Where it begins, and the least that the time of mails leads to: while one mail is written, others are under way."""

WORTH = 0.3
"""At 1 only what wins as much as it adds is kept, at 0 whatever does no harm. (At 0.5 it would be Kleinrock's power:
mails a second, divided by the time each of them takes, at its greatest.)"""

CAUTIOUS, BOLD = 1.35, 2.0
"""Factors of a try: bold at first and after one that was worth it, cautious after one that was not."""

FULL = 7 / 8
"""Only what is measured with so many of the connections in use tells of a width."""

LEAST, MOST = 8, 500
"""The fewest and the most mails that are measured before something is concluded."""

SURE = 6.0
"""How sure to be in between: the more the times of mails differ from each other, the more of them are measured."""

ROUNDS = 4
"""So many mails on each connection are measured at once, while none is tried."""

REST_UP, REST_DOWN = 1, 8
"""So many times that, before the next try: more harm nobody, fewer cost some mails a second while they are tried."""

SLOWER = log(2)
"""When mails have become so much slower, while nothing was changed here, fewer are tried at once."""

PAUSE, LONGEST_PAUSE = 5.0, 60.0
"""Seconds at work after a 421 before one more is tried, doubled each time that is refused."""


class Width:
    """A number of connections that follows what the server can do, and how long mails take it.

    Args:
        most: the most there may be.

    Attributes:
        value: how many there may be now, at least 1.

    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._few = min(FEW, most)
        self.value = self._few
        self._up = True
        self._step = BOLD
        self._rest = 0
        self._time: float | None = None  # of a mail at this width, or at that before the try; as a logarithm
        self._before: int | None = None  # the width before the try that is going on
        self._pause = 0.0
        self._last_pause = PAUSE / 2
        self._since_cut = most  # mails since the server was last believed to be too busy for them
        self._begin(0)

    @property
    def is_held(self) -> bool:
        """Whether the server said lately that it has enough of us."""
        return self._pause > 0

    def learn(self, seconds: float, in_use: int) -> None:
        """Learn from a mail to which the server answered, with whatever but 421.

        Args:
            seconds: how long that took, on its connection.
            in_use: how many connections were in use then, that one included.

        """
        self._since_cut += 1
        if self._pause > 0:
            self._pause -= seconds / in_use
            if self._pause <= 0:
                self._try(self.value + 1)
        elif in_use >= self.value * FULL:
            if self._skip > 0:
                self._skip -= 1
            else:
                self._add(log(max(seconds, 1e-6)))

    def limit(self, connections: int) -> None:
        """Learn that the server wants no connection besides these."""
        self._hold(min(self.value, connections))

    def halve(self) -> None:
        """Learn that the server is too busy for a mail: half as many, once for all that are under way together."""
        self._since_cut += 1
        if self._since_cut > self.value:
            self._since_cut = 0
            self._hold(self.value // 2)

    def _hold(self, width: int) -> None:
        if self._pause <= 0:
            self._last_pause = min(self._last_pause * 2, LONGEST_PAUSE)
        self._pause = self._last_pause
        self._time = self._before = None
        self._up, self._step, self._rest = True, CAUTIOUS, 0
        self._change(max(width, 1))

    def _add(self, time: float) -> None:
        self._count += 1
        self._sum += time
        self._squares += time * time
        if self._count >= self._wanted:
            mean = self._sum / self._count
            variance = max(self._squares / self._count - mean * mean, 0.0)
            if self._count >= MOST or self._count * log(self._step) ** 2 >= SURE * variance:
                self._conclude(mean)

    def _conclude(self, time: float) -> None:
        before, self._before = self._before, None
        if before is None or self._time is None:
            slower = self._time is not None and time - self._time > SLOWER
            self._time = time
            self._up, self._rest = (False, 0) if slower else (self._up, self._rest - 1)
            self._go_on()
        elif time - self._time <= (1 - WORTH) * log(self.value / before):
            self._time, self._step, self._last_pause = time, BOLD, PAUSE / 2
            self._go_on()
        else:
            tried, self.value = self.value, before
            self._turn(up=self._up if self._step == BOLD else not self._up)
            self._begin(max(tried, before))

    def _go_on(self) -> None:
        """Measure again, or try the next width in this direction; where that ends, look into the other one."""
        if self._rest > 0:
            self._begin(0)
        elif self._is_at_end(up=self._up):
            self._turn(up=not self._up)
            self._begin(0)
        elif self._up:
            self._try(max(int(self.value * self._step), self.value + 1))
        else:
            self._try(max(int(self.value / self._step), self._few))

    def _is_at_end(self, *, up: bool) -> bool:
        return self.value >= self._most if up else self.value <= self._few

    def _turn(self, *, up: bool) -> None:
        """Rest, and look into this direction then, or into the other one where this has come to its end."""
        self._up = up != self._is_at_end(up=up)
        self._step, self._rest = CAUTIOUS, REST_UP if self._up else REST_DOWN

    def _try(self, width: int) -> None:
        self._before = self.value
        self._change(min(width, self._most))

    def _change(self, width: int) -> None:
        """Take a width, and look away until what is under way is over."""
        last, self.value = self.value, width
        self._begin(max(last, width))

    def _begin(self, skip: int) -> None:
        self._skip, self._count, self._sum, self._squares = skip, 0, 0.0, 0.0
        rounds = 1 if self._step == BOLD else ROUNDS if self._before is None else 2
        self._wanted = max(LEAST, self.value) * rounds
