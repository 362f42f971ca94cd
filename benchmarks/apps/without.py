"""Ours with one of its parts left out: what that part takes is what is missing then.

    python -m benchmarks.apps.without rendering run

A part is replaced by what it gave the first time. Nothing else is touched, so the others find the caches, the memory
and the event loop as they are in real life, which no profiler leaves alone.
"""

import sys
from collections.abc import Callable
from typing import Any

import dispatcher.notifiers.email.notifier as email
from dispatcher import factories
from dispatcher.flow.journal import Forgetful
from dispatcher.main import main
from dispatcher.observers.log import LogObserver
from dispatcher.rendering.renderer import Renderer


def once(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a coroutine function that works once, and gives that ever after."""
    known: list[Any] = []

    async def remembered(*arguments: Any, **named: Any) -> Any:
        if not known:
            known.append(await function(*arguments, **named))
        return known[0]

    return remembered


def leave_out(part: str) -> None:
    """Take a part out of this process."""
    if part == "rendering":
        Renderer.render_once_saved = once(Renderer.render_once_saved)  # type: ignore[method-assign]
    elif part == "composing":
        email._compose = once(email._compose)  # noqa: SLF001 - it is what there is to leave out
    elif part == "journal":
        vars(factories)["HostJournal"] = lambda *_: Forgetful()
    elif part == "log":
        LogObserver.__call__ = lambda *_: None  # type: ignore[method-assign]


if __name__ == "__main__":
    leave_out(sys.argv.pop(1))
    main()
