"""The sandbox's own API and its page: what arrived, in detail, as it came, and away with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web

from helpers.inboxes import safety
from helpers.inboxes.events import events
from helpers.inboxes.mail import Mail
from helpers.inboxes.messages import SERVICES
from helpers.inboxes.parts import STORE, Mistake, number, the_message

if TYPE_CHECKING:
    from collections.abc import Iterable

HOME = Path(__file__).resolve().parent
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"}
"""What a browser shows as a picture and nothing else; SVG can be more."""


def routes() -> Iterable[web.RouteDef]:
    """Give the paths and who answers them."""
    return [
        web.get("/", page),
        web.get(r"/{name:[a-z_]+\.(?:js|css|svg)}", page),
        web.get("/api/messages", listing),
        web.delete("/api/messages", clear),
        web.get("/api/messages/{id}", detail),
        web.delete("/api/messages/{id}", delete),
        web.get("/api/messages/{id}/raw", raw),
        web.get("/api/messages/{id}/html", html),
        web.get("/api/messages/{id}/files/{n}", file),
        web.get("/api/events", events),
    ]


async def page(request: web.Request) -> web.Response:
    """Give a file of the page."""
    path = HOME / request.match_info.get("name", "page.html")
    if not path.exists():
        return web.Response(text="There is no such page; GET /api/messages shows what arrived.\n", status=404)
    return web.Response(body=path.read_bytes(), content_type=TYPES[path.suffix], charset="utf-8")


async def listing(request: web.Request) -> web.Response:
    """List messages, newest first."""
    found = request.app[STORE].find(_service(request), request.query.get("search", ""))
    before = number(request, "before", 0)
    limit = number(request, "limit", 100)
    some = [message for message in found if not before or message.id < before][:limit]
    return web.json_response({"messages": [message.summary for message in some], "total": len(found)})


async def clear(request: web.Request) -> web.Response:
    """Forget all messages, or those of a service."""
    request.app[STORE].clear(_service(request))
    return web.Response(status=204)


async def detail(request: web.Request) -> web.Response:
    """Give all that is known of a message."""
    return web.json_response(the_message(request).detail())


async def delete(request: web.Request) -> web.Response:
    """Forget a message."""
    request.app[STORE].delete(the_message(request).id)
    return web.Response(status=204)


async def raw(request: web.Request) -> web.Response:
    """Give a message as it came, as text."""
    return _text(the_message(request).source.decode("utf-8", "replace"), "text/plain", safety.FILE)


async def html(request: web.Request) -> web.Response:
    """Give the HTML of a mail, under a policy with which nothing runs and nothing is fetched."""
    message = the_message(request)
    content = message.html_with_images() if isinstance(message, Mail) else None
    if content is None:
        raise Mistake("This message has no HTML.", status=404)
    return _text(content, "text/html", safety.HTML_OF_A_MAIL)


async def file(request: web.Request) -> web.Response:
    """Give a file of a message: pictures to be shown, everything else to be saved."""
    files: dict[str, Any] = {str(n): one for n, one in enumerate(the_message(request).files())}
    found = files.get(request.match_info["n"])
    if found is None:
        raise Mistake("This message has no such file.", status=404)
    shown = found.content_type in IMAGES
    disposition = f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(found.filename or 'file', safe='')}"
    return web.Response(
        body=found.content,
        content_type=found.content_type if shown else "application/octet-stream",
        headers={"Content-Disposition": disposition, "Content-Security-Policy": safety.FILE},
    )


def _service(request: web.Request) -> str | None:
    service = request.query.get("service") or None
    if service not in {None, *SERVICES}:
        raise Mistake(f"service must be one of {', '.join(SERVICES)}.")
    return service


def _text(text: str, content_type: str, policy: str) -> web.Response:
    return web.Response(
        body=text.encode("utf-8", "replace"),
        content_type=content_type,
        charset="utf-8",
        headers={"Content-Security-Policy": policy},
    )
