"""A page that tells how the daemon is doing, for people, for `dispatcher check` and for what supervises it.

/         for people: one line for each queue
/health   JSON; 200 as long as the process lives
/ready    the same; 503 where what is published now would have to wait
/metrics  numbers for Prometheus

It answers from what the daemon knows, and asks neither service nor broker: it is as quick in an outage as at any time.
Only a journal that had to go on in memory is asked to look at its disk again, which takes some milliseconds. Nothing
that happens to the page ends the daemon, and nobody can keep it from others: who does not speak is cut off.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web

from dispatcher.words.health import Health, to_json
from dispatcher.words.messages import harmless

_IDLE = 5.0
"""So many seconds a client may take to ask, the next time too."""

_LINGER = 1.0
"""So many seconds of a body, which nobody reads, are thrown away before the connection is closed."""

_FAREWELL = 2.0
"""So many seconds closing may take."""

_METRICS = "text/plain; version=0.0.4; charset=utf-8"
"""The text format of Prometheus."""

log = logging.getLogger(__name__)


class Address(Protocol):
    """Where the page is, as the settings have it; port 0 means no page."""

    @property
    def host(self) -> str: ...  # noqa: D102 - the class says it

    @property
    def port(self) -> int: ...  # noqa: D102 - likewise


class HealthPage:
    """The page.

    Args:
        address: where it is.
        ask: tells how the daemon is doing, at once.
        measure: gives what `/metrics` says.

    """

    def __init__(self, address: Address, ask: Callable[[], Health], measure: Callable[[], bytes]) -> None:
        self._address = address
        self._ask = ask
        self._measure = measure
        self._runner: web.ServerRunner | None = None

    @property
    def port(self) -> int:
        """The port it listens on; `0` where there is no page."""
        addresses = self._runner.addresses if self._runner else []
        return int(addresses[0][1]) if addresses else 0

    async def start(self) -> None:
        """Listen, if that is wanted and possible; what keeps it from that is a warning in the log."""
        if self._address.port == 0 or self._runner is not None:
            return
        server = web.Server(
            self._answer,
            request_factory=_request,
            access_log=None,
            keepalive_timeout=_IDLE,
            lingering_time=_LINGER,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=_FAREWELL / 2)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._address.host, self._address.port).start()
        except (OSError, ValueError) as error:  # a name that is none is a UnicodeError, which is a ValueError
            await self.close()
            log.warning(
                "there is no page of health: %s, port %d cannot be listened on: %s; set service.health.port to "
                "another port, or to 0 for none",
                harmless(self._address.host),
                self._address.port,
                _why(error),
            )

    async def close(self) -> None:
        """Listen no more; whoever is being answered has two seconds."""
        runner, self._runner = self._runner, None
        if runner is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.method not in {"GET", "HEAD"} or request.path not in {"/", "/health", "/ready", "/metrics"}:
            text = "There is nothing here: GET /health, /ready, /metrics or / tells how the daemon is doing.\n"
            return web.Response(text=text, status=HTTPStatus.NOT_FOUND)
        if request.path == "/metrics":
            return web.Response(body=self._measure(), headers={"Content-Type": _METRICS})
        health = self._ask()
        if request.path == "/":
            return web.Response(text=_lines(health))
        waits = request.path == "/ready" and not health.ready
        return web.json_response(to_json(health), status=HTTPStatus.SERVICE_UNAVAILABLE if waits else HTTPStatus.OK)


class _Request(web.BaseRequest):
    """A request whose answers, those to nonsense too, do not tell what they are made with."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers["Server"] = "dispatcher"
        response.headers["Cache-Control"] = "no-store"


def _request(message: Any, payload: Any, protocol: Any, writer: Any, handler: Any) -> web.BaseRequest:
    return _Request(message, payload, protocol, writer, handler, asyncio.get_running_loop())


def _lines(health: Health) -> str:
    lines = [health.word, *(f"{name}: {queue}" for name, queue in health.queues.items())]
    if health.processes is not None:
        lines.append("processes: {} of {} run".format(*health.processes))
    if health.journal is not None:
        lines.append(f"journal: {harmless(health.journal)}")
    return "".join(f"{line}\n" for line in lines)


def _why(error: Exception) -> str:
    """Give the reason alone: what libraries write around it names the address once more."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return harmless(getattr(error, "strerror", None) or str(error))
