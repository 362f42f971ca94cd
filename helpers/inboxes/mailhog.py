"""MailHog's API, for programs that know how to ask it: mails only, in its JSON."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email import policy
from typing import TYPE_CHECKING, Any

from aiohttp import web

from helpers.inboxes.mail import Mail
from helpers.inboxes.parts import STORE, Mistake, number, the_message

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import Message

USUAL_LIMIT = 50
MOST = 250


def routes() -> Iterable[web.RouteDef]:
    """Give the paths and who answers them."""
    return [
        web.get("/api/v2/messages", listing),
        web.get("/api/v2/search", search),
        web.get("/api/v1/messages", everything),
        web.delete("/api/v1/messages", clear),
        web.get("/api/v1/messages/{id}", detail),
        web.delete("/api/v1/messages/{id}", delete),
    ]


async def listing(request: web.Request) -> web.Response:
    """List mails, newest first."""
    return _page(request, _mails(request))


async def search(request: web.Request) -> web.Response:
    """List the mails that have the query in their sender, a recipient, or anywhere."""
    kind, query = request.query.get("kind"), request.query.get("query", "").casefold()
    if kind not in {"from", "to", "containing"} or not query:
        raise Mistake("kind must be from, to or containing, and query must not be empty.")
    return _page(request, [mail for mail in _mails(request) if query in _searched(mail, kind)])


async def everything(request: web.Request) -> web.Response:
    """Give all mails, newest first, as a bare list."""
    return web.json_response([_told(mail) for mail in _mails(request)])


async def clear(request: web.Request) -> web.Response:
    """Forget all mails."""
    request.app[STORE].clear("email")
    return web.Response()


async def detail(request: web.Request) -> web.Response:
    """Give a mail."""
    return web.json_response(_told(_mail(request)))


async def delete(request: web.Request) -> web.Response:
    """Forget a mail."""
    request.app[STORE].delete(_mail(request).id)
    return web.Response()


def _mails(request: web.Request) -> list[Mail]:
    return [message for message in request.app[STORE].find("email") if isinstance(message, Mail)]


def _mail(request: web.Request) -> Mail:
    message = the_message(request)
    if not isinstance(message, Mail):
        raise Mistake("There is no such mail.", status=404)
    return message


def _page(request: web.Request, found: list[Mail]) -> web.Response:
    start, limit = number(request, "start", 0), number(request, "limit", USUAL_LIMIT, most=MOST)
    items = [_told(mail) for mail in found[start : start + limit]]
    return web.json_response({"total": len(found), "count": len(items), "start": start, "items": items})


def _searched(mail: Mail, kind: str) -> str:
    if kind == "from":
        return f"{mail.sender}\n{mail.header('From')}".casefold()
    if kind == "to":
        return "\n".join([*mail.recipients, mail.header("To")]).casefold()
    return mail.raw.decode("utf-8", "replace").casefold() + mail.haystack


def _told(mail: Mail) -> dict[str, Any]:
    parsed = email.message_from_bytes(mail.raw, policy=policy.compat32)
    content = _content(parsed, mail.raw)
    created = datetime.fromtimestamp(mail.arrived, UTC).isoformat().replace("+00:00", "Z")
    return {
        "ID": str(mail.id),
        "From": _path(mail.sender),
        "To": [_path(recipient) for recipient in mail.recipients],
        "Content": content,
        "Created": created,
        "MIME": {"Parts": _parts(parsed)} if parsed.is_multipart() else None,
        "Raw": {
            "From": mail.sender,
            "To": list(mail.recipients),
            "Data": mail.raw.decode("utf-8", "replace"),
            "Helo": mail.helo,
        },
    }


def _path(address: str) -> dict[str, Any]:
    mailbox, _, domain = address.rpartition("@") if "@" in address else (address, "", "")
    return {"Relays": None, "Mailbox": mailbox, "Domain": domain, "Params": ""}


def _parts(message: Message) -> list[dict[str, Any]]:
    return [
        _content(part, part.as_bytes(policy=policy.compat32.clone(linesep="\r\n"))) | {"MIME": _inner(part)}
        for part in message.get_payload()
        if not isinstance(part, str)
    ]


def _inner(part: Message) -> dict[str, Any] | None:
    return {"Parts": _parts(part)} if part.is_multipart() else None


def _content(message: Message, raw: bytes) -> dict[str, Any]:
    headers: dict[str, list[str]] = {}
    for name, value in message.items():
        headers.setdefault(name, []).append(_line(value))
    body = _body(raw).decode("utf-8", "replace")
    return {"Headers": headers, "Body": body, "Size": len(body.encode()), "MIME": None}


def _line(value: object) -> str:
    return " ".join(str(value).split("\r\n")).encode("utf-8", "replace").decode()


def _body(raw: bytes) -> bytes:
    if raw.startswith(b"\r\n"):
        return raw[2:]
    return raw.partition(b"\r\n\r\n")[2]
