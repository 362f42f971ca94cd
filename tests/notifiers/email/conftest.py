"""A server that follows a script, and notifiers that are closed after the test."""

import ssl
from collections.abc import AsyncIterator, Callable

import pytest
import trustme

from dispatcher.notifiers.email import EmailNotifier
from tests.notifiers.email.examples import DATE, settings
from tests.smtp_server import KEYWORDS, SmtpServer


@pytest.fixture
def keywords() -> tuple[str, ...]:
    """What the server offers; where it matters, a module tries it without PIPELINING, too."""
    return KEYWORDS


@pytest.fixture
async def server(keywords: tuple[str, ...]) -> AsyncIterator[SmtpServer]:
    async with SmtpServer(keywords=keywords) as server:
        yield server


@pytest.fixture
async def notifier_for() -> AsyncIterator[Callable[..., EmailNotifier]]:
    """Makes a notifier for a server, with changes to the settings."""
    made = []

    def make(server: SmtpServer, **changes) -> EmailNotifier:
        made.append(EmailNotifier(settings(server, **changes), now=lambda: DATE))
        return made[-1]

    yield make
    for notifier in made:
        await notifier.close()


@pytest.fixture
def notifier(server: SmtpServer, notifier_for: Callable[..., EmailNotifier]) -> EmailNotifier:
    """A notifier for the server."""
    return notifier_for(server)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Signs the certificates of the servers."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where clients find it."""
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """What a server with a certificate for 127.0.0.1 uses."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context
