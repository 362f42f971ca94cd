"""`dispatcher send`: what is in the queue afterwards, or a sentence."""

import json
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from dispatcher.contract.base import decode
from dispatcher.factories import contract_of
from helpers.node import Node
from tests.cli.command import Result, run


async def take(url: str, queue: str) -> AbstractIncomingMessage:
    """Take the one message out of a queue."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        return await (await channel.get_queue(queue, ensure=False)).get(no_ack=True)


async def test_it_publishes_and_prints_the_id(tmp_path: Path, node: Node, virtual_host: str):
    parameters = tmp_path / "p.json"
    parameters.write_text('{"name": "Ada", "age": 36}')
    url = node.url + virtual_host
    arguments = ["--template", "hello", "--to", "a@example.org", "--to", "b@example.org", "--subject", "Hi"]
    result = await run(
        "send",
        "email",
        *arguments,
        "--parameters",
        "p.json",
        "--param",
        "name=Bob",
        folder=tmp_path,
        brokers__rabbitmq__url=url,
    )
    got = await take(url, "email")

    assert 0 == result.code
    assert result.out.strip() == got.message_id
    assert {
        "template": "hello",
        "to": ["a@example.org", "b@example.org"],
        "subject": "Hi",
        "parameters": {"name": "Bob", "age": 36},
    } == json.loads(got.body)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--param", "name"], "--param name: write it as name=value"),
        (["--parameters", "nowhere.json"], "the parameters nowhere.json cannot be read"),
        (["--parameters", "list.json", "--param", "name=Ada"], "the parameters in list.json are a list"),
        (["--parameters", "deep.json"], "the parameters deep.json cannot be read"),
        (["--to", "\udcff@example.org"], "cannot be reached (Connection refused)"),
        (["--locale", "not a locale"], "locale: "),
        ([], "cannot be reached (Connection refused)"),
    ],
)
async def test_what_is_wrong_is_a_sentence(tmp_path: Path, arguments: list[str], said: str):
    (tmp_path / "list.json").write_text("[{}]")
    (tmp_path / "deep.json").write_text("[" * 5_000 + "]" * 5_000)
    usual = ["send", "email", "--template", "hello", "--to", "a@example.org"]
    result = await run(*usual, *arguments, folder=tmp_path, brokers__rabbitmq__url="amqp://guest:guest@127.0.0.1:9/")

    assert 2 == result.code
    assert said in result.error
    assert "Traceback" not in result.error


@pytest.mark.parametrize(("queue", "to"), [("telegram", ["-1001234567890", "@names"]), ("slack", ["#alerts"])])
async def test_it_publishes_to_chats(tmp_path: Path, node: Node, virtual_host: str, queue: str, to: list[str]):
    url = node.url + virtual_host
    whom = [word for one in to for word in ("--to", one)]
    result = await run("send", queue, "--template", "hello", *whom, folder=tmp_path, brokers__rabbitmq__url=url)

    body = json.loads((await take(url, queue)).body)
    assert 0 == result.code, result.error
    assert {"template": "hello", "to": to, "parameters": {}} == body
    assert not decode(contract_of(queue), json.dumps(body).encode())[1]


async def test_a_queue_that_there_is_not(tmp_path: Path):
    result = await run("send", "fax", "--template", "x", "--to", "y", folder=tmp_path)

    assert Result(2, "", "dispatcher: there is no queue fax; known are email, telegram, slack\n") == result


@pytest.mark.parametrize("queue", ["telegram", "slack"])
async def test_only_mails_have_a_subject(tmp_path: Path, queue: str):
    result = await run(
        "send", queue, "--template", "x", "--to", "1", "--subject", "Hi", folder=tmp_path, notifiers__email__port=9
    )

    assert 2 == result.code
    assert result.error.startswith(f"dispatcher: --subject: what goes to {queue} has no subject; ")


async def test_the_help_names_the_queues(tmp_path: Path):
    assert "email, telegram or slack" in (await run("send", "--help", folder=tmp_path)).out
