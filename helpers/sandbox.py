"""Take mails, Telegram's and Slack's calls instead of sending anything anywhere, and show what arrived on a page.

    .venv/bin/python helpers/sandbox.py     SMTP on port 1025, everything else on http://127.0.0.1:8025/

    /                       the page
    /api/messages           the same as JSON; /api/v2/messages is MailHog's API
    /telegram/bot<token>/   a Telegram Bot API
    /slack/api/             a Slack Web API; /slack/services/<name> is an incoming webhook
    /faults                 what goes wrong, on request; some addresses fail by their name, like 451-twice@example.org

It listens on the loopback interface only unless told otherwise, on the next best port where the usual one is taken.
Nothing is kept on disk. What arrives is foreign text: nothing of it is ever run, and nothing that it names is fetched.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

try:
    from aiohttp import web

    from helpers.inboxes import api, fault_routes, mailhog, safety
    from helpers.inboxes.fault_routes import FAULTS
    from helpers.inboxes.faults import Faults
    from helpers.inboxes.parts import CLOSING, LARGEST, STORE, say_mistakes
    from helpers.inboxes.slack_api import Slack
    from helpers.inboxes.smtp import Conversation
    from helpers.inboxes.store import KEPT, KEPT_BYTES, Store
    from helpers.inboxes.telegram_api import Telegram
    from helpers.ports import free_port
except ModuleNotFoundError as error:
    print(f"{error.name} is missing: run `make install`, then .venv/bin/python helpers/sandbox.py", file=sys.stderr)
    sys.exit(2)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from helpers.inboxes.messages import Message


class Sandbox:
    """Servers that take messages of three services, and keep them.

    Attributes:
        smtp_port: where mails go.
        url: where the page and the API are.
        telegram_url: the address of the Bot API, as the setting `api_url` wants it; a library wants `/bot` behind it.
        slack_url: the address of the Web API, likewise.
        webhook_url: the base URL of incoming webhooks, to which a name is added.

    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        smtp_port: int = 1025,
        http_port: int = 8025,
        kept: int = KEPT,
        kept_bytes: int = KEPT_BYTES,
        names: Iterable[str] = (),
    ) -> None:
        """Prepare it; the ports are wishes, what is kept is the newest, names are those it has besides its own."""
        self.host = host
        self._names = tuple(names)
        self.smtp_port = free_port(smtp_port)
        self.http_port = free_port(http_port, besides=[self.smtp_port])
        seen_as = host if host not in {"0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104 - compared, not bound
        self.url = f"http://{f'[{seen_as}]' if ':' in seen_as else seen_as}:{self.http_port}/"
        self.telegram_url = f"{self.url}telegram"
        self.slack_url = f"{self.url}slack/api"
        self.webhook_url = f"{self.url}slack/services/"
        self._thread: threading.Thread | None = None
        self._store = Store(kept, kept_bytes)
        self._faults = Faults()
        self._telegram, self._slack = Telegram(), Slack()

    def messages(self, service: str | None = None) -> list[Message]:
        """Give what arrived, all or one service's, oldest first."""
        return self._store.all(service)

    def clear(self, service: str | None = None) -> None:
        """Forget all messages, or one service's."""

        async def clear() -> None:
            self._store.clear(service)

        if self._thread and self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(clear(), self._loop).result()
        else:
            asyncio.run(clear())

    def start(self) -> None:
        """Serve, in a thread of its own, until `stop`; raise `OSError` where a port was taken in the meantime."""
        self._up = threading.Event()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="sandbox", daemon=True)
        self._thread.start()
        self._up.wait()
        if self._failure:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Close everything; what arrived can still be looked at, and `start` opens the same ports again."""
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(self._application(), handler_cancellation=True, access_log=None, shutdown_timeout=1.0)
        servers: list[asyncio.Server] = []
        conversations: set[Conversation] = set()
        try:
            await runner.setup()
            for port, protocol in (
                (self.http_port, runner.server),
                (self.smtp_port, lambda: Conversation(self._store, self._faults, conversations)),
            ):
                servers.append(await self._loop.create_server(protocol, self.host, port))
            self._up.set()
            await self._closing.wait()
        except OSError as failure:
            self._failure = failure
        finally:
            self._closing.set()
            await self._close(servers)
            await runner.cleanup()
            while conversations:
                for conversation in list(conversations):
                    conversation.transport.abort()
                await asyncio.sleep(0)  # until each has noticed
            self._up.set()

    async def _close(self, servers: list[asyncio.Server]) -> None:
        """Let nobody in any more; who was let in a moment ago must first be known, or nobody would close it."""
        for listening in (socket for server in servers for socket in server.sockets):
            self._loop.remove_reader(listening.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        for server in servers:
            server.close()

    def _application(self) -> web.Application:
        application = web.Application(
            client_max_size=LARGEST, middlewares=[safety.only_from_here(self.host, self._names), say_mistakes]
        )
        application[STORE] = self._store
        application[FAULTS] = self._faults
        application[CLOSING] = self._closing
        application.on_response_prepare.append(safety.add_headers)
        for part in (api, mailhog, fault_routes, self._telegram, self._slack):
            application.add_routes(part.routes())
        return application

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def main() -> int:
    """Serve until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="sandbox.py", description="Take messages instead of sending them.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--smtp-port", type=int, default=1025, help="for mails (default: %(default)s)")
    parser.add_argument("--http-port", type=int, default=8025, help="for everything else (default: %(default)s)")
    parser.add_argument(
        "--name", action="append", default=[], dest="names", help="what it is called besides, as by a proxy"
    )
    parser.add_argument("--kept", type=int, default=KEPT, help="messages kept (default: %(default)s)")
    parser.add_argument("--kept-bytes", type=int, default=KEPT_BYTES, help="bytes kept (default: %(default)s)")
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before the thread starts, so that only this one gets them
    with Sandbox(**vars(parser.parse_args())) as sandbox:
        print(
            f"SMTP on {sandbox.host}:{sandbox.smtp_port} - page and API: {sandbox.url} - Telegram: "
            f"{sandbox.telegram_url} - Slack: {sandbox.slack_url} and {sandbox.webhook_url}",
            flush=True,
        )
        signal.sigwait(signals)
    return 0


if __name__ == "__main__":
    sys.exit(main())
