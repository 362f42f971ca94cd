"""A Slack Web API and incoming webhooks, as far as a notifier uses them, with the answers of the real ones."""

from __future__ import annotations

import json
import re
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from aiohttp import web

from helpers.inboxes import forms, slack_fields
from helpers.inboxes.fault_routes import FAULTS, with_faults
from helpers.inboxes.parts import STORE
from helpers.inboxes.slack_fields import Refused
from helpers.inboxes.slack_message import SlackMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from helpers.inboxes.faults import Fault
    from helpers.inboxes.forms import Form

TOKEN = re.compile(r"xox[bp]-[A-Za-z0-9-]+")
TEAM = {"team": "Sandbox", "team_id": "T0SANDBOX", "user_id": "U0SANDBOX", "bot_id": "B0SANDBOX"}
BOT = {"user": "U0SANDBOX", "bot_id": "B0SANDBOX", "team": "T0SANDBOX", "app_id": "A0SANDBOX"}
STATUS = {"no_service": 404, "channel_not_found": 404, "channel_is_archived": 410, "action_prohibited": 403}
"""Of a webhook's answers; all others are 400."""
TOO_MANY = 429


class Slack:
    """The service: it gives each message a time of its own."""

    def __init__(self) -> None:
        self._last = 0

    def routes(self) -> Iterable[web.RouteDef]:
        """Give the paths and who answers them."""
        return [
            web.get("/slack/api/{method}", self.call),
            web.post("/slack/api/{method}", self.call),
            web.post("/slack/services/{name:.+}", self.webhook),
        ]

    async def call(self, request: web.Request) -> web.Response:
        """Answer a call of a method."""
        method = request.match_info["method"]
        try:
            form = await _form(request)
            if method == "api.test":
                return _tested(form)
            _check_token(request, form)
        except Refused as refused:
            return _error(refused.error)
        if method == "auth.test":
            where = {"url": "https://sandbox.slack.com/", "user": "sandbox"}
            return _answer({**where, **TEAM, "is_enterprise_install": False})
        if method != "chat.postMessage":
            return _error("unknown_method", req_method=method)
        return await self._post(request, form)

    async def _post(self, request: web.Request, form: Form) -> web.Response:
        channel = str(form.fields.get("channel") or "")

        async def take() -> web.Response:
            try:
                kept = self._keep(request, form, channel=slack_fields.channel(form.fields))
            except Refused as refused:
                return _error(refused.error, messages=refused.messages)
            warnings = slack_fields.warnings(form.fields, request.headers.get("Content-Type", ""))
            return _answer({"channel": _number(channel), "ts": kept.ts, "message": kept.answer(BOT)}, warnings)

        def refuse(fault: Fault) -> web.Response:
            if fault.code == TOO_MANY:
                return _error(fault.text or "ratelimited", TOO_MANY, _retry_after(fault))
            if fault.code:
                return web.Response(status=fault.code, text=fault.text or "<html>The service is not available</html>")
            return _error(fault.text or fault.deed)

        faults = request.app[FAULTS]
        return await with_faults(request, lambda phase: faults.take("slack", phase, [channel]), take, refuse)

    async def webhook(self, request: web.Request) -> web.Response:
        """Take a message for a webhook."""
        name = request.match_info["name"]

        async def take() -> web.Response:
            try:
                self._keep(request, await _payload(request), webhook=name)
            except Refused as refused:
                return web.Response(status=STATUS.get(refused.error, 400), text=refused.error)
            return web.Response(text="ok")

        def refuse(fault: Fault) -> web.Response:
            if fault.code == TOO_MANY:
                return web.Response(status=TOO_MANY, text=fault.text or "rate_limited", headers=_retry_after(fault))
            status = fault.code or STATUS.get(fault.deed, 400)
            return web.Response(status=status, text=fault.text or ("server_error" if fault.code else fault.deed))

        faults = request.app[FAULTS]
        return await with_faults(request, lambda phase: faults.take("slack", phase, [name]), take, refuse)

    def _keep(self, request: web.Request, form: Form, *, channel: str = "", webhook: str | None = None) -> SlackMessage:
        """Check a message by Slack's rules and keep it; raise `Refused` in Slack's words."""
        blocks = slack_fields.blocks(form.fields)
        text = slack_fields.text(form.fields, blocks)
        thread, mrkdwn = slack_fields.thread(form.fields), forms.truth(form.fields.get("mrkdwn", True))
        self._last = max(self._last + 1, time.time_ns() // 1000)
        ts = f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"
        kept = request.app[STORE].add(
            lambda id_, now: SlackMessage(id_, now, channel, webhook, ts, thread, text, blocks, mrkdwn, form.raw)
        )
        assert isinstance(kept, SlackMessage)  # noqa: S101 - for the types only
        return kept


async def _form(request: web.Request) -> Form:
    try:
        return await forms.read(request)
    except json.JSONDecodeError as error:
        raise Refused("invalid_json") from error
    except ValueError as error:
        is_json = request.content_type == "application/json"
        raise Refused("json_not_object" if is_json else "invalid_form_data") from error


def _check_token(request: web.Request, form: Form) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else str(form.fields.get("token", ""))
    if not token:
        raise Refused("not_authed")
    if not TOKEN.fullmatch(token):
        raise Refused("invalid_auth")


async def _payload(request: web.Request) -> Form:
    """Read what a webhook takes: JSON, whatever its content type says, or a form with JSON in `payload`."""
    raw = await request.read()
    try:
        if request.content_type == "application/x-www-form-urlencoded" and raw.startswith(b"payload="):
            fields = forms.nested((await forms.read(request)).fields["payload"])
        else:
            fields = json.loads(raw)
    except ValueError as error:
        raise Refused("invalid_payload") from error
    if not isinstance(fields, dict):
        raise Refused("invalid_payload")
    return forms.Form(fields, {}, raw)


def _tested(form: Form) -> web.Response:
    more = {"args": form.fields} if form.fields else {}
    error = form.fields.get("error")
    return _error(str(error), **more) if error else _answer(more)


def _number(channel: str) -> str:
    """Give the id of a channel: a name has one too, always the same."""
    if re.fullmatch(r"[CDGU][A-Z0-9]{2,}", channel):
        return channel
    return f"C0{sha256(channel.removeprefix('#').encode()).hexdigest()[:9].upper()}"


def _retry_after(fault: Fault) -> dict[str, str]:
    return {"Retry-After": str(max(1, round(fault.seconds)))}


def _answer(result: dict[str, Any], warnings: list[str] | None = None) -> web.Response:
    more: dict[str, Any] = {}
    if warnings:
        more = {"warning": ",".join(warnings), "response_metadata": {"warnings": warnings}}
    return web.json_response({"ok": True, **result, **more})


def _error(
    error: str, status: int = 200, headers: dict[str, str] | None = None, *, messages: Any = None, **more: Any
) -> web.Response:
    body = {"ok": False, "error": error, **more}
    if messages:
        body |= {"errors": messages, "response_metadata": {"messages": messages}}
    return web.json_response(body, status=status, headers=headers)
