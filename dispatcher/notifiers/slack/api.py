"""The way to Slack: one request, one answer. Exceptions of the libraries end here.

One session of aiohttp's for all requests, with time-outs of its own: the library's are for sessions that it makes
itself. None of the library's handlers may send again: a message may have been taken though no answer came.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from dispatcher.cancelling import is_ours
from dispatcher.notifiers.interruption import finish, interrupted
from dispatcher.notifiers.slack.answers import Answer
from dispatcher.notifiers.slack.losses import failure_of
from dispatcher.notifiers.slack.moments import Request, nothing, stay, watch
from dispatcher.notifiers.slack.settings import SlackSettings
from dispatcher.notifiers.web import proxy_for
from dispatcher.words.errors import DeliveryLost, Failure
from dispatcher.words.messages import harmless, shorten

FAREWELL = 2.0
"""So many seconds the connections may take to close."""

_FACT_BYTES = 200
_LEAST_SECRET = 8  # characters: what is shorter is a word like others
_OK = 200

_WORD = re.compile(r"[a-z0-9_]{1,80}")
_SCOPES = re.compile(r"[a-z0-9_:., -]{1,200}")

_SILENT = logging.getLogger("slack_sdk.silent")
"""For the library, which writes addresses of webhooks and whole messages to its log."""
_SILENT.setLevel(logging.CRITICAL + 1)
_SILENT.propagate = False


class Api:
    """Speaks with the Web API and the incoming webhooks of the settings.

    Args:
        settings: where they are, and how long they may take.

    Raises:
        SettingsError: a certificate cannot be read, or a proxy not be used.

    """

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        self._tls = settings.context()
        self._token = settings.token.get_secret_value() if settings.token else None
        self._webhooks = {name: address.get_secret_value() for name, address in settings.webhooks.items()}
        self._secrets = [*([self._token] if self._token else []), *_parts_of(self._webhooks.values())]
        self._proxies = {address: proxy_for(address) for address in (settings.api_url, *self._webhooks.values())}
        self._session: aiohttp.ClientSession | None = None
        self._clients: dict[str, AsyncWebhookClient] = {}
        self._client: AsyncWebClient | None = None
        self._closed = False

    @property
    def has_more_servers(self) -> bool:
        """Whether what can be written to is at several servers."""
        webhooks = {_server(address) for address in self._webhooks.values()}
        return len(webhooks | ({_server(self._settings.api_url)} if self._token else set())) > 1

    async def post_message(self, payload: Mapping[str, Any], hand_over: Callable[[], None]) -> Answer:
        """Call `chat.postMessage`.

        Args:
            payload: its parameters.
            hand_over: called before the request is written; what it raises keeps it from being written.

        Raises:
            Failure: no answer came.
            DeliveryLost: `hand_over` raised it.

        """
        # The function that the library has for it looks through all blocks for objects of its own.
        call = partial(AsyncWebClient.api_call, api_method="chat.postMessage", json=dict(payload))
        return await self._ask(self._settings.api_url, lambda: call(self._web_client()), hand_over)

    async def ask_who_we_are(self) -> Answer:
        """Call `auth.test`.

        Raises:
            Failure: no answer came.

        """
        return await self._ask(self._settings.api_url, lambda: self._web_client().auth_test())

    async def post_to_webhook(self, name: str, payload: Mapping[str, Any], hand_over: Callable[[], None]) -> Answer:
        """Post to an incoming webhook of this name; otherwise like `post_message`."""
        address = self._webhooks[name]
        return await self._ask(address, lambda: self._webhook(address).send_dict(dict(payload)), hand_over)

    async def reach_webhooks(self) -> None:
        """Ask the servers of the webhooks for their front pages, until one of them answers, whatever it says.

        Raises:
            Failure: none does.

        """
        lost: list[Failure] = []
        for address in {urljoin(address, "/") for address in self._webhooks.values()}:
            try:
                await self._ask(address, partial(self._visit, address))
            except Failure as failure:
                lost.append(failure)
            else:
                return
        raise lost[0]

    async def close(self) -> None:
        """Close the connections."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await session.close()

    async def _ask(
        self, address: str, request: Callable[[], Coroutine[Any, Any, Any]], hand_over: Callable[[], None] = nothing
    ) -> Answer:
        written = watch(hand_over)
        try:
            return self._read(await finish(request()))
        except (Failure, DeliveryLost):
            raise
        except SlackApiError as error:
            answer = error.response
        except asyncio.CancelledError as error:
            if is_ours():
                raise
            answer, failure = None, failure_of(error, _server(address), written=written[0])
        except Exception as error:  # noqa: BLE001 - the library's reading of odd answers fails in many ways
            answer, failure = None, failure_of(error, _server(address), written=written[0])
        if answer is not None:
            return self._read(answer)
        raise failure  # out here, so that nobody who logs it logs the library's exception, which names addresses

    async def _visit(self, address: str) -> aiohttp.ClientResponse:
        ask = self._open().get(address, allow_redirects=False, ssl=self._tls, proxy=proxy_for(address))
        async with ask as response:
            return response

    def _web_client(self) -> AsyncWebClient:
        """Give the client, made once: the library looks through the whole environment for each that is made."""
        session = self._open()
        if self._client is None:
            address = self._settings.api_url
            self._client = AsyncWebClient(
                self._token, address, ssl=self._tls, session=session, logger=_SILENT, retry_handlers=[]
            )
            self._client.proxy = self._proxies[address]
        return self._client

    def _webhook(self, address: str) -> AsyncWebhookClient:
        session = self._open()
        if address not in self._clients:
            client = AsyncWebhookClient(address, ssl=self._tls, session=session, logger=_SILENT, retry_handlers=[])
            client.proxy = self._proxies[address]
            self._clients[address] = client
        return self._clients[address]

    def _open(self) -> aiohttp.ClientSession:
        """Give the session, made in the loop that runs."""
        if self._closed:
            raise interrupted("before it was sent")
        if self._session is None:
            timeouts = self._settings.timeouts
            connect, answer = timeouts.connect.total_seconds(), timeouts.answer.total_seconds()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._settings.connections),
                timeout=aiohttp.ClientTimeout(total=connect + answer, connect=connect, sock_read=answer),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=[stay],
                request_class=Request,
            )
        return self._session

    def _read(self, response: Any) -> Answer:
        """Read an answer, whichever of the libraries' classes it is, with nothing secret in it."""
        status: int = getattr(response, "status_code", None) or response.status
        retry_after = response.headers.get("Retry-After")
        body = getattr(response, "body", None)
        if isinstance(body, str):
            word = body.strip()
            sent = status == _OK and word == "ok"
            return Answer(status, sent, "" if sent or not _WORD.fullmatch(word) else word, retry_after=retry_after)
        data = getattr(response, "data", None)
        if not isinstance(data, Mapping):
            return Answer(status, retry_after=retry_after)
        told = data.get("response_metadata")
        metadata = told if isinstance(told, Mapping) else {}
        return Answer(
            status,
            sent=status == _OK and data.get("ok") is True,
            word=_match(_WORD, data.get("error")),
            details=self._details(data, metadata),
            retry_after=retry_after,
            facts={name: self._harmless(data[name]) for name in ("channel", "ts", "user", "team") if name in data},
            warnings=_warnings(data, metadata),
        )

    def _details(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
        messages = metadata.get("messages")
        said = [self._harmless(one) for one in messages if isinstance(one, str)] if isinstance(messages, list) else []
        needed = _match(_SCOPES, data.get("needed"))
        return "; ".join([*([f"it needs {needed}"] if needed else []), *said])

    def _harmless(self, value: Any) -> str:
        """Make one short line of what a server said, without our secrets, should it give them back."""
        text = harmless(str(value))
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return shorten(text, _FACT_BYTES)


def _server(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.hostname}:{parts.port or {'http': 80}.get(parts.scheme, 443)}"


def _parts_of(addresses: Iterable[str]) -> Iterator[str]:
    """Give what is secret in the addresses of webhooks, the longest first."""
    for address in addresses:
        path = urlsplit(address).path.strip("/")
        yield from (part for part in (address, path, path.rpartition("/")[2]) if len(part) >= _LEAST_SECRET)


def _warnings(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> tuple[str, ...]:
    told, more = data.get("warning"), metadata.get("warnings")
    words = [*(told.split(",") if isinstance(told, str) else []), *(more if isinstance(more, list) else [])]
    return tuple(dict.fromkeys(word for word in words if _match(_WORD, word)))


def _match(pattern: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
