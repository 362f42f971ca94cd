"""The unit in the hands of systemd itself, on a machine that is started for it."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest

from dispatcher.cli.serve import REFUSED
from helpers.node import Node
from helpers.ports import free_port
from tests.deploy.machine import Machine
from tests.docs.pages import Page
from tests.management import Management
from tests.smtp_server import SmtpServer
from tests.waiting import until

PAGE = Page("deployment/systemd.md")
BODY = b'{"template": "custom", "to": "ada@example.org", "parameters": {"subject": "Hi", "html": "Hello"}}'
READY = "ready; email: taking; telegram: off: no token; slack: off: no token and no webhook"


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpServer]:
    async with SmtpServer(users={"dispatcher": "hunter2"}) as server:
        yield server


@pytest.fixture
async def machine(
    node: Node, virtual_host: str, management: Management, smtp: SmtpServer, tmp_path: Path
) -> AsyncIterator[Machine]:
    """A machine on which docs/deployment/systemd.md was followed up to the start of the service."""
    await management.add_user("appserver", virtual_host, ".*", ".*", ".*")
    machine = Machine(tmp_path / "machine")
    machine.make()
    machine.drop_in("quick", "WatchdogSec=5s", "RestartSec=100ms")
    machine.write("etc/dispatcher/secrets/rabbitmq-password", "appserver\n", 0o600)
    machine.write("etc/dispatcher/secrets/smtp-password", "hunter2\n", 0o600)
    machine.correct(
        {
            "dispatcher@localhost:5672/": f"appserver@127.0.0.1:{node.amqp_port}/{virtual_host}",
            "host: smtp.example.org": "host: 127.0.0.1",
            "port: 587": f"port: {smtp.port}",
            "tls: starttls": "tls: none",
            "service:\n": f"service:\n  processes: 2\n  health: {{port: {free_port()}}}\n",
        }
    )
    await asyncio.to_thread(machine.start)
    yield machine
    print(machine.run("systemctl", "show", "dispatcher", "--property=Result,NRestarts,ActiveState"))
    print(machine.run("journalctl", "--no-pager", "--unit=dispatcher"))  # shown where the test fails
    machine.stop()


async def send(node: Node, virtual_host: str, smtp: SmtpServer) -> None:
    """Publish, and wait for the mail."""
    before = len(smtp.mails)
    async with await aio_pika.connect(node.url + virtual_host) as connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(aio_pika.Message(BODY, message_id=f"{before}"), routing_key="email")
    await until(lambda: len(smtp.mails) == before + 1)


@pytest.mark.timeout(300)
async def test_systemd_runs_it_as_the_page_says(machine: Machine, node: Node, virtual_host: str, smtp: SmtpServer):
    """Start, check, reload, watchdog, stop; and settings that are wrong."""

    async def run(*command: str) -> str:
        return await asyncio.to_thread(machine.run, *command)

    async def says(name: str, value: str) -> bool:
        return await asyncio.to_thread(machine.show, name) == value

    async def logged(words: str) -> bool:
        return words in await run("journalctl", "--no-pager", "--output=cat", "--unit=dispatcher")

    async def members(first: str) -> set[str]:
        return set((await run("cat", f"/proc/{first}/task/{first}/children")).split())

    async def replaced(before: set[str], first: str) -> bool:
        after = await members(first)
        return len(after) == len(before) and not after & before

    await run("systemctl", "start", "dispatcher")
    await until(lambda: says("StatusText", READY))
    await send(node, virtual_host, smtp)
    assert "dispatcher 700\n" == await run("stat", "--format=%U %a", "/var/lib/dispatcher")

    (check,) = re.findall(r"# sudo -u dispatcher (env .*?)\n\s+```", PAGE.text, re.DOTALL)
    as_it = "setpriv --reuid=dispatcher --regid=dispatcher --clear-groups"  # there is no sudo here
    table = await run("sh", "-c", f"cd /; {as_it} {check}")
    assert "off, no token" in table

    first = (await run("systemctl", "show", "--property=MainPID", "--value", "dispatcher")).strip()
    before = await members(first)
    await run("systemctl", "reload", "dispatcher")
    await until(lambda: replaced(before, first), within=60)
    await until(lambda: says("StatusText", READY))
    await until(lambda: says("ActiveState", "active"))
    assert await says("MainPID", first)

    await run("sh", "-c", f"kill -STOP {first}")
    await until(lambda: says("NRestarts", "1"), within=40)
    await until(lambda: says("StatusText", READY), within=40)
    await send(node, virtual_host, smtp)
    assert await logged("Watchdog timeout")
    assert await logged("Fatal Python error: Aborted")

    await run("systemctl", "stop", "dispatcher")
    assert await says("ActiveState", "inactive")
    assert await says("Result", "success")

    machine.correct({"processes: 2": "prosesses: 2"})
    with pytest.raises(AssertionError, match="control process exited with error code"):
        await run("systemctl", "start", "dispatcher")
    assert await says("ActiveState", "failed")
    assert await says("ExecMainStatus", str(REFUSED))
    assert await logged("service.prosesses: there is no such setting")
