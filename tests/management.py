"""RabbitMQ as its operator sees it: the management interface and `rabbitmqctl`."""

import asyncio
import base64
import http.client
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from helpers.node import Node

LOGIN = "Basic " + base64.b64encode(b"guest:guest").decode()


class Management:
    """The management interface of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call `/api/<path>`; fail on anything but success."""
        return await asyncio.to_thread(self._call, method, path, body)

    def _call(self, method: str, path: str, body: Any) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._node.management_port, timeout=20)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(
                method, f"/api/{path}", text, {"Authorization": LOGIN, "Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        assert answer.status < 300, f"{method} {path}: {answer.status} {raw!r}"
        return json.loads(raw) if raw else None

    async def add_virtual_host(self, name: str) -> None:
        await self.call("PUT", f"vhosts/{quote(name, safe='')}", {})

    async def remove_virtual_host(self, name: str) -> None:
        await self.call("DELETE", f"vhosts/{quote(name, safe='')}")

    async def add_user(self, name: str, host: str, configure: str, write: str, read: str) -> None:
        await self.call("PUT", f"users/{name}", {"password": name, "tags": ""})
        rights = {"configure": configure, "write": write, "read": read}
        await self.call("PUT", f"permissions/{quote(host, safe='')}/{name}", rights)

    async def connections(self) -> list[dict[str, Any]]:
        return await self.call("GET", "connections")


async def rabbitmqctl(node: Node, *command: str) -> str:
    """Run `rabbitmqctl` on a node."""
    return await asyncio.to_thread(node.ctl, *command)


@asynccontextmanager
async def memory_alarm(node: Node) -> AsyncIterator[None]:
    """Let a node run short of memory: it takes and confirms nothing; afterwards its limit is again what it was."""
    monitor = "vm_memory_monitor"
    set_limit = f"{monitor}:set_vm_memory_high_watermark"
    lower = f"Before = {monitor}:get_vm_memory_high_watermark(), ok = {set_limit}({{absolute, 1}}), Before."
    before = await rabbitmqctl(node, "-q", "eval", lower)
    try:
        yield
    finally:
        await rabbitmqctl(node, "-q", "eval", f"{set_limit}({before.strip()}).")
