"""A server that follows a script, and notifiers that are closed after the test."""

from collections.abc import AsyncIterator, Callable

import pytest

from dispatcher.notifiers.telegram import TelegramNotifier
from tests.http_server import HttpServer
from tests.notifiers.telegram.examples import BotApi, settings


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    """A Bot API that takes all that no script speaks of."""
    async with HttpServer(BotApi()) as server:
        yield server


@pytest.fixture
async def notifier_for() -> AsyncIterator[Callable[..., TelegramNotifier]]:
    """Makes a notifier for a server, with changes to the settings."""
    made = []

    def make(server: HttpServer, **changes) -> TelegramNotifier:
        made.append(TelegramNotifier(settings(server, **changes)))
        return made[-1]

    yield make
    for notifier in made:
        await notifier.close()


@pytest.fixture
def notifier(server: HttpServer, notifier_for: Callable[..., TelegramNotifier]) -> TelegramNotifier:
    """A notifier for the server."""
    return notifier_for(server)
