"""A server that is Slack as long as no script says otherwise, and notifiers that are closed after the test."""

from collections.abc import AsyncIterator, Callable

import pytest

from dispatcher.notifiers.slack import SlackNotifier
from tests.http_server import HttpServer
from tests.notifiers.slack.examples import settings, slack


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with HttpServer(slack) as server:
        yield server


@pytest.fixture
async def notifier_for() -> AsyncIterator[Callable[..., SlackNotifier]]:
    """Makes a notifier for a server, with changes to the settings."""
    made = []

    def make(server: HttpServer, **changes) -> SlackNotifier:
        made.append(SlackNotifier(settings(server, **changes)))
        return made[-1]

    yield make
    for notifier in made:
        await notifier.close()


@pytest.fixture
def notifier(server: HttpServer, notifier_for: Callable[..., SlackNotifier]) -> SlackNotifier:
    return notifier_for(server)
