"""The page that tells how a daemon is doing, asked over real sockets."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from time import monotonic

import aiohttp
import pytest

from dispatcher.health import HealthPage
from dispatcher.settings import HealthSettings
from dispatcher.words.health import Health, QueueHealth, State, from_json, to_json, together
from helpers.ports import free_port

SINCE = datetime(2026, 11, 21, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
WELL = Health({"email": QueueHealth(State.TAKING), "slack": QueueHealth(State.OFF, text="no token")})
ILL = Health(
    {"email": QueueHealth(State.TAKING), "telegram": QueueHealth(State.PAUSED, SINCE, "\x1b[31mrefused\nby all\x07")},
    journal="No space\tleft",
)


NUMBERS = b"dispatcher_ready 1.0\n"


@asynccontextmanager
async def page(health: Health, host: str = "127.0.0.1") -> AsyncIterator[tuple[HealthPage, str]]:
    served = HealthPage(HealthSettings(host=host, port=free_port()), lambda: health, lambda: NUMBERS)
    await served.start()
    try:
        yield served, f"http://127.0.0.1:{served.port}"
    finally:
        await served.close()


async def get(address: str, method: str = "GET", **more: object) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.request(method, address, **more) as answer:
        return answer.status, await answer.text()


async def raw(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


async def test_all_is_well():
    async with page(WELL) as (_, address):
        status, body = await get(f"{address}/health")

        assert (200, body) == await get(f"{address}/ready")
    assert 200 == status
    assert {
        "ready": True,
        "stopping": False,
        "queues": {"email": {"state": "taking"}, "slack": {"state": "off", "text": "no token"}},
        "journal": None,
    } == json.loads(body)


async def test_a_paused_queue_is_said_with_its_time_and_its_text_and_the_daemon_is_alive_but_not_ready():
    async with page(ILL) as (_, address):
        alive, body = await get(f"{address}/health")
        ready, same = await get(f"{address}/ready")

    assert (200, 503) == (alive, ready)
    assert body == same
    said = json.loads(body)
    assert said["ready"] is False
    assert {"state": "paused", "since": "2026-11-21T12:00:00Z", "text": "\ufffd[31mrefused by all\ufffd"} == said[
        "queues"
    ]["telegram"]
    assert "No space left" == said["journal"]


async def test_a_daemon_that_stops_or_has_no_queue_yet_is_not_ready():
    for health in (Health(WELL.queues, stopping=True), Health()):
        async with page(health) as (_, address):
            assert 503 == (await get(f"{address}/ready"))[0]
            assert 200 == (await get(f"{address}/health"))[0]


async def test_people_get_one_line_for_each_queue():
    async with page(ILL) as (_, address):
        status, text = await get(address)
    assert 200 == status
    assert [
        "not ready",
        "email: taking",
        "telegram: paused since 2026-11-21T12:00:00Z: \ufffd[31mrefused by all\ufffd",
        "journal: No space left",
    ] == text.splitlines()
    async with page(WELL) as (_, address):
        assert (200, "ready\nemail: taking\nslack: off: no token\n") == await get(f"{address}/?from=somewhere")
    async with page(Health(stopping=True)) as (_, address):
        assert (200, "stopping\n") == await get(address)


def test_all_of_it_is_one_sentence_too():
    away = QueueHealth(State.WAITING, None, "RabbitMQ is away")
    crew = Health({"email": away, "telegram": away}, processes=(1, 2))

    assert "not ready; email, telegram: waiting: RabbitMQ is away; 1 of 2 processes run" == str(crew)
    assert "ready; email: taking; slack: off: no token" == str(WELL)
    assert str(ILL).endswith("journal: No space left")


async def test_numbers_come_as_prometheus_wants_them():
    async with page(WELL) as (_, address), aiohttp.ClientSession() as session:
        async with session.get(f"{address}/metrics") as answer:
            assert (200, NUMBERS) == (answer.status, await answer.read())
        assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["Content-Type"]


async def test_head_is_answered_without_a_body():
    async with page(ILL) as (served, address):
        assert (200, "") == await get(f"{address}/health", "HEAD")
        assert (503, "") == await get(f"{address}/ready", "HEAD")

        head = await raw(served.port, b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert head.endswith(b"\r\n\r\n")


async def test_there_is_nothing_else():
    async with page(WELL) as (_, address):
        for method, path in [("GET", "/metrics/"), ("GET", "/health/"), ("POST", "/health"), ("DELETE", "/")]:
            status, text = await get(f"{address}{path}", method)

            assert (404, 1) == (status, text.count("\n")), (method, path)
            assert text.startswith("There is nothing here: GET /health,")


async def test_no_answer_tells_what_it_is_made_with():
    async with page(WELL) as (served, _):
        for request in (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"nonsense\r\n\r\n", b"\0\r\n\r\n"):
            answer = await raw(served.port, request)

            assert answer.startswith(b"HTTP/1."), request
            assert b"Server: dispatcher\r\n" in answer
            assert b"aiohttp" not in answer
            assert b"Python" not in answer


async def test_what_is_asked_leaves_no_line_in_the_log(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        async with page(WELL) as (served, address):
            await get(f"{address}/health")
            await raw(served.port, b"nonsense\r\n\r\n")

    assert [] == caplog.messages


@pytest.mark.alone
async def test_a_large_body_is_not_waited_for():
    async with page(WELL) as (served, _):
        head = b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
        began = monotonic()
        answer = await raw(served.port, head + b"x" * 100_000)

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert monotonic() - began < 4


async def test_who_does_not_ask_is_cut_off_and_keeps_nobody_from_asking():
    async with page(WELL) as (served, address):
        idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(50)]
        for _, writer in idle[::2]:
            writer.write(b"GET /health HTTP/1.1\r\nHost:")
        assert 200 == (await get(f"{address}/health"))[0]

        async with asyncio.timeout(9):
            assert [b""] * 50 == await asyncio.gather(*(reader.read() for reader, _ in idle))
        for _, writer in idle:
            writer.close()


@pytest.mark.alone
async def test_closing_waits_for_nobody():
    async with page(WELL) as (served, _):
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
        await asyncio.sleep(0)
        began = monotonic()
        await served.close()
        await served.close()

        assert monotonic() - began < 2.5
        assert 0 == served.port
        writer.close()


async def test_a_port_that_is_taken_is_a_warning_and_no_end(caplog: pytest.LogCaptureFixture):
    async with page(WELL) as (first, address):
        second = HealthPage(HealthSettings(port=first.port), lambda: ILL, bytes)
        await second.start()

        assert 0 == second.port
        (said,) = caplog.messages
        assert said == (
            f"there is no page of health: 127.0.0.1, port {first.port} cannot be listened on: Address already in use; "
            "set service.health.port to another port, or to 0 for none"
        )
        await second.close()
        assert 200 == (await get(f"{address}/ready"))[0]


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "x" * 100, "a..b", "a b", "\0"])
async def test_an_address_that_cannot_be_listened_on_is_a_warning(caplog: pytest.LogCaptureFixture, host: str):
    served = HealthPage(HealthSettings(host=host, port=free_port()), lambda: WELL, bytes)
    await served.start()

    assert 0 == served.port
    (said,) = caplog.messages
    assert said.startswith("there is no page of health: ")
    assert "\0" not in said


async def test_port_0_means_no_page(caplog: pytest.LogCaptureFixture):
    served = HealthPage(HealthSettings(port=0), lambda: WELL, bytes)
    await served.start()

    assert 0 == served.port
    await served.close()
    assert [] == caplog.messages


async def test_it_listens_where_it_is_told_to():
    async with page(WELL, host="0.0.0.0") as (served, address):
        assert 200 == (await get(address))[0]
        assert served.port == int(address.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])))


def test_of_several_processes_the_worst_state_is_shown_and_one_that_takes_is_enough_to_be_ready():
    both = together([WELL, Health({"email": ILL.queues["telegram"], "slack": WELL.queues["slack"]})], 3)

    assert both.ready
    assert State.PAUSED is both.queues["email"].state
    assert str(both.queues["email"]).startswith("paused (1 of 2 processes) since 2026-11-21T12:00:00Z: ")
    assert "off: no token" == str(both.queues["slack"])
    assert from_json(to_json(both)).ready
    assert {"running": 2, "wanted": 3} == to_json(both)["processes"]
    assert not together([ILL, ILL], 2).ready
    assert not together([], 2).ready
    assert not together([WELL], 2, stopping=True).ready


@pytest.mark.parametrize("health", [WELL, Health(), Health(stopping=True), together([WELL, WELL], 2)])
def test_what_is_written_can_be_read_again(health: Health):
    assert health == from_json(json.loads(json.dumps(to_json(health))))


def test_what_is_read_again_has_its_time():
    again = from_json(to_json(ILL))

    assert datetime(2026, 11, 21, 12, tzinfo=UTC) == again.queues["telegram"].since
    assert again.ready is False


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "text",
        {},
        {"ready": True},
        {"ready": True, "queues": {}, "stopping": False, "journal": None},
        {"ready": False, "queues": [], "stopping": False, "journal": None},
        {"ready": False, "queues": {"email": "fine"}, "stopping": False, "journal": None},
        {"ready": False, "queues": {"email": {"state": "asleep"}}, "stopping": False, "journal": None},
        {"ready": False, "queues": {"email": {"state": "paused", "since": 5}}, "stopping": False, "journal": None},
    ],
)
def test_what_is_no_health_is_not_taken_for_one(value: object):
    with pytest.raises(ValueError):  # noqa: PT011 - which text it has is nobody's concern
        from_json(value)
