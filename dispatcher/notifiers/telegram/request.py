"""How a request goes out: over kept connections, never twice, and with a token that only the last step knows.

The token is part of every address of the Bot API, and whatever holds an address may print it: the library, the one
below it, their logs. So both of them work with `MASK` in its place, and it is put in where a request becomes bytes.

An answer that is a refusal leaves as `Refused`, with all that Telegram said: the library's own exceptions keep too
little. Of an answer that agrees only the essence is passed on: a new kind of message cannot then trouble anybody.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
from telegram.error import TelegramError
from telegram.request import BaseRequest, RequestData

from dispatcher.notifiers.interruption import interrupted
from dispatcher.notifiers.telegram.answers import Answer, read_answer
from dispatcher.notifiers.telegram.course import MASK, Course, Request, under_way
from dispatcher.notifiers.telegram.form import Body, write_body
from dispatcher.notifiers.telegram.losses import Loss, loss_of, words
from dispatcher.notifiers.telegram.settings import TelegramSettings
from dispatcher.notifiers.web import proxy_for
from dispatcher.words.errors import DeliveryLost, Failure

IDLE_SECONDS = 30.0
"""A connection that was not used for so long is let go before the other side does it."""

SUCCESS = range(200, 300)


class Refused(TelegramError):
    """The answer is a refusal."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer))
        self.answer = answer


class Garbled(TelegramError):
    """Something answered that all is well, but not what the Bot API would answer."""


class Unanswered(TelegramError):
    """There is no answer.

    Attributes:
        loss: what that means.

    """

    def __init__(self, loss: Loss, said: str) -> None:
        super().__init__(said)
        self.loss = loss


class Withheld(TelegramError):
    """The request was not written: who was asked last said no. The library lets no other exceptions through.

    Attributes:
        lost: what he said.

    """

    def __init__(self, lost: DeliveryLost | Failure) -> None:
        super().__init__(str(lost))
        self.lost = lost


class BotRequest(BaseRequest):
    """What the library's bot speaks through: its port for requests, on one session of kept connections.

    Args:
        settings: which server, how patiently.

    Raises:
        SettingsError: a certificate cannot be read, or a proxy not be used.

    """

    def __init__(self, settings: TelegramSettings) -> None:
        token = settings.token.get_secret_value() if settings.token else ""
        self._token = quote(token, safe=":")
        self._secrets = sorted({token, quote(token), self._token} - {""}, key=len, reverse=True)
        self._tls = settings.context()
        self._proxy = proxy_for(settings.api_url)
        self._connections = settings.connections
        steps = settings.timeouts
        connect, answer, upload = (each.total_seconds() for each in (steps.connect, steps.answer, steps.upload))
        self._upload = upload
        # Each step has a time-out of its own, but an answer that trickles in never meets it.
        self._timeout = aiohttp.ClientTimeout(total=connect + upload + 2 * answer, connect=connect, sock_read=answer)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    @property
    def read_timeout(self) -> float | None:
        """Seconds that an answer may take."""
        return self._timeout.sock_read

    async def initialize(self) -> None:
        """Do nothing: the session is made for the first request."""

    async def shutdown(self) -> None:
        """Close the connections."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *_: Any, **__: Any
    ) -> tuple[int, bytes]:
        """Make a request, with the time-outs of the settings.

        Raises:
            Refused: the answer is a refusal.
            Garbled: it is none, though the status says success.
            Withheld: it may not be made.
            Unanswered: there is no answer.

        """
        course, body = Course(self._token), write_body(request_data, self._upload)
        under_way.set(course)
        try:
            status, said = await self._exchange(url, method, body)
        except (DeliveryLost, Failure) as lost:
            raise Withheld(lost) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no answer
            loss = loss_of(error, begun=course.begun, written=body.written)
            unanswered = Unanswered(loss, self._masked(words(error)))
        else:
            return status, self._read(status, said)
        raise unanswered  # out here, so that it holds on to nothing of the library's

    async def _exchange(self, url: str, method: str, body: Body) -> tuple[int, bytes]:
        async with self._open().request(method, url, data=body, allow_redirects=False) as response:
            return response.status, await response.read()

    def _open(self) -> aiohttp.ClientSession:
        """Give the session, made in the loop that runs."""
        if self._closed:
            raise interrupted("before it was sent")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=IDLE_SECONDS, ssl=self._tls),
                timeout=self._timeout,
                headers={"User-Agent": self.USER_AGENT},
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=self._proxy,
                request_class=Request,
            )
        return self._session

    def _read(self, status: int, body: bytes) -> bytes:
        """Give what is to know of an answer that agrees."""
        fields = _fields(body)
        if status not in SUCCESS or (fields is not None and fields.get("ok") is False):
            raise Refused(self._answer(status, body, fields))
        result = _essence(fields.get("result")) if fields else None
        if result is None:
            raise Garbled(f"status {status}, and {len(body)} bytes that are no answer of the Bot API")
        return json.dumps({"result": result}).encode()

    def _answer(self, status: int, body: bytes, fields: Mapping[str, Any] | None) -> Answer:
        """Read a refusal. Something between Telegram and us may quote the address, with the token in it."""
        if fields is None:
            fields = {"description": body[:1000].decode(errors="replace")}
        said = fields.get("description")
        if isinstance(said, str):
            fields = {**fields, "description": self._masked(said)}
        return read_answer(status, fields)

    def _masked(self, said: str) -> str:
        for secret in self._secrets:
            said = said.replace(secret, MASK)
        return said


def _fields(body: bytes) -> dict[str, Any] | None:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _essence(result: Any) -> int | str | None:
    """Give what we want to know of a message, its number, or of a bot, its name."""
    match result:
        case {"message_id": int(number)}:
            return number
        case {"id": int(), "username": str(name)}:
            return name
    return None
