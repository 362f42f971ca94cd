"""Catch mails instead of sending them, and show them on a page. For the demonstration; nothing is kept on disk.

    .venv/bin/python helpers/mailcatcher.py     SMTP on port 1025, the page on http://127.0.0.1:8025/

    GET    /                   the mails, newest first
    GET    /mail/<id>          one mail; below it /html and /source
    GET    /api/messages       the same list as JSON
    DELETE /api/messages       forget them all

Both listen on the loopback interface only, on the next best port where the usual one is taken. What arrives is foreign
text: everything is escaped, and the HTML of a mail is shown in a frame in which nothing runs and nothing is fetched.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections import deque
from contextlib import ExitStack
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

try:
    from aiosmtpd.controller import Controller
except ModuleNotFoundError:
    sys.exit("The mail catcher needs its libraries: run `make install`, then .venv/bin/python helpers/mailcatcher.py")

from helpers import mail_pages  # noqa: E402 - found only after the lines above, when run as a script
from helpers.caught_mail import Mail  # noqa: E402
from helpers.ports import free_port  # noqa: E402

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

KEPT = 1000
LARGEST = 64 * 1024 * 1024
HERE = {"127.0.0.1", "localhost", "::1"}
STRICT = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"
HARMLESS = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class MailCatcher:
    """An SMTP server that keeps what it gets, and a page that shows it.

    Attributes:
        smtp_port: where it takes mails.
        page_url: where it shows them.

    """

    def __init__(self, *, smtp_port: int = 1025, page_port: int = 8025, kept: int = KEPT) -> None:
        """Prepare it; the ports are wishes, the mails kept are the last so many."""
        self.smtp_port = free_port(smtp_port)
        self._mails: deque[Mail] = deque(maxlen=kept)
        self._count = 0
        self._running = ExitStack()
        self._page_port = free_port(page_port, besides=[self.smtp_port])
        self.page_url = f"http://127.0.0.1:{self._page_port}/"

    @property
    def mails(self) -> list[Mail]:
        """What was caught, oldest first."""
        return list(self._mails)

    def clear(self) -> None:
        """Forget all mails."""
        self._mails.clear()

    def start(self) -> None:
        """Take mails and show them, in threads of their own, until `stop`."""
        with ExitStack() as started:
            smtp = Controller(
                self, "127.0.0.1", self.smtp_port, data_size_limit=LARGEST, enable_SMTPUTF8=True, ident="Mail catcher"
            )
            smtp.start()
            started.callback(smtp.stop)
            page = ThreadingHTTPServer(("127.0.0.1", self._page_port), Page)
            page.catcher = self
            started.callback(page.server_close)
            threading.Thread(target=page.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            started.callback(page.shutdown)
            self._running = started.pop_all()

    def stop(self) -> None:
        """Close both; what was caught can still be looked at."""
        self._running.close()

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        """Keep a mail."""
        self._count += 1
        self._mails.append(
            Mail(self._count, time.time(), envelope.mail_from or "", tuple(envelope.rcpt_tos), bytes(envelope.content))
        )
        return "250 2.0.0 Caught"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


class Page(BaseHTTPRequestHandler):
    """Answers the browser."""

    server_version = "MailCatcher"
    sys_version = ""

    def do_GET(self) -> None:
        """Show the list, or one mail."""
        if not self._from_here():
            return
        mails: list[Mail] = self.server.catcher.mails
        path = urlsplit(self.path).path
        if path == "/":
            self._answer(mail_pages.listing(mails))
        elif path == "/api/messages":
            self._answer(json.dumps([mail.summary() for mail in mails]), "application/json")
        else:
            self._show(path, {str(mail.number): mail for mail in mails})

    def do_DELETE(self) -> None:
        """Forget all mails."""
        if not self._from_here():
            return
        if urlsplit(self.path).path == "/api/messages":
            self.server.catcher.clear()
            self._answer("", status=HTTPStatus.NO_CONTENT)
        else:
            self._answer("There is nothing here to delete.", "text/plain", status=HTTPStatus.NOT_FOUND)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the terminal belongs to the demonstration."""

    def _show(self, path: str, mails: dict[str, Mail]) -> None:
        _, kind, number, *view = [*path.split("/"), "", ""][:4]
        mail = mails.get(number) if kind == "mail" else None
        if mail is None or view[0] not in {"", "html", "source"}:
            self._answer("There is no such mail (any more).", "text/plain", status=HTTPStatus.NOT_FOUND)
        elif view[0] == "html":
            self._answer(mail.html_with_images() or "", policy=HARMLESS)
        elif view[0] == "source":
            self._answer(mail.source, "text/plain")
        else:
            self._answer(mail_pages.one(mail))

    def _from_here(self) -> bool:
        """Refuse a foreign name for this address: a page elsewhere could read the mails through it (DNS rebinding)."""
        name = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if name in HERE:
            return True
        self._answer("Only for this machine.", "text/plain", status=HTTPStatus.FORBIDDEN)
        return False

    def _answer(
        self, text: str, kind: str = "text/html", *, policy: str = STRICT, status: HTTPStatus = HTTPStatus.OK
    ) -> None:
        body = text.encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


def main() -> int:
    """Catch mails until Ctrl-C or SIGTERM."""
    signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before the threads start, so that only this one gets them
    with MailCatcher() as catcher:
        print(f"Mails to 127.0.0.1:{catcher.smtp_port} are shown on {catcher.page_url}", flush=True)
        signal.sigwait(signals)
    return 0


if __name__ == "__main__":
    sys.exit(main())
