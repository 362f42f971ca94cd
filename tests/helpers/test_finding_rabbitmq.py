"""The finding order: configured, Docker, on this machine, installed, or a sentence."""

import shutil
import socket
import struct
import subprocess
import sys
import threading

import pytest

from helpers import rabbitmq, tools
from helpers.debian import PackageFailure, apt_install
from helpers.node import ROOT, Node
from tests.helpers.left_behind import left_behind, nothing_left

START = struct.pack(">HHBB", 10, 10, 0, 9) + struct.pack(">III", 0, 0, 0)
GREETING = struct.pack(">BHI", 1, 0, len(START)) + START + b"\xce"


@pytest.fixture
def greeter():
    """Something that greets like a broker, or in whatever way it is told to."""
    greetings = [GREETING]
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.recv(8)
                    client.sendall(greetings[-1])

        threading.Thread(target=serve, daemon=True).start()
        yield f"amqp://someone:secret@127.0.0.1:{server.getsockname()[1]}/", greetings
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(autouse=True)
def bare_machine(tmp_path, monkeypatch):
    """A machine with nothing: no broker configured, no Docker, no server, no apt."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv(rabbitmq.VARIABLE, "amqp://127.0.0.1:1/")
    monkeypatch.setattr(rabbitmq, "RUN", tmp_path / "run folder")
    for module in (rabbitmq, tools):
        monkeypatch.setattr(module, "find_server", lambda: None)


@pytest.fixture
def docker(tmp_path):
    """A `docker` that notes what it is asked, and does what the test says."""

    def make(answer):
        program = tmp_path / "bin" / "docker"
        asked = f'echo "$@ $DISPATCHER_AMQP_PORT" >> "{tmp_path}/asked"'
        program.write_text(f"#!/bin/sh\n{asked}\n{answer}\n")
        program.chmod(0o755)
        return tmp_path / "asked"

    return make


@pytest.fixture
def private(monkeypatch):
    """Private nodes are not started here; what is asked of them is noted."""
    asked = []
    broker = rabbitmq.Broker("amqp://private/", "a private node")
    monkeypatch.setattr(rabbitmq, "private", lambda **wishes: asked.append(wishes) or broker)
    return asked


def test_the_configured_url_comes_first(greeter, docker, monkeypatch):
    """Where a broker speaks there, nothing else is asked, and it is not ended."""
    asked = docker("exit 0")
    monkeypatch.setenv(rabbitmq.VARIABLE, greeter[0])

    found = rabbitmq.find()

    assert found.url == greeter[0]
    assert found.release() is None
    assert not asked.exists()


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"AMQP\x00\x01\x00\x00", GREETING[:9]])
def test_an_open_port_is_not_yet_a_broker(greeter, private, monkeypatch, greeting):
    """What answers but does not speak AMQP 0-9-1 is passed over."""
    monkeypatch.setenv(rabbitmq.VARIABLE, greeter[0])
    monkeypatch.setattr(rabbitmq, "find_server", lambda: "there")
    greeter[1].append(greeting)

    assert rabbitmq.find().url == "amqp://private/"


def test_docker_comes_second(docker, node, monkeypatch):
    """The container gets a free port, is used, is found again, and is removed in the end."""
    asked = docker("exit 0")
    monkeypatch.setattr(rabbitmq, "free_port", lambda _usual: node.amqp_port)

    found = rabbitmq.find()

    assert found.url == node.url
    assert rabbitmq.find().origin == "in Docker, already running"
    found.release()
    lines = asked.read_text().splitlines()
    assert lines[0].strip() == "info"
    assert f"up -d --wait {node.amqp_port}" in lines[1]
    assert "down --volumes" in lines[-1]
    assert not (rabbitmq.RUN / "docker.json").exists()


@pytest.mark.parametrize("answer", ["exit 1", "[ $1 = info ]"])
def test_a_docker_that_does_not_work_is_passed_over(docker, private, monkeypatch, answer):
    """Neither the bare client, nor an engine that cannot start the image, is the end."""
    docker(answer)
    monkeypatch.setattr(rabbitmq, "find_server", lambda: "there")

    assert rabbitmq.find(keep=True).url == "amqp://private/"
    assert private == [{"keep": True}]


def test_own_passes_over_what_is_there(greeter, docker, private, monkeypatch):
    """`own` is a private node in any case."""
    asked = docker("exit 0")
    monkeypatch.setenv(rabbitmq.VARIABLE, greeter[0])
    monkeypatch.setattr(rabbitmq, "find_server", lambda: "there")

    assert rabbitmq.find(own=True).url == "amqp://private/"
    assert not asked.exists()


def test_a_missing_server_is_installed(private, monkeypatch):
    """Its service is not to be started."""
    asked = []
    monkeypatch.setattr(tools, "apt_install", lambda *names, services: asked.append((*names, *services)))

    assert rabbitmq.find().url == "amqp://private/"
    assert asked == [("rabbitmq-server", "rabbitmq-server")]


def test_where_nothing_helps_there_is_a_sentence(capsys):
    """Exit code 2, and what to do."""
    assert rabbitmq.main(["up"]) == 2
    assert rabbitmq.main(["url"]) == 2

    said = capsys.readouterr().err
    assert rabbitmq.VARIABLE in said
    assert "Traceback" not in said


def test_a_failing_apt_shows_its_words(tmp_path, monkeypatch):
    """The last lines of apt are what a person needs then."""
    program = tmp_path / "bin" / "apt-get"
    program.write_text("#!/bin/sh\necho E: no such package\nexit 100\n")
    program.chmod(0o755)
    (tmp_path / "bin" / "sh").symlink_to("/bin/sh")
    monkeypatch.setattr("os.geteuid", lambda: 0)

    with pytest.raises(PackageFailure, match="no such package"):
        apt_install("nonsense")


def test_without_root_or_sudo_apt_is_not_tried(tmp_path, monkeypatch):
    """A sentence names the packages."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(PackageFailure, match="Please install nonsense"):
        apt_install("nonsense")


def test_up_url_and_down(tmp_path, monkeypatch):
    """The commands as a person gives them, twice, in a path with a space: one node, and nothing left in the end."""
    monkeypatch.undo()
    home = tmp_path / "a clone"
    shutil.copytree(ROOT / "helpers", home / "helpers")

    def run(*arguments):
        command = [sys.executable, home / "helpers" / "rabbitmq.py", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    try:
        address = run("up", "--own", "--print-url").strip()
        assert address.startswith("amqp://guest:guest@127.0.0.1:")
        assert "already running" in run("up", "--own")
        assert run("url").strip() == address
        run("down")
        assert nothing_left(home), left_behind(home)
        run("down")
    finally:
        Node(home / ".run" / "rabbitmq").kill()
