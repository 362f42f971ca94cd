"""A Telegram Bot API, as far as a notifier uses it, with the answers of the real one: its rules, its words."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

from aiohttp import web

from helpers.inboxes import forms, telegram_fields
from helpers.inboxes.fault_routes import FAULTS, with_faults
from helpers.inboxes.parts import STORE
from helpers.inboxes.telegram_fields import Refused
from helpers.inboxes.telegram_message import TelegramMessage, chat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from helpers.inboxes.faults import Fault
    from helpers.inboxes.forms import Form

METHODS = {"getme": "getMe", "sendmessage": "sendMessage", "sendphoto": "sendPhoto", "senddocument": "sendDocument"}
TOKEN = re.compile(r"[1-9]\d{0,18}:[A-Za-z0-9_-]+")
TEXTS = {
    400: "Bad Request: chat not found",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request",
    413: "Request Entity Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
MIGRATED = "Bad Request: group chat was upgraded to a supergroup chat"


class Telegram:
    """The service: it numbers the messages."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._last = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """Give the paths and who answers them."""
        path = "/telegram/bot{token:[^/]+}/{method}"
        return [web.get(path, self.call), web.post(path, self.call)]

    async def call(self, request: web.Request) -> web.Response:
        """Answer a call of a method."""
        try:
            bot, method = _bot(request.match_info["token"]), METHODS.get(request.match_info["method"].lower())
            form = await _form(request)
        except Refused as refused:
            return _error(refused.code, str(refused))
        if method is None:
            return _error(404, "Not Found: method not found")
        if method == "getMe":
            abilities = {"can_join_groups": True, "can_read_all_group_messages": False}
            return _answer({**bot, **abilities, "supports_inline_queries": False})
        return await self._send(request, method, form, bot)

    async def _send(self, request: web.Request, method: str, form: Form, bot: dict[str, Any]) -> web.Response:
        to = str(form.fields.get("chat_id", ""))

        async def take() -> web.Response:
            try:
                return _answer(self._keep(request, method, form).answer(bot))
            except Refused as refused:
                return _error(refused.code, f"Bad Request: {refused}")

        def refuse(fault: Fault) -> web.Response:
            if fault.deed == "migrated":
                return _error(400, fault.text or MIGRATED, migrate_to_chat_id=chat(f"@migrated {to}")["id"])
            if fault.code == 429:  # noqa: PLR2004 - too many requests
                wait = max(1, round(fault.seconds))
                return _error(429, fault.text or f"Too Many Requests: retry after {wait}", retry_after=wait)
            return _error(fault.code, fault.text or TEXTS.get(fault.code, "Bad Request"))

        faults = request.app[FAULTS]
        return await with_faults(request, lambda phase: faults.take("telegram", phase, [to]), take, refuse)

    def _keep(self, request: web.Request, method: str, form: Form) -> TelegramMessage:
        """Check a message by Telegram's rules and keep it; raise `Refused` in Telegram's words."""
        fields = form.fields
        chat_id = telegram_fields.chat_id(fields)
        photo = telegram_fields.file("photo", form) if method == "sendPhoto" else None
        document = telegram_fields.file("document", form) if method == "sendDocument" else None
        text, entities = telegram_fields.text(fields, caption=method != "sendMessage")
        options = {
            "parse_mode": fields.get("parse_mode") or None,
            "silent": forms.truth(fields.get("disable_notification", False)),
            "topic": telegram_fields.number(fields, "message_thread_id"),
            "reply_to": telegram_fields.reply_to(fields, self._last),
            "link_preview": telegram_fields.link_preview(fields),
            "buttons": telegram_fields.buttons(fields),
        }
        self._last = number = next(self._numbers)
        kept = request.app[STORE].add(
            lambda id_, now: TelegramMessage(
                id_, now, method, chat_id, number, text, entities, form.raw, options, photo, document
            )
        )
        assert isinstance(kept, TelegramMessage)  # noqa: S101 - for the types only
        return kept


def _bot(token: str) -> dict[str, Any]:
    """Give the bot that a token stands for; every token that looks like one is taken."""
    if ":" not in token:
        raise Refused("Not Found", 404)
    if not TOKEN.fullmatch(token):
        raise Refused("Unauthorized", 401)
    return {"id": int(token.partition(":")[0]), "is_bot": True, "first_name": "Sandbox", "username": "sandbox_bot"}


async def _form(request: web.Request) -> Form:
    try:
        return await forms.read(request)
    except ValueError as error:
        raise Refused("Bad Request: can't parse the request") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise Refused("Request Entity Too Large", 413) from error


def _answer(result: dict[str, Any]) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _error(code: int, description: str, **parameters: int) -> web.Response:
    more = {"parameters": parameters} if parameters else {}
    return web.json_response({"ok": False, "error_code": code, "description": description, **more}, status=code)
