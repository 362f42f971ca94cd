"""Cancellations that are ours, and those that a library brings about within itself."""

import asyncio


def is_ours() -> bool:
    """Tell whether the `CancelledError` that is being handled was meant for the current task.

    Libraries end their own waiters with one when a connection closes, though nobody has cancelled who waits there.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
