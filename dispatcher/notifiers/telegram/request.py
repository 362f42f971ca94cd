"""How a request goes out: over kept connections, never twice, and with a token that only the last step knows.

The token is part of every address of the Bot API, and whatever holds an address may print it: the library, the one
below it, their logs. So both of them work with `MASK` in its place, and it is put in where a request becomes bytes.

An answer that is a refusal leaves as `Refused`, with all that Telegram said: the library's own exceptions keep too
little. Of an answer that agrees only the essence is passed on: a new kind of message cannot then trouble anybody.
"""

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote

import httpx
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from dispatcher.notifiers.telegram.answers import Answer, read_answer
from dispatcher.notifiers.telegram.settings import TelegramSettings
from dispatcher.notifiers.web import proxy_for
from dispatcher.words.errors import DeliveryLost

MASK = "token"

POOL_SECONDS = 1.0
"""There are as many connections as messages on their way; nobody waits for one."""

IDLE_SECONDS = 30.0
"""A connection that was not used for so long is let go before the other side does it."""

SUCCESS = range(200, 300)

last_moment: ContextVar[Callable[[], None] | None] = ContextVar("called before a request is written", default=None)
"""What has to be said, or may forbid it, when a connection is there and the request is to be written."""


class Refused(TelegramError):
    """The answer is a refusal."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer))
        self.answer = answer


class Garbled(TelegramError):
    """Something answered that all is well, but not what the Bot API would answer."""


class Withheld(TelegramError):
    """The request was not written: who was asked last said no. The library lets no other exceptions through.

    Attributes:
        lost: what he said.

    """

    def __init__(self, lost: DeliveryLost) -> None:
        super().__init__(str(lost))
        self.lost = lost


class Transport(httpx.AsyncHTTPTransport):
    """Writes the token where the mask is; otherwise as usual.

    Args:
        settings: which server, by which token.

    Raises:
        SettingsError: a certificate cannot be read, or a proxy not be used.

    """

    def __init__(self, settings: TelegramSettings) -> None:
        token = settings.token.get_secret_value() if settings.token else ""
        self._token = quote(token, safe=":").encode()
        super().__init__(
            verify=settings.context(),
            proxy=proxy_for(settings.api_url),
            limits=httpx.Limits(
                max_connections=settings.connections,
                max_keepalive_connections=settings.connections,
                keepalive_expiry=IDLE_SECONDS,
            ),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a copy of the request that has the token in its address."""
        base, _, method = request.url.raw_path.rsplit(b"/", 2)
        url = request.url.copy_with(raw_path=b"%s/bot%s/%s" % (base, self._token, method))
        extensions = {**request.extensions, "trace": _watch}
        copy = httpx.Request(request.method, url, headers=request.headers, stream=request.stream, extensions=extensions)
        return await super().handle_async_request(copy)


class BotRequest(HTTPXRequest):
    """The library's own, with our transport below and our reading of the answers above.

    Args:
        settings: which server, how patiently.

    Raises:
        SettingsError: a certificate cannot be read, or a proxy not be used.

    """

    def __init__(self, settings: TelegramSettings) -> None:
        token = settings.token.get_secret_value() if settings.token else ""
        self._secrets = sorted({token, quote(token), quote(token, safe=":")} - {""}, key=len, reverse=True)
        timeouts = settings.timeouts
        super().__init__(
            connection_pool_size=settings.connections,
            connect_timeout=timeouts.connect.total_seconds(),
            read_timeout=timeouts.answer.total_seconds(),
            write_timeout=timeouts.answer.total_seconds(),
            media_write_timeout=timeouts.upload.total_seconds(),
            pool_timeout=POOL_SECONDS,
            httpx_kwargs={"transport": Transport(settings)},
        )

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Make a request.

        Raises:
            Refused: the answer is a refusal.
            Garbled: it is none, though the status says success.
            Withheld: it may not be made.
            TelegramError: there is no answer; its cause says why.

        """
        try:
            status, body = await super().do_request(*args, **kwargs)
        except DeliveryLost as lost:
            raise Withheld(lost) from None
        fields = _read(body)
        if status not in SUCCESS or (fields is not None and fields.get("ok") is False):
            raise Refused(self._answer(status, body, fields))
        result = _essence(fields.get("result")) if fields else None
        if result is None:
            raise Garbled(f"status {status}, and {len(body)} bytes that are no answer of the Bot API")
        return status, json.dumps({"ok": True, "result": result}).encode()

    def _answer(self, status: int, body: bytes, fields: Mapping[str, Any] | None) -> Answer:
        """Read a refusal. Something between Telegram and us may quote the address, with the token in it."""
        if fields is None:
            fields = {"description": body[:1000].decode(errors="replace")}
        said = fields.get("description")
        if isinstance(said, str):
            for secret in self._secrets:
                said = said.replace(secret, MASK)
            fields = {**fields, "description": said}
        return read_answer(status, fields)


async def _watch(name: str, info: Mapping[str, Any]) -> None:
    """Hear of each step of a request; the one to a proxy, for a way to the server, is not the request."""
    say = last_moment.get()
    if say is not None and name == "http11.send_request_headers.started" and info["request"].method != b"CONNECT":
        say()


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _essence(result: Any) -> dict[str, Any] | None:
    """Give what we want to know of a message or a bot, in a shape that the library knows."""
    match result:
        case {"message_id": int(number)}:
            return {"message_id": number, "date": 0, "chat": {"id": 0, "type": "private"}}
        case {"id": int(number), "username": str(name)}:
            return {"id": number, "is_bot": True, "first_name": name, "username": name}
    return None
