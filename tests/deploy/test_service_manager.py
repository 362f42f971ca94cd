"""What a daemon tells the service manager that started it, by sd_notify(3); and a process of it that hangs."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from dispatcher.cli.serve import REFUSED
from dispatcher.crew import process
from dispatcher.crew.lead import Lead
from dispatcher.crew.plan import Plan
from dispatcher.crew.reload import Reload
from dispatcher.crew.watch import Watch
from dispatcher.manager import LONGEST_STATUS, ServiceManager
from helpers.node import Node
from helpers.ports import free_port
from tests.daemon import Daemon
from tests.deploy.ear import Ear
from tests.proxy import Proxy
from tests.smtp_server import SmtpServer
from tests.waiting import until

READY = "ready; email: taking; telegram: off: no token; slack: off: no token and no webhook"

ROOM = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
"""So many datagrams wait in a socket before there is no room (unix(7) and the kernel's ip-sysctl)."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to start the daemon in, without a template."""
    (tmp_path / "templates" / "email").mkdir(parents=True)
    return tmp_path


@pytest.fixture
async def ear(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ear]:
    """A service manager that starts whatever the test starts."""
    with Ear(str(tmp_path_factory.mktemp("run") / "notify")) as ear:
        monkeypatch.setenv("NOTIFY_SOCKET", ear.address)
        yield ear


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def test_it_is_told_of_everything_from_the_start_to_the_end(
    node: Node, virtual_host: str, folder: Path, ear: Ear, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    async with Proxy(node.amqp_port) as proxy, SmtpServer() as smtp:
        settings = {
            "brokers__rabbitmq__url": f"amqp://guest:guest@127.0.0.1:{proxy.port}/{virtual_host}",
            "notifiers__email__port": smtp.port,
            "service__processes": 2,
        }
        async with Daemon(folder, **settings) as daemon:
            await until(lambda: ear.status == READY)
            assert ["1"] == ear.all("READY")
            for member in daemon.members:
                assert b"NOTIFY_SOCKET" not in environment_of(member)
                assert b"WATCHDOG_USEC" not in environment_of(member)

            await proxy.away()
            await until(lambda: ear.status.startswith("not ready; email: waiting"))
            assert "RabbitMQ" in ear.status
            await proxy.open()
            await until(lambda: ear.status == READY)

            before = daemon.members
            daemon.hang_up()
            await until(lambda: ear.order("READY", "RELOADING") == ["READY", "RELOADING", "READY"], within=40)
            assert any(status.startswith("reloading; ready") for status in ear.all("STATUS"))
            assert not set(before) & set(daemon.members)
            await until(lambda: ear.status == READY)

            gaps = ear.gaps("WATCHDOG")
            daemon.terminate()
            assert 0 == await daemon.ended()

    assert max(gaps) < 3.0
    assert len(gaps) >= 2
    assert {daemon._process.pid} == {one.sender for one in ear.told}, "systemd listens to the main process alone"
    assert ["READY", "RELOADING", "READY", "STOPPING"] == ear.order("READY", "RELOADING", "STOPPING")
    (stopping,) = [one.values for one in ear.told if "STOPPING" in one.values]
    assert 15_000_000 == int(stopping["EXTEND_TIMEOUT_USEC"])
    assert ear.status.startswith("stopping")


async def test_a_single_process_reloads_too(
    node: Node, virtual_host: str, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """It has a lead, where it has a service manager; this one's socket has no file."""
    configuration = folder / "dispatcher.yml"
    configuration.write_text("service: {processes: 1}")
    with Ear(f"@dispatcher-{uuid4().hex}") as ear:
        monkeypatch.setenv("NOTIFY_SOCKET", ear.address)
        monkeypatch.setenv("WATCHDOG_USEC", "100000")
        monkeypatch.setenv("WATCHDOG_PID", "1")
        settings = {"brokers__rabbitmq__url": node.url + virtual_host, "service__processes": None}
        async with Daemon(folder, **settings) as daemon:
            await until(lambda: ear.status == READY)
            (member,) = daemon.members

            configuration.write_text("service: {processes: 1, prosesses: 2}")
            daemon.hang_up()
            await until(lambda: ear.status == f"{READY}; not reloaded the last time, see the log")
            assert [member] == daemon.members

            configuration.write_text("service: {processes: 2}")
            daemon.hang_up()
            await until(lambda: any(line["event"] == "reloaded" for line in daemon.log), within=40)
            await until(lambda: ear.status == READY)
            assert 2 == len(set(daemon.members) - {member})
            assert ["READY", *["RELOADING", "READY"] * 2] == ear.order("READY", "RELOADING")
            daemon.terminate()
            assert 0 == await daemon.ended()

    assert [] == ear.all("WATCHDOG"), "that one is of another process"


async def test_a_broker_that_is_away_is_no_reason_not_to_be_ready(folder: Path, ear: Ear):
    """To start the daemon again would not bring it back."""
    url = f"amqp://guest:guest@127.0.0.1:{free_port()}/"
    daemon = Daemon(folder, brokers__rabbitmq__url=url)
    try:
        await daemon.start(ready=False)
        await until(lambda: ear.all("READY") == ["1"], within=40)

        assert ear.status.startswith("not ready; email: waiting: ")
        assert "RabbitMQ" in ear.status
        daemon.terminate()
        assert 0 == await daemon.ended()
    finally:
        await daemon.kill()


async def test_what_is_refused_is_never_ready(node: Node, folder: Path, ear: Ear):
    daemon = Daemon(folder, brokers__rabbitmq__url=node.url.replace("guest:guest", "ada:hunter2"))
    try:
        await daemon.start(ready=False)

        assert REFUSED == await daemon.ended()
        assert [] == ear.all("READY")
    finally:
        await daemon.kill()


async def test_one_that_is_gone_is_a_warning_and_no_more(node: Node, virtual_host: str, folder: Path, ear: Ear):
    ear.vanish()
    async with Daemon(folder, brokers__rabbitmq__url=node.url + virtual_host) as daemon:
        daemon.terminate()

        assert 0 == await daemon.ended()
    said = [line["event"] for line in daemon.log if line["level"] == "warning"]
    assert ["the service manager cannot be told how the daemon is doing: No such file or directory"] == [
        sentence for sentence in said if "service manager" in sentence
    ]


async def test_what_it_has_no_room_for_is_said_again(tmp_path: Path):
    ear = Ear(str(tmp_path / "notify"))
    ear.open()
    manager = ServiceManager(ear.address)
    for number in range(ROOM + 10):
        manager.say_status(f"{number}")
    manager.say_ready()
    ear.listen()
    telling = asyncio.create_task(manager.keep_told())
    await until(lambda: ear.all("READY") == ["1"])
    telling.cancel()
    manager.close()
    ear.close()

    assert [f"{number}" for number in range(ROOM + 10)] == ear.all("STATUS")


async def test_a_status_is_one_line_and_not_longer_than_it_may_be(ear: Ear):
    manager = ServiceManager(ear.address)
    manager.say_status("ü" * 5_000 + "\nREADY=1")
    manager.say_status("a\nREADY=1")
    await until(lambda: len(ear.told) == 2)
    manager.close()

    assert ["ü" * (LONGEST_STATUS // 2), "a READY=1"] == ear.all("STATUS")
    assert [] == ear.all("READY")


@pytest.mark.parametrize("address", [None, "/nowhere/notify", "/" + "long" * 100])
def test_where_nobody_listens_nothing_is_kept_to_be_said(address: str | None, caplog: pytest.LogCaptureFixture):
    manager = ServiceManager(address)
    for number in range(100):
        manager.say_status(f"{number}")

    assert [] == manager._unsaid
    assert len(caplog.messages) == (address is not None)
    assert "None" not in caplog.text


@pytest.fixture
def crew(node: Node, virtual_host: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Lead:
    """A lead in this process, whose members are processes."""
    settings = {
        "BROKERS__RABBITMQ__URL": node.url + virtual_host,
        "SERVICE__TEMPLATES__PATH": str(folder / "templates"),
        "SERVICE__JOURNAL__PATH": str(folder / "journal"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"DISPATCHER_{name}", value)
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    return Lead(Plan(2, "127.0.0.1", 0, 30.0), None)


@asynccontextmanager
async def led(lead: Lead) -> AsyncIterator[None]:
    """Lead and watch, until all have ended."""
    watch = Watch(lead, Reload(lead, None), ServiceManager(None))
    leading, watching = asyncio.create_task(lead.run()), asyncio.create_task(watch.run())
    try:
        await until(lambda: lead.ready, what="all take messages")
        yield
    finally:
        watch.stop()
        await leading
        watching.cancel()


async def test_a_process_that_hangs_is_ended_and_started_again(
    crew: Lead, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async with led(crew):
        hung, other = crew._seats[1], crew._seats[2]
        assert hung is not None
        with monkeypatch.context() as patch:
            patch.setattr(process, "HANGS", 10)  # a minute is long for a test
            os.kill(hung._process.pid, signal.SIGSTOP)
            await until(lambda: not hung.running, within=60, what="it is killed")
        await until(lambda: crew._seats[1] not in {None, hung} and crew._seats[1].report.up, within=60, what="another")

        assert other is crew._seats[2]
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert ["process 1 has said nothing for 10 s: it hangs, and is ended", True] == [said[0], "SIGKILL" in said[1]]
