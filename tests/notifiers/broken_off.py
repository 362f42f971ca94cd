"""A library that cancels itself in the middle, which nobody has asked for."""

import asyncio
from typing import Any, NoReturn


async def break_off(*_: Any, **__: Any) -> NoReturn:
    """Await what was cancelled by somebody else, as a library does whose connection has gone."""
    future: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future
    raise AssertionError
