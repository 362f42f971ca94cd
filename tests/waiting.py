"""Awaiting a condition, where nothing can be awaited that tells of it."""

import asyncio
from collections.abc import Awaitable, Callable

PAUSE = 0.01


async def until(condition: Callable[[], bool | Awaitable[bool]], within: float = 20.0, what: str = "") -> None:
    """Return as soon as the condition holds; fail when it does not in time (seconds)."""
    try:
        async with asyncio.timeout(within):
            while True:
                result = condition()
                if result if isinstance(result, bool) else await result:
                    return
                await asyncio.sleep(PAUSE)
    except TimeoutError:
        raise AssertionError(f"it did not come about within {within:g} s: {what or condition}") from None
