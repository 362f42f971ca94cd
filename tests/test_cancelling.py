"""Whose cancellation it is."""

import asyncio

from dispatcher.cancelling import is_ours


async def test_a_cancellation_of_the_task_is_ours():
    told: list[bool] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append(is_ours())
            raise

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})

    assert told == [True]
    assert task.cancelled()


async def test_one_of_a_future_that_a_library_has_ended_is_not():
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()

    told = None
    try:
        await future
    except asyncio.CancelledError:
        told = is_ours()

    assert told is False
