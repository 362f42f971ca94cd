"""A Bot API that notes when it got what."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from aiohttp import web

OK = 200


class BotApi:
    """As much of the Bot API as there has to be, with a clock.

    Attributes:
        answers: HTTP codes of the next answers; 200 when there are none left.
        taken: when, to whom and what.
        url: where it is.

    """

    def __init__(self) -> None:
        self.taken: list[tuple[float, str, str]] = []
        self.answers: list[int] = []
        self.retry_after = 3
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Take a message."""
        fields = await request.json()
        code = self.answers.pop(0) if self.answers else 200
        if code != OK:
            error = {"ok": False, "error_code": code, "description": "No: it is a test"}
            return web.json_response({**error, "parameters": {"retry_after": self.retry_after}}, status=code)
        chat = str(fields["chat_id"])
        self.taken.append((monotonic(), chat, str(fields["text"])))
        chat_said = {"id": 1, "type": "private", "first_name": "Ada"}
        message = {"message_id": len(self.taken), "date": 1_700_000_000, "chat": chat_said, "text": fields["text"]}
        return web.json_response({"ok": True, "result": message})

    def to(self, chat: int | str) -> list[str]:
        """Give what a chat got, in order."""
        return [text for _, one, text in self.taken if one == str(chat)]


@asynccontextmanager
async def bot_api() -> AsyncIterator[BotApi]:
    """Run one."""
    api = BotApi()
    app = web.Application()
    app.router.add_post("/bot{token}/sendMessage", api.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    yield api
    await runner.cleanup()
