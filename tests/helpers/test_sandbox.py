"""The sandbox as a whole: its ports, its beginning and its end, in a thread and as a program."""

import re
import smtplib
import socket
import subprocess
import sys

import httpx
import pytest

from helpers import processes
from helpers.ports import free_port
from helpers.rabbitmq import ROOT
from helpers.sandbox import Sandbox

PROGRAM = ROOT / "helpers" / "sandbox.py"


def send(sandbox):
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port) as connection:
        connection.sendmail("a@example.org", ["b@example.org"], b"Subject: x\r\n\r\n")


def answers(url):
    with httpx.Client(timeout=5) as http:
        return http.get(url).is_success


def test_a_port_that_is_taken_is_no_obstacle():
    """The next best one is used."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with Sandbox(smtp_port=port, http_port=port) as sandbox:
            assert len({port, sandbox.smtp_port, sandbox.http_port}) == 3
            send(sandbox)
            assert len(sandbox.messages()) == 1


def test_it_listens_on_the_loopback_interface_only():
    """Nobody else can see what was sent; `--host` is for those who want that."""
    with Sandbox(smtp_port=free_port(), http_port=free_port()) as sandbox:
        for port in (sandbox.smtp_port, sandbox.http_port):
            with socket.create_connection(("127.0.0.1", port)):
                pass
            with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.2", port)):
                pass


def test_what_arrived_outlives_it_and_it_starts_again_where_it_was():
    """An outage: the ports are closed, and then open again, with the same messages."""
    sandbox = Sandbox(smtp_port=free_port(), http_port=free_port())
    with sandbox:
        send(sandbox)
    with pytest.raises(ConnectionRefusedError):
        send(sandbox)
    assert [message.title for message in sandbox.messages()] == ["x"]

    with sandbox:
        send(sandbox)
        assert [message.id for message in sandbox.messages()] == [1, 2]
    sandbox.clear()
    assert sandbox.messages() == []


def test_a_port_taken_in_the_meantime_is_said():
    """To whoever started it."""
    sandbox = Sandbox(smtp_port=free_port(), http_port=free_port())
    with socket.create_server(("127.0.0.1", sandbox.smtp_port)), pytest.raises(OSError, match="in use"):
        sandbox.start()
    with sandbox:
        assert answers(sandbox.url)


def test_it_ends_while_somebody_is_connected():
    """Idle mail connections, browsers that listen, requests that hang: none of them holds it up."""
    with Sandbox(smtp_port=free_port(), http_port=free_port()) as sandbox:
        mail = smtplib.SMTP("127.0.0.1", sandbox.smtp_port)
        browser = socket.create_connection(("127.0.0.1", sandbox.http_port))
        browser.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in browser.recv(4096)
        hanging = socket.create_connection(("127.0.0.1", sandbox.http_port))
        hanging.sendall(b"GET /telegram/bot1:x/sendMessage?chat_id=@fault_hang HTTP/1.1\r\nHost: localhost\r\n\r\n")

    for connection in (mail, browser, hanging):
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        send(sandbox)


@pytest.fixture
def program():
    """Runs it as a program on ports of its own: `program(*arguments)` gives the process and the line it prints."""
    started = []

    def program(*arguments):
        ports = ["--smtp-port", str(free_port()), "--http-port", str(free_port())]
        process = subprocess.Popen([sys.executable, PROGRAM, *ports, *arguments], stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process, process.stdout.readline()

    yield program
    for process in started:
        processes.end(process)
        process.stdout.close()


def test_as_a_program_it_runs_until_it_is_ended(program):
    """It prints its addresses on a line, and SIGTERM is its end."""
    process, line = program()

    (url,) = re.findall(r"page and API: (\S+)", line)
    assert re.search(r"SMTP on 127\.0\.0\.1:\d+ ", line)
    assert f"Telegram: {url}telegram " in line
    assert f"Slack: {url}slack/api " in line
    assert answers(f"{url}api/messages")
    process.terminate()
    assert process.wait(10) == 0
    assert process.stdout.read() == ""


def test_as_a_program_it_keeps_what_it_is_told_to(program):
    """So many messages."""
    _, line = program("--kept", "1")

    (url,) = re.findall(r"page and API: (\S+)", line)
    with httpx.Client(base_url=url) as http:
        for text in ("one", "two"):
            http.post("/slack/services/x", json={"text": text})
        assert [message["title"] for message in http.get("/api/messages").json()["messages"]] == ["two"]


def test_without_its_libraries_it_says_what_to_do():
    """In a sentence."""
    command = [sys.executable, "-I", "-S", PROGRAM]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert ended.returncode == 2
    (sentence,) = ended.stderr.splitlines()
    assert sentence == "aiohttp is missing: run `make install`, then .venv/bin/python helpers/sandbox.py"


def test_another_name_is_taken_when_it_was_told():
    """`--host` names it."""
    with Sandbox(host="localhost", smtp_port=free_port(), http_port=free_port()) as sandbox:
        assert sandbox.url.startswith("http://localhost:")
        assert answers(sandbox.url)
