"""The Bot API, as far as we use it: one call, one request, and a `Failure` where there is no success."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import urlsplit

from telegram import Bot, InputFile
from telegram.error import TelegramError

from dispatcher.cancelling import is_ours
from dispatcher.contract.telegram import TelegramNotification
from dispatcher.notifiers.interruption import finish
from dispatcher.notifiers.telegram.answers import judge
from dispatcher.notifiers.telegram.compose import Outgoing
from dispatcher.notifiers.telegram.course import MASK, last_moment
from dispatcher.notifiers.telegram.losses import judge_cancelled, judge_garbled, judge_library, judge_loss
from dispatcher.notifiers.telegram.request import BotRequest, Garbled, Refused, Unanswered, Withheld
from dispatcher.notifiers.telegram.settings import TelegramSettings
from dispatcher.words.errors import DeliveryLost, Failure

CLOSING_SECONDS = 2.0

PLAIN = "_"
"""Ends the name of a method when the library is asked for a plain call of it. It leaves the name without it; with the
bare name it would warn that it has a function of its own, which takes five times as long: it makes objects of all."""


class Migrated(Exception):
    """The chat has another id now."""

    def __init__(self, chat: int) -> None:
        super().__init__(f"the chat has the id {chat} now")
        self.chat = chat


class Api:
    """One bot at one server.

    Args:
        settings: which.

    Raises:
        SettingsError: a certificate cannot be read, or a proxy not be used.

    """

    def __init__(self, settings: TelegramSettings) -> None:
        parts = urlsplit(settings.api_url)
        self.server = parts.netloc.rpartition("@")[2]
        self._link_preview = settings.link_preview
        self._request = BotRequest(settings)
        self._bot = Bot(
            MASK,
            base_url=lambda mask: f"{settings.api_url}/bot{mask}",  # a text would be searched for braces
            base_file_url=f"{settings.api_url}/file/bot",
            request=self._request,
            get_updates_request=self._request,
        )

    async def send(
        self,
        chat: int | str,
        message: Outgoing,
        notification: TelegramNotification,
        hand_over: Callable[[], None],
    ) -> int:
        """Send one message; give its number in the chat.

        Args:
            chat: where to.
            message: what.
            notification: how.
            hand_over: called before the request is written; what it raises keeps it from being written.

        Raises:
            Migrated: the chat has another id now; nothing was sent.
            Failure: there is no success.
            DeliveryLost: `hand_over` raised it.

        """
        handed_over: list[bool] = []

        def say() -> None:
            hand_over()
            handed_over.append(True)

        last_moment.set(say)
        piece, file = message.piece, message.file
        how: dict[str, Any] = {
            "chat_id": chat,
            "parse_mode": piece.mode,
            "disable_notification": notification.silent or None,
            "message_thread_id": notification.topic,
            "reply_parameters": _reply(notification),
            "reply_markup": _keyboard(message),
        }
        if file is None:
            preview = self._link_preview if notification.link_preview is None else notification.link_preview
            how |= {"text": piece.text, "link_preview_options": {"is_disabled": not preview}}
            method, what = "sendMessage", "message"
        else:
            shown = file.content if isinstance(file.content, str) else InputFile(file.content, filename=file.filename)
            how |= {file.field: shown, "caption": piece.text or None}
            method, what = "sendPhoto" if file.field == "photo" else "sendDocument", file.field
        number: int = await self._ask(method, how, f"the {what} to {chat} ", handed_over)
        return number

    async def name(self) -> str:
        """Ask who the bot is; give its name, with the `@`.

        Raises:
            Failure: there is no success.

        """
        last_moment.set(None)
        return f"@{await self._ask('getMe')}"

    async def close(self) -> None:
        """Let go of the connections."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._request.shutdown()

    async def _ask(
        self, method: str, how: dict[str, Any] | None = None, about: str = "", handed_over: Sequence[bool] = ()
    ) -> Any:
        failure: Failure | DeliveryLost
        try:
            return await self._finish(self._bot.do_api_request(method + PLAIN, how), handed_over)
        except Refused as refused:
            if refused.answer.new_chat is not None:
                raise Migrated(refused.answer.new_chat) from None
            failure = judge(refused.answer, self.server, about)
        except Withheld as withheld:
            failure = withheld.lost
        except Garbled as garbled:
            failure = judge_garbled(str(garbled), self.server)
        except Unanswered as unanswered:
            failure = judge_loss(unanswered.loss, str(unanswered), self.server)
        except TelegramError as error:
            failure = judge_library(error, self.server)
        raise failure  # out here, so that it holds on to nothing of the library's

    async def _finish(self, call: Coroutine[Any, Any, Any], handed_over: Sequence[bool]) -> Any:
        try:
            return await finish(call)
        except asyncio.CancelledError:
            if is_ours():
                raise
        raise judge_cancelled(self.server, handed_over=bool(handed_over))


def _reply(notification: TelegramNotification) -> dict[str, Any] | None:
    if notification.thread is None:
        return None
    return {"message_id": notification.thread, "allow_sending_without_reply": True}


def _keyboard(message: Outgoing) -> dict[str, Any] | None:
    if not message.buttons:
        return None
    return {"inline_keyboard": [[{"text": text, "url": url} for text, url in row] for row in message.buttons]}
