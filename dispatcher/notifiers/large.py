"""Large messages are made beside the event loop, which serves all the others meanwhile."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

LARGE = 262_144
"""From so many characters on a message is made in a thread."""

T = TypeVar("T")


async def compose_aside(compose: Callable[[], T], size: int) -> T:
    """Make a message of so many characters and bytes; what that raises is raised."""
    return await asyncio.to_thread(compose) if size >= LARGE else compose()
