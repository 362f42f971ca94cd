"""How long to wait before trying again what is away."""

import random
from collections.abc import Iterator

SHORTEST = 0.5
LONGEST = 10.0


def backoff(shortest: float = SHORTEST, longest: float = LONGEST) -> Iterator[float]:
    """Give ever longer waits in seconds, doubling, without end.

    Each is spread over its upper half, so that many daemons do not come back to a restarted broker in one moment.
    """
    wait = shortest
    while True:
        yield wait * random.uniform(0.5, 1)  # noqa: S311 - spreads load, keeps no secret
        wait = min(wait * 2, longest)
