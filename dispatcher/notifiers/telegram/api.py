"""The Bot API, as far as we use it: one call, one request, and a `Failure` where there is no success."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LinkPreviewOptions, ReplyParameters
from telegram.error import TelegramError

from dispatcher.cancelling import is_ours
from dispatcher.contract.telegram import TelegramNotification
from dispatcher.notifiers.interruption import finish
from dispatcher.notifiers.telegram.answers import judge
from dispatcher.notifiers.telegram.compose import Outgoing
from dispatcher.notifiers.telegram.losses import judge_cancelled, judge_garbled, judge_library, judge_loss
from dispatcher.notifiers.telegram.request import MASK, BotRequest, Garbled, Refused, Withheld, last_moment
from dispatcher.notifiers.telegram.settings import TelegramSettings
from dispatcher.words.errors import DeliveryLost, Failure

CLOSING_SECONDS = 2.0

Result = TypeVar("Result")


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
        timeouts = settings.timeouts
        # Each step has a time-out of its own in the library, but an answer that trickles in never meets it.
        self._longest = (timeouts.connect + timeouts.upload + 2 * timeouts.answer).total_seconds()

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
            "parse_mode": piece.mode,
            "disable_notification": notification.silent or None,
            "message_thread_id": notification.topic,
            "reply_parameters": _reply(notification),
            "reply_markup": _keyboard(message),
        }
        if file is None:
            preview = self._link_preview if notification.link_preview is None else notification.link_preview
            how["link_preview_options"] = LinkPreviewOptions(is_disabled=not preview)
            call, about = self._bot.send_message(chat, piece.text, **how), f"the message to {chat} "
        else:
            send = self._bot.send_photo if file.field == "photo" else self._bot.send_document
            shown = file.content if isinstance(file.content, str) else InputFile(file.content, filename=file.filename)
            call, about = send(chat, shown, caption=piece.text or None, **how), f"the {file.field} to {chat} "
        return (await self._ask(call, about, handed_over)).message_id

    async def name(self) -> str:
        """Ask who the bot is; give its name, with the `@`.

        Raises:
            Failure: there is no success.

        """
        last_moment.set(None)
        return f"@{(await self._ask(self._bot.get_me())).username}"

    async def close(self) -> None:
        """Let go of the connections."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._request.shutdown()

    async def _ask(
        self, call: Coroutine[Any, Any, Result], about: str = "", handed_over: Sequence[bool] = ()
    ) -> Result:
        failure: Failure | DeliveryLost
        try:
            return await self._finish(call, handed_over)
        except Refused as refused:
            if refused.answer.new_chat is not None:
                raise Migrated(refused.answer.new_chat) from None
            failure = judge(refused.answer, self.server, about)
        except Withheld as withheld:
            failure = withheld.lost
        except Garbled as garbled:
            failure = judge_garbled(str(garbled), self.server)
        except TelegramError as error:
            failure = judge_library(error, self.server)
        except TimeoutError as error:
            failure = judge_loss(error, self.server)
        raise failure  # out here, so that it holds on to nothing of the library's

    async def _finish(self, call: Coroutine[Any, Any, Result], handed_over: Sequence[bool]) -> Result:
        try:
            async with asyncio.timeout(self._longest):
                return await finish(call)
        except asyncio.CancelledError:
            if is_ours():
                raise
        raise judge_cancelled(self.server, handed_over=bool(handed_over))


def _reply(notification: TelegramNotification) -> ReplyParameters | None:
    if notification.thread is None:
        return None
    return ReplyParameters(notification.thread, allow_sending_without_reply=True)


def _keyboard(message: Outgoing) -> InlineKeyboardMarkup | None:
    if not message.buttons:
        return None
    return InlineKeyboardMarkup([[InlineKeyboardButton(text, url=url) for text, url in row] for row in message.buttons])
